//! Task form (new, duplicate, edit), trigger preview and parameter check.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Weekday};
use chrono_tz::Tz;
use poem::http::StatusCode;
use serde_json::Value;

use super::changes::compare;
use crate::domain::calendar::CN;
use crate::domain::chain;
use crate::domain::fault::Fault;
use crate::domain::page::{PageRequest, TaskFilter};
use crate::domain::run_input;
use crate::domain::schedule::Preview;
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::i18n::Language;
use crate::service::Error;
use crate::tasks::{Spec, template};
use crate::web::error::Failure;
use crate::web::form::schedule::ScheduleTemplate;
use crate::web::form::{self, Values};
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::task_form::{
    CheckView, Fields, ParamFault, PreviewMoment, PreviewView, Stale, TaskForm, TaskNames, TypePart,
};
use crate::web::view::task_types::TypeView;
use crate::web::view::tasks::task_href;
use crate::web::view::{Choice, Moment, View, type_choices};

const PREVIEWED: i64 = 5;
/// Maximum number of tasks suggested for a chain.
const NAMED: u32 = 20;

/// `GET /tasks/new?type=…&template=…`
pub async fn new(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let registry = &ctx.services().registry;
    let offered = offered_types(&ctx);
    let asked = ctx.query.get("type").filter(|name| offered.iter().any(|choice| choice.value == *name));
    let entry = asked.or(offered.first().map(|choice| choice.value.as_str())).and_then(|name| registry.get(name));
    let mut values = entry.map(|entry| type_defaults(&entry.spec)).unwrap_or_default();
    for (name, text) in [("/trigger/type", "cron"), ("/enabled", "true"), ("/trigger/expression", "0 8 * * *")] {
        values.insert(name.to_owned(), text.to_owned());
    }
    if let Some(template) = ctx.query.get("template").and_then(ScheduleTemplate::parse) {
        values.extend(template.values().map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
    let view = render(&ctx, "new", "/tasks/new", "/tasks", 0, values, &[]).await?;
    ctx.page("tasks", &view)
}

/// `POST /tasks/new`
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let (task, mut faults) = form::to_task(&ctx.form);
    let outcome = match faults.is_empty() {
        true => ctx.services().tasks.create(ctx.actor()?, &task).await,
        false => Err(Error::Invalid(other_faults(&ctx, &task))),
    };
    let (status, message) = match outcome {
        Ok(task) => {
            let link = task_href(&task.id);
            return Ok(ctx.redirect_with_flash(&link, Some(&Flash::new("created", &task.id, ""))));
        }
        Err(Error::Invalid(more)) => {
            faults.extend(more);
            (StatusCode::UNPROCESSABLE_ENTITY, String::new())
        }
        Err(Error::Conflict(message)) => {
            faults.push(Fault::new("/id", message));
            (StatusCode::CONFLICT, String::new())
        }
        Err(Error::Forbidden(message)) => (StatusCode::FORBIDDEN, ctx.translate(&message)),
        Err(error) => return Err(error.into()),
    };
    let mut view = render(&ctx, "new", "/tasks/new", "/tasks", 0, form::submitted(&ctx.form), &faults).await?;
    view.message = message;
    ctx.page_with(status, "tasks", &view)
}

/// Validates the rest of the task if the parameters are not JSON.
fn other_faults(ctx: &RequestContext, task: &Value) -> Vec<Fault> {
    match ctx.services().tasks.check(task) {
        Err(Error::Invalid(faults)) => faults.into_iter().filter(|fault| !fault.pointer.starts_with("/params")).collect(),
        _ => Vec::new(),
    }
}

/// `GET /tasks/{id}/edit`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get_editable(ctx.actor()?, ctx.id()).await?;
    let here = task_href(&task.id);
    let values = form::to_values(&task.to_input());
    let view = render(&ctx, "edit", &format!("{here}/edit"), &ctx.return_path(&here), task.version, values, &[]).await?;
    ctx.page("tasks", &view)
}

