//! The form of a task: new, copied or edited; with the preview of its trigger and the check of its parameters.

use std::sync::Arc;

use chrono::{Datelike, Weekday};
use poem::http::StatusCode;
use serde_json::Value;

use super::changes::compare;
use super::task::firings;
use crate::domain::chain;
use crate::domain::fault::Fault;
use crate::domain::page::{PageRequest, TaskFilter};
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::service::{Error, Preview};
use crate::tasks::Spec;
use crate::web::error::Failure;
use crate::web::form::{self, Values};
use crate::web::language::Language;
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::task_form::{
    CheckView, Fields, ParamFault, PreviewMoment, PreviewView, Stale, TaskForm, TaskNames, TypePart,
};
use crate::web::view::task_types::TypeView;
use crate::web::view::tasks::task_href;
use crate::web::view::{Choice, Moment, View, type_choices};
use crate::web::visit::{Answer, Visit};

const PREVIEWED: i64 = 5;
/// Tasks offered for a chain at once.
const NAMED: u32 = 20;

/// `GET /tasks/new?type=…`
pub async fn new(visit: Arc<Visit>) -> Answer {
    visit.may(Action::Edit)?;
    let registry = visit.service().registry();
    let entry = visit.query.get("type").and_then(|name| registry.get(name)).or_else(|| registry.all().into_iter().next());
    let mut values = entry.map(|entry| of_type(&entry.spec)).unwrap_or_default();
    for (name, text) in [("/trigger/type", "cron"), ("/enabled", "true"), ("/trigger/expression", "0 8 * * *")] {
        values.insert(name.to_owned(), text.to_owned());
    }
    let view = draw(&visit, "new", "/tasks/new", "/tasks", 0, values, &[]);
    visit.page("tasks", &view)
}

/// `POST /tasks/new`
pub async fn create(visit: Arc<Visit>) -> Answer {
    let (task, mut faults) = form::to_task(&visit.form);
    let outcome = match faults.is_empty() {
        true => visit.service().create_task(visit.actor()?, &task).await,
        false => Err(Error::Invalid(other_faults(&visit, &task))),
    };
    let (status, message) = match outcome {
        Ok(task) => {
            let link = task_href(&task.id);
            return Ok(visit.go(&link, Some(&Flash::new("created", &task.id, ""))));
        }
        Err(Error::Invalid(more)) => {
            faults.extend(more);
            (StatusCode::UNPROCESSABLE_ENTITY, String::new())
        }
        Err(Error::Conflict(message)) => {
            faults.push(Fault::new("/id", message));
            (StatusCode::CONFLICT, String::new())
        }
        Err(Error::Forbidden(message)) => (StatusCode::FORBIDDEN, message),
        Err(error) => return Err(error.into()),
    };
    let mut view = draw(&visit, "new", "/tasks/new", "/tasks", 0, form::typed(&visit.form), &faults);
    view.message = message;
    visit.page_with(status, "tasks", &view)
}

/// Where the parameters are no JSON the rest is judged all the same.
fn other_faults(visit: &Visit, task: &Value) -> Vec<Fault> {
    match visit.service().check_task(task) {
        Err(Error::Invalid(faults)) => faults.into_iter().filter(|fault| !fault.pointer.starts_with("/params")).collect(),
        _ => Vec::new(),
    }
}

/// `GET /tasks/{id}/edit`
pub async fn edit(visit: Arc<Visit>) -> Answer {
    let task = visit.service().task_to_change(visit.actor()?, visit.id()).await?;
    let here = task_href(&task.id);
    let values = form::to_values(&task.to_input());
    let view = draw(&visit, "edit", &format!("{here}/edit"), &visit.back(&here), task.version, values, &[]);
    visit.page("tasks", &view)
}

