//! Task form (new, duplicate, edit) and parameter check.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::Value;

use super::changes::compare;
use super::params::{self, Submitted};
use crate::domain::calendar::CN;
use crate::domain::chain;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::page::{PageRequest, TaskFilter};
use crate::domain::run_input;
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{Error, LONGEST_TEST};
use crate::tasks::{Spec, template};
use crate::web::error::Failure;
use crate::web::form::params::PARAMS;
use crate::web::form::schedule::ScheduleTemplate;
use crate::web::form::{self, Values};
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::Pairs;
use crate::web::view::params::Shown;
use crate::web::view::params_check::CheckView;
use crate::web::view::task_form::{Fields, Stale, TaskForm, TaskNames, TypeCard, TypePart};
use crate::web::view::task_types::TypeView;
use crate::web::view::tasks::task_href;
use crate::web::view::{Choice, View, type_choices};

/// Maximum number of tasks suggested for a chain.
const NAMED: u32 = 20;

/// `GET /tasks/new?type=…&template=…`; 404 with the choice of types for one that the user cannot have.
pub async fn new(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let registry = &ctx.services().registry;
    let offered = offered_types(&ctx);
    let template = ctx.query.one_of("template", &ScheduleTemplate::ALL.map(ScheduleTemplate::as_str))?;
    let asked = ctx.query.get("type");
    let unknown = asked.filter(|name| offered.iter().all(|choice| choice.value != *name));
    let chosen = match unknown {
        Some(_) => None,
        None => asked.or(offered.first().map(|choice| choice.value.as_str())),
    };
    let entry = chosen.and_then(|name| registry.get(name));
    let mut values = entry.map(|entry| type_defaults(&entry.spec)).unwrap_or_default();
    for (name, text) in [("/trigger/type", "cron"), ("/enabled", "true"), ("/trigger/expression", "0 8 * * *")] {
        values.insert(name.to_owned(), text.to_owned());
    }
    if let Some(template) = template.and_then(ScheduleTemplate::parse) {
        values.extend(template.values().map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
    let mut view = Drawn::new("new", "/tasks/new", "/tasks").render(&ctx, values, &[]).await?;
    let Some(name) = unknown else { return ctx.page("tasks", &view) };
    view.message = ctx.translate(&message!("task.choose_known_type", task_type = truncate(name, 40)));
    ctx.page_with(StatusCode::NOT_FOUND, "tasks", &view)
}

/// `POST /tasks/new`
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let submitted = params::read(&ctx);
    let drawn = Drawn::new("new", "/tasks/new", "/tasks").submitted(submitted.shown);
    if let Some(shown) = params::asked_view(&ctx) {
        return redrawn(&ctx, drawn, &submitted, shown).await;
    }
    let (task, mut faults) = form::to_task(&submitted.form);
    faults.extend(submitted.faults);
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
    let mut view = drawn.render(&ctx, form::submitted(&submitted.form), &faults).await?;
    view.message = message;
    ctx.page_with(status, "tasks", &view)
}

/// The form again, with the parameters in another view or with the fields of another type; without scripts.
async fn redrawn(ctx: &RequestContext, drawn: Drawn<'_>, submitted: &Submitted, shown: Shown) -> HandlerResult {
    let shown = if submitted.faults.is_empty() { shown } else { Shown::Fields };
    let mut values = form::submitted(&submitted.form);
    fill_in_type(ctx, &mut values);
    let is_same_type = ctx.form.get("filled_by") == ctx.form.get("/type");
    let drawn = Drawn { shown, was_submitted: is_same_type && shown == submitted.shown, ..drawn };
    let mut view = drawn.render(ctx, values, &submitted.faults).await?;
    view.is_unsaved = true;
    ctx.page("tasks", &view)
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
    let (post_to, back) = (format!("{here}/edit"), ctx.return_path(&here));
    let drawn = Drawn { version: task.version, ..Drawn::new("edit", &post_to, &back) };
    ctx.page("tasks", &drawn.render(&ctx, values, &[]).await?)
}

/// `POST /tasks/{id}/edit`
pub async fn replace(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let id = ctx.id();
    let here = task_href(id);
    let version = ctx.form.all("version").last().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (submitted, post_to) = (params::read(&ctx), format!("{here}/edit"));
    let drawn = Drawn { version, ..Drawn::new("edit", &post_to, &here) }.submitted(submitted.shown);
    if let Some(shown) = params::asked_view(&ctx) {
        return redrawn(&ctx, drawn, &submitted, shown).await;
    }
    let (mut task, mut faults) = form::to_task(&submitted.form);
    faults.extend(submitted.faults);
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
            stale = Some(changed_meanwhile(&ctx, &submitted.form, id, current).await?);
            (StatusCode::PRECONDITION_FAILED, String::new())
        }
        Err(Error::Forbidden(message)) => (StatusCode::FORBIDDEN, ctx.translate(&message)),
        Err(error) => return Err(error.into()),
    };
    let mut view = drawn.render(&ctx, form::submitted(&submitted.form), &faults).await?;
    view.message = message;
    view.stale = stale;
    ctx.page_with(status, "tasks", &view)
}