/// `POST /tasks/{id}/edit`
pub async fn replace(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let id = ctx.id();
    let here = task_href(id);
    let version = ctx.form.all("version").last().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (mut task, mut faults) = form::to_task(&ctx.form);
    if task.get("chain").is_none() {
        task["chain"] = chain::to_json(&ctx.services().tasks.get(ctx.actor()?, id).await?.chain);
    }
    if task.get("inputs").is_none() {
        task["inputs"] = run_input::to_json(&ctx.services().tasks.get(ctx.actor()?, id).await?.inputs);
    }
    let outcome = match faults.is_empty() {
        true => ctx.services().tasks.replace(ctx.actor()?, id, &task, Some(version)).await,
        false => Err(Error::Invalid(other_faults(&ctx, &task))),
    };
    let mut stale = None;
    let (status, message) = match outcome {
        Ok(task) => return Ok(ctx.redirect_with_flash(&here, Some(&Flash::new("saved", &task.id, "")))),
        Err(Error::Invalid(more)) => {
            faults.extend(more);
            (StatusCode::UNPROCESSABLE_ENTITY, String::new())
        }
        Err(Error::Stale { current, .. }) => {
            stale = Some(changed_meanwhile(&ctx, id, current).await?);
            (StatusCode::PRECONDITION_FAILED, String::new())
        }
        Err(Error::Forbidden(message)) => (StatusCode::FORBIDDEN, ctx.translate(&message)),
        Err(error) => return Err(error.into()),
    };
    let mut view = render(&ctx, "edit", &format!("{here}/edit"), &here, version, form::submitted(&ctx.form), &faults).await?;
    view.message = message;
    view.stale = stale;
    ctx.page_with(status, "tasks", &view)
}

/// Compares a concurrently saved task with the submitted form.
async fn changed_meanwhile(ctx: &RequestContext, id: &str, current: i64) -> Result<Stale, Failure> {
    let theirs = ctx.services().tasks.get(ctx.actor()?, id).await?;
    Ok(Stale { current, differences: compare(ctx, &theirs) })
}

/// `GET /tasks/{id}/copy`: the form of a new task, filled in from another.
pub async fn copy(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    ctx.services().tasks.allow_type(ctx.actor()?, &task.task_type)?;
    let mut values = form::to_values(&task.to_input());
    if task.name == task.id {
        values.remove("/name");
    }
    values.insert("/id".to_owned(), String::new());
    let view = render(&ctx, "copy", "/tasks/new", &task_href(&task.id), 0, values, &[]).await?;
    ctx.page("tasks", &view)
}

/// The task types that the user may save.
pub(super) fn offered_types(ctx: &RequestContext) -> Vec<Choice> {
    let Some(actor) = &ctx.actor else { return Vec::new() };
    let mut choices = type_choices(&ctx.view());
    choices.retain(|choice| ctx.services().tasks.allow_type(actor, &choice.value).is_ok());
    choices
}

async fn render(
    ctx: &RequestContext,
    mode: &'static str,
    post_to: &str,
    back: &str,
    version: i64,
    values: Values,
    faults: &[Fault],
) -> Result<TaskForm, Failure> {
    let entry = values.get("/type").and_then(|name| ctx.services().registry.get(name));
    let cron_open =
        form::TRIGGERS[2].1.iter().skip(1).take(8).any(|m| values.get(&format!("/trigger/{m}")).is_some_and(|v| !v.is_empty()));
    let mut form = Fields { values, ..Fields::default() };
    let rule_rows = form::schedule::row_numbers(&form.values);
    let other_faults = form.assign(&ctx.translate_faults(faults));
    let form_has_rules = form::schedule::has_rules(&form.values) || form.faults.keys().any(|name| name.starts_with("/triggers"));
    let calendars = calendar_choices(ctx, form.values.get("/calendar")).await?;
    Ok(TaskForm {
        mode,
        post_to: post_to.to_owned(),
        back: back.to_owned(),
        version,
        policy_open: form.faults.keys().any(|name| name.starts_with("/policy")),
        chain_open: form.values.keys().chain(form.faults.keys()).any(|name| name.starts_with("/chain")),
        chain_rows: form::chain::row_numbers(&form.values),
        inputs_open: form.values.keys().chain(form.faults.keys()).any(|name| name.starts_with("/inputs")),
        input_rows: form::inputs::row_numbers(&form.values),
        form,
        other_faults,
        fault_count: faults.len(),
        message: String::new(),
        types: offered_types(ctx),
        chosen: entry.map(|entry| TypeView::new(&entry.spec, ctx.language)),
        zones: chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().to_owned()).collect(),
        server_zone: ctx.services().zone.name().to_owned(),
        queues: ctx.services().queues.to_vec(),
        stale: None,
        cron_open,
        calendars,
        rules_open: form_has_rules,
        rule_rows,
    })
}