/// `POST /tasks/{id}/edit`
pub async fn replace(visit: Arc<Visit>) -> Answer {
    visit.may(Action::Edit)?;
    let id = visit.id();
    let here = task_href(id);
    let version = visit.form.all("version").last().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (mut task, mut faults) = form::to_task(&visit.form);
    if task.get("chain").is_none() {
        task["chain"] = chain::to_json(&visit.service().task(visit.actor()?, id).await?.chain);
    }
    let outcome = match faults.is_empty() {
        true => visit.service().replace_task(visit.actor()?, id, &task, Some(version)).await,
        false => Err(Error::Invalid(other_faults(&visit, &task))),
    };
    let mut stale = None;
    let (status, message) = match outcome {
        Ok(task) => return Ok(visit.go(&here, Some(&Flash::new("saved", &task.id, "")))),
        Err(Error::Invalid(more)) => {
            faults.extend(more);
            (StatusCode::UNPROCESSABLE_ENTITY, String::new())
        }
        Err(Error::Stale { current, .. }) => {
            stale = Some(changed_meanwhile(&visit, id, current).await?);
            (StatusCode::PRECONDITION_FAILED, String::new())
        }
        Err(Error::Forbidden(message)) => (StatusCode::FORBIDDEN, message),
        Err(error) => return Err(error.into()),
    };
    let mut view = draw(&visit, "edit", &format!("{here}/edit"), &here, version, form::typed(&visit.form), &faults);
    view.message = message;
    view.stale = stale;
    visit.page_with(status, "tasks", &view)
}

/// What somebody else saved, beside what was typed here.
async fn changed_meanwhile(visit: &Visit, id: &str, current: i64) -> Result<Stale, Failure> {
    let theirs = visit.service().task(visit.actor()?, id).await?;
    Ok(Stale { current, differences: compare(visit, &theirs) })
}

/// `GET /tasks/{id}/copy`: a new task's form, filled in from another.
pub async fn copy(visit: Arc<Visit>) -> Answer {
    visit.may(Action::Edit)?;
    let task = visit.service().task(visit.actor()?, visit.id()).await?;
    let mut values = form::to_values(&task.to_input());
    if task.name == task.id {
        values.remove("/name");
    }
    values.insert("/id".to_owned(), String::new());
    let view = draw(&visit, "copy", "/tasks/new", &task_href(&task.id), 0, values, &[]);
    visit.page("tasks", &view)
}

fn draw(
    visit: &Visit,
    mode: &'static str,
    post_to: &str,
    back: &str,
    version: i64,
    values: Values,
    faults: &[Fault],
) -> TaskForm {
    let entry = values.get("/type").and_then(|name| visit.service().registry().get(name));
    let cron_open =
        form::TRIGGERS[2].1.iter().skip(1).take(8).any(|m| values.get(&format!("/trigger/{m}")).is_some_and(|v| !v.is_empty()));
    let mut form = Fields { values, ..Fields::default() };
    let other_faults = form.place(&visit.translated(faults));
    TaskForm {
        mode,
        post_to: post_to.to_owned(),
        back: back.to_owned(),
        version,
        policy_open: form.faults.keys().any(|name| name.starts_with("/policy")),
        chain_open: form.values.keys().chain(form.faults.keys()).any(|name| name.starts_with("/chain")),
        chain_rows: form::chain::shown(&form.values),
        form,
        other_faults,
        fault_count: faults.len(),
        message: String::new(),
        types: type_choices(visit),
        chosen: entry.map(|entry| TypeView::new(&entry.spec, visit.language)),
        zones: chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().to_owned()).collect(),
        server_zone: visit.service().zone().name().to_owned(),
        queues: visit.service().queues().to_vec(),
        stale: None,
        cron_open,
    }
}

/// `GET /tasks/-/names?…`: tasks to choose from, by what was typed into the field that asks.
pub async fn names(visit: Arc<Visit>) -> Answer {
    let typed = visit.query.0.iter().find(|(name, _)| name.starts_with("/chain/")).map_or("", |(_, text)| text.trim());
    let filter = TaskFilter { search: Some(format!("\"{}\"", typed.replace('"', " "))), ..TaskFilter::default() };
    let filter = if typed.is_empty() { TaskFilter::default() } else { filter };
    let page = PageRequest { size: NAMED, cursor: None };
    let found = visit.service().tasks(visit.actor()?, &filter, &page).await?;
    let names = found.items.into_iter().map(|task| Choice { text: task.name, value: task.id }).collect();
    visit.fragment(StatusCode::OK, TaskNames::TEMPLATE, &TaskNames { names })
}

/// What a type fills in: its name, its example and its policy.
fn of_type(spec: &Spec) -> Values {
    let filled = serde_json::json!({"type": spec.name, "params": spec.example, "policy": spec.default_policy.to_json()});
    filled.as_object().map(form::to_values).unwrap_or_default()
}