/// Compares a concurrently saved task with the submitted form.
async fn changed_meanwhile(ctx: &RequestContext, form: &Pairs, id: &str, current: i64) -> Result<Stale, Failure> {
    let theirs = ctx.services().tasks.get(ctx.actor()?, id).await?;
    Ok(Stale { current, differences: compare(form, &theirs) })
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
    let back = task_href(&task.id);
    ctx.page("tasks", &Drawn::new("copy", "/tasks/new", &back).render(&ctx, values, &[]).await?)
}

/// The types that most tasks have, in the order in which they are offered.
const FIRST_TYPES: [&str; 4] = ["send_cmd", "http_request", "send_sql", "send_email"];

/// The task types that the user may save, the most used ones first.
pub(super) fn offered_types(ctx: &RequestContext) -> Vec<Choice> {
    let Some(actor) = &ctx.actor else { return Vec::new() };
    let mut choices = type_choices(&ctx.view());
    choices.retain(|choice| ctx.services().tasks.allow_type(actor, &choice.value).is_ok());
    choices.sort_by_key(|choice| FIRST_TYPES.iter().position(|name| *name == choice.value).unwrap_or(FIRST_TYPES.len()));
    choices
}

/// How the form of a task is drawn.
#[derive(Clone, Copy)]
struct Drawn<'d> {
    mode: &'static str,
    post_to: &'d str,
    back: &'d str,
    version: i64,
    shown: Shown,
    /// Whether the fields keep what was typed into them.
    was_submitted: bool,
}

impl<'d> Drawn<'d> {
    fn new(mode: &'static str, post_to: &'d str, back: &'d str) -> Self {
        Drawn { mode, post_to, back, version: 0, shown: Shown::Fields, was_submitted: false }
    }

    fn submitted(self, shown: Shown) -> Self {
        Drawn { shown, was_submitted: true, ..self }
    }