/// The calendars to choose from: those of the server, and what the task has if that is several.
async fn calendar_choices(ctx: &RequestContext, chosen: Option<&String>) -> Result<Vec<Choice>, Failure> {
    let calendars = ctx.services().calendars.in_force().await?;
    let mut choices: Vec<Choice> = calendars.names().into_iter().map(|name| Choice::new(name, name)).collect();
    // The calendar of the country first: it is chosen most often.
    choices.sort_by_key(|choice| choice.value != CN);
    if let Some(names) = chosen.filter(|names| !names.is_empty() && choices.iter().all(|choice| choice.value != **names)) {
        choices.push(Choice::new(names, names.replace(',', ", ")));
    }
    Ok(choices)
}

/// `GET /tasks/-/names?…`: suggests tasks by the text of a chain field.
pub async fn names(ctx: Arc<RequestContext>) -> HandlerResult {
    let submitted = ctx.query.0.iter().find(|(name, _)| name.starts_with("/chain/")).map_or("", |(_, text)| text.trim());
    let filter = TaskFilter { search: Some(format!("\"{}\"", submitted.replace('"', " "))), ..TaskFilter::default() };
    let filter = if submitted.is_empty() { TaskFilter::default() } else { filter };
    let page = PageRequest { size: NAMED, cursor: None };
    let found = ctx.services().tasks.list(ctx.actor()?, &filter, &page).await?;
    let names = found.items.into_iter().map(|task| Choice { text: task.name, value: task.id }).collect();
    ctx.fragment(StatusCode::OK, TaskNames::TEMPLATE, &TaskNames { names })
}

/// Returns the field values that a task type fills in: name, example parameters and default policy.
fn type_defaults(spec: &Spec) -> Values {
    let filled = serde_json::json!({"type": spec.name, "params": spec.example, "policy": spec.default_policy.to_json()});
    filled.as_object().map(form::to_values).unwrap_or_default()
}

/// `POST /tasks/-/type`: the type-dependent part of the form. User input is kept; values filled in by the previous type are
/// replaced.
pub async fn type_part(ctx: Arc<RequestContext>) -> HandlerResult {
    let registry = &ctx.services().registry;
    let chosen = ctx.form.get("/type").and_then(|name| registry.get(name));
    let earlier = ctx.form.get("filled_by").and_then(|name| registry.get(name)).map(|entry| type_defaults(&entry.spec));
    let mut values = form::submitted(&ctx.form);
    for (name, text) in chosen.as_ref().map(|entry| type_defaults(&entry.spec)).unwrap_or_default() {
        if is_untouched(&name, &values, earlier.as_ref()) {
            values.insert(name, text);
        }
    }
    let view = TypePart {
        form: Fields { values, ..Fields::default() },
        chosen: chosen.map(|entry| TypeView::new(&entry.spec, ctx.language)),
        queues: ctx.services().queues.to_vec(),
        policy_open: ctx.form.get("policy_open").is_some(),
    };
    ctx.fragment(StatusCode::OK, TypePart::TEMPLATE, &view)
}

fn is_untouched(name: &str, submitted: &Values, earlier: Option<&Values>) -> bool {
    let now = submitted.get(name).map(|text| text.replace("\r\n", "\n").trim().to_owned()).unwrap_or_default();
    let before = earlier.and_then(|values| values.get(name)).map(String::as_str).unwrap_or_default();
    now.is_empty() || now == before.trim()
}