/// `POST /tasks/-/type`: the part of the form that another type changes. What the reader typed stays; what the earlier type
/// filled in is replaced.
pub async fn type_part(visit: Arc<Visit>) -> Answer {
    let registry = visit.service().registry();
    let chosen = visit.form.get("/type").and_then(|name| registry.get(name));
    let earlier = visit.form.get("filled_by").and_then(|name| registry.get(name)).map(|entry| of_type(&entry.spec));
    let mut values = form::typed(&visit.form);
    for (name, text) in chosen.as_ref().map(|entry| of_type(&entry.spec)).unwrap_or_default() {
        if is_untouched(&name, &values, earlier.as_ref()) {
            values.insert(name, text);
        }
    }
    let view = TypePart {
        form: Fields { values, ..Fields::default() },
        chosen: chosen.map(|entry| TypeView::new(&entry.spec, visit.language)),
        queues: visit.service().queues().to_vec(),
        policy_open: visit.form.get("policy_open").is_some(),
    };
    visit.fragment(StatusCode::OK, TypePart::TEMPLATE, &view)
}

fn is_untouched(name: &str, typed: &Values, earlier: Option<&Values>) -> bool {
    let now = typed.get(name).map(|text| text.replace("\r\n", "\n").trim().to_owned()).unwrap_or_default();
    let before = earlier.and_then(|values| values.get(name)).map(String::as_str).unwrap_or_default();
    now.is_empty() || now == before.trim()
}

/// `POST /tasks/-/preview`: what the trigger in the form means.
pub async fn preview(visit: Arc<Visit>) -> Answer {
    let trigger = form::to_trigger(&visit.form);
    let view = match visit.service().preview(visit.actor()?, &trigger, None, PREVIEWED) {
        Ok(mut preview) => {
            // A rule that stays goes on from where it is, not from now.
            if let Some(task) = unmoved(&visit, &trigger).await? {
                preview.fire_times = firings(&visit, &task, PREVIEWED as usize);
            }
            explained(&visit, &trigger, preview)
        }
        Err(Error::Invalid(faults)) => PreviewView::of_faults(&visit.translated(&faults)),
        Err(error) => return Err(error.into()),
    };
    visit.fragment(StatusCode::OK, PreviewView::TEMPLATE, &view)
}

/// The task that the form edits, where its trigger is as it was and it fires.
async fn unmoved(visit: &Visit, trigger: &Value) -> Result<Option<Task>, Failure> {
    let is_edit = visit.form.all("version").last().is_some_and(|version| version != "0");
    let Some(id) = visit.form.get("/id").filter(|_| is_edit) else { return Ok(None) };
    match visit.service().task(visit.actor()?, id).await {
        Ok(task) => Ok(Some(task).filter(|task| task.enabled && task.trigger == *trigger)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn explained(visit: &Visit, trigger: &Value, preview: Preview) -> PreviewView {
    let (description, notes) = match visit.language {
        Language::English => (preview.description_en, preview.notes_en),
        Language::Chinese => (preview.description_zh, preview.notes_zh),
    };
    let moments = preview.fire_times.iter().map(|at| PreviewMoment {
        at: Moment::new(at.to_utc(), at.timezone()),
        local: at.format("%Y-%m-%d %H:%M:%S %:z").to_string(),
        weekday: weekday(at.weekday()),
    });
    PreviewView {
        text: preview.text,
        description,
        moments: moments.collect(),
        notes,
        idle: trigger.get("type").and_then(Value::as_str) == Some("idle"),
        ..PreviewView::of_faults(&[])
    }
}

fn weekday(day: Weekday) -> &'static str {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day.num_days_from_monday() as usize]
}

/// `POST /tasks/-/check`: whether the parameters are JSON, and fit their type.
pub async fn check(visit: Arc<Visit>) -> Answer {
    visit.actor()?;
    let text = visit.form.raw("/params").unwrap_or_default();
    let faults = match form::to_params(text) {
        Err(fault) => vec![fault],
        Ok(params) => params_faults(&visit, &visit.form, &params),
    };
    let faults = visit.translated(&faults);
    let empty = text.trim().is_empty() && faults.is_empty();
    let view = CheckView { empty, faults: faults.iter().map(ParamFault::new).collect() };
    visit.fragment(StatusCode::OK, CheckView::TEMPLATE, &view)
}

fn params_faults(visit: &Visit, form: &Pairs, params: &Value) -> Vec<Fault> {
    let entry = form.get("/type").and_then(|name| visit.service().registry().get(name));
    entry.map(|entry| entry.check(params, "/params")).unwrap_or_default()
}