    async fn render(self, ctx: &RequestContext, values: Values, faults: &[Fault]) -> Result<TaskForm, Failure> {
        let entry = values.get("/type").and_then(|name| ctx.services().registry.get(name));
        let is_set = |member: &&str| values.get(&format!("/trigger/{member}")).is_some_and(|value| !value.is_empty());
        let cron_open = form::TRIGGERS[2].1.iter().skip(1).take(8).any(is_set);
        let mut form = Fields { values, ..Fields::default() };
        let text = form.values.get(PARAMS).map(String::as_str).unwrap_or_default();
        let mut params = params::draw(ctx, entry.as_deref(), text, self.shown, self.was_submitted).await?;
        let other_faults = form.assign(&ctx.translate_faults(faults), &params.names());
        params.put_faults(&form.faults);
        let is_faulty = |start: &str| form.faults.keys().any(|name| name.starts_with(start));
        let is_used = |start: &str| is_faulty(start) || form.values.keys().any(|name| name.starts_with(start));
        Ok(TaskForm {
            mode: self.mode,
            post_to: self.post_to.to_owned(),
            back: self.back.to_owned(),
            version: self.version,
            policy_open: is_faulty("/policy"),
            chain_open: is_used("/chain"),
            chain_rows: form::chain::ROWS.numbers(&form.values),
            inputs_open: is_used("/inputs"),
            input_rows: form::inputs::ROWS.numbers(&form.values),
            rules_open: form::schedule::has_rules(&form.values) || is_faulty("/triggers"),
            rule_rows: form::schedule::row_numbers(&form.values),
            calendars: calendar_choices(ctx, form.values.get("/calendar")).await?,
            params,
            form,
            other_faults,
            fault_count: faults.len(),
            is_unsaved: !faults.is_empty(),
            test_seconds: LONGEST_TEST.as_secs(),
            message: String::new(),
            types: offered_types(ctx).into_iter().map(TypeCard::new).collect(),
            chosen: entry.map(|entry| TypeView::new(&entry.spec, ctx.language)),
            zones: chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().to_owned()).collect(),
            server_zone: ctx.services().zone.name().to_owned(),
            queues: ctx.services().queue_names.to_vec(),
            stale: None,
            cron_open,
        })
    }
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

/// Replaces what the type filled in that drew the form by what the chosen type fills in. User input is kept.
fn fill_in_type(ctx: &RequestContext, values: &mut Values) {
    let registry = &ctx.services().registry;
    let Some(chosen) = ctx.form.get("/type").and_then(|name| registry.get(name)) else { return };
    let earlier = ctx.form.get("filled_by").and_then(|name| registry.get(name)).map(|entry| type_defaults(&entry.spec));
    if ctx.form.get("filled_by") == ctx.form.get("/type") {
        return;
    }
    for (name, text) in type_defaults(&chosen.spec) {
        if is_untouched(&name, values, earlier.as_ref()) {
            values.insert(name, text);
        }
    }
}

/// `POST /tasks/-/type`: the type-dependent parts of the form.
pub async fn type_part(ctx: Arc<RequestContext>) -> HandlerResult {
    let chosen = ctx.form.get("/type").and_then(|name| ctx.services().registry.get(name));
    let submitted = params::read(&ctx);
    let mut values = form::submitted(&submitted.form);
    fill_in_type(&ctx, &mut values);
    let text = values.get(PARAMS).map(String::as_str).unwrap_or_default();
    let view = TypePart {
        params: params::draw(&ctx, chosen.as_deref(), text, submitted.shown, false).await?,
        form: Fields { values, ..Fields::default() },
        chosen: chosen.map(|entry| TypeView::new(&entry.spec, ctx.language)),
        queues: ctx.services().queue_names.to_vec(),
        policy_open: ctx.form.get("policy_open").is_some(),
    };
    ctx.fragment(StatusCode::OK, TypePart::TEMPLATE, &view)
}

fn is_untouched(name: &str, submitted: &Values, earlier: Option<&Values>) -> bool {
    let now = submitted.get(name).map(|text| text.replace("\r\n", "\n").trim().to_owned()).unwrap_or_default();
    let before = earlier.and_then(|values| values.get(name)).map(String::as_str).unwrap_or_default();
    now.is_empty() || now == before.trim()
}

/// `POST /tasks/-/check`: checks that the parameters are JSON and valid for their task type.
pub async fn check(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let submitted = params::read(&ctx);
    let (text, mut faults) = (submitted.params(), submitted.faults.clone());
    match form::to_params(text) {
        Err(fault) => faults.push(fault),
        Ok(params) => faults.extend(params_faults(&ctx, &submitted.form, &params)),
    }
    let view = CheckView::new(&ctx.translate_faults(&faults), text.trim().is_empty(), &submitted.names);
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