/// `POST /tasks/-/preview`: previews the submitted trigger.
pub async fn preview(ctx: Arc<RequestContext>) -> HandlerResult {
    let schedule = form::schedule::to_schedule(&ctx.form);
    let mut view = match ctx.services().preview.schedule(ctx.actor()?, &schedule, None, PREVIEWED).await {
        Ok(mut preview) => {
            // An unchanged rule continues from its next run, not from now.
            if let Some(task) = unmoved(&ctx, &schedule).await?
                && let Some(own) = ctx.services().preview.task(ctx.actor()?, &task, PREVIEWED as usize).await?
            {
                preview.occurrences = own.occurrences;
            }
            explained(&ctx, &schedule, preview)
        }
        Err(Error::Invalid(faults)) => PreviewView::from_faults(&ctx.translate_faults(&faults)),
        Err(error) => return Err(error.into()),
    };
    view.clear(form::schedule::row_fields(&ctx.form));
    ctx.fragment(StatusCode::OK, PreviewView::TEMPLATE, &view)
}

/// Returns the edited task if it is enabled and its rules and calendars are unchanged.
async fn unmoved(ctx: &RequestContext, schedule: &Value) -> Result<Option<Task>, Failure> {
    let is_edit = ctx.form.all("version").last().is_some_and(|version| version != "0");
    let Some(id) = ctx.form.get("/id").filter(|_| is_edit) else { return Ok(None) };
    match ctx.services().tasks.get(ctx.actor()?, id).await {
        Ok(task) => Ok(Some(task).filter(|task| task.enabled && form::schedule::is_of(schedule, task))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn explained(ctx: &RequestContext, schedule: &Value, preview: Preview) -> PreviewView {
    let description = match ctx.language {
        Language::English => preview.description_en,
        Language::Chinese => preview.description_zh,
    };
    let local = |at: &DateTime<Tz>| at.format("%Y-%m-%d %H:%M:%S %:z").to_string();
    let moments = preview.occurrences.iter().map(|one| PreviewMoment {
        at: Moment::new(one.at.to_utc(), one.at.timezone()),
        local: local(&one.at),
        weekday: weekday(one.at.weekday()),
        note: one.note.unwrap_or_default(),
        original: if one.at == one.scheduled_at { String::new() } else { local(&one.scheduled_at) },
    });
    PreviewView {
        text: preview.text,
        description,
        moments: moments.collect(),
        notes: preview.notes.iter().map(|note| ctx.translate(note)).collect(),
        idle: schedule.pointer("/trigger/type").and_then(Value::as_str) == Some("idle"),
        ..PreviewView::from_faults(&[])
    }
}

fn weekday(day: Weekday) -> &'static str {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day.num_days_from_monday() as usize]
}

/// `POST /tasks/-/check`: checks that the parameters are JSON and valid for their task type.
pub async fn check(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let text = ctx.form.raw("/params").unwrap_or_default();
    let faults = match form::to_params(text) {
        Err(fault) => vec![fault],
        Ok(params) => params_faults(&ctx, &ctx.form, &params),
    };
    let faults = ctx.translate_faults(&faults);
    let empty = text.trim().is_empty() && faults.is_empty();
    let view = CheckView { empty, faults: faults.iter().map(ParamFault::new).collect() };
    ctx.fragment(StatusCode::OK, CheckView::TEMPLATE, &view)
}

fn params_faults(ctx: &RequestContext, submitted: &Pairs, params: &Value) -> Vec<Fault> {
    let entry = submitted.get("/type").and_then(|name| ctx.services().registry.get(name));
    let inputs = run_input::parse(&form::inputs::to_inputs(submitted), "/inputs").unwrap_or_default();
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let mut faults = template::check(params, "/params", &names);
    faults.extend(entry.map(|entry| entry.check(params, "/params")).unwrap_or_default());
    faults
}
