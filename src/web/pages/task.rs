//! Task page and its actions.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::Value;

use super::run_form::{self, RunSubject};
use super::{incidents, rows, task_state, versions};
use crate::domain::notify::incident::IncidentFilter;
use crate::domain::notify::rule::Target;
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::{encode, with_query};
use crate::web::view::hooks::{HookRow, hooks_href};
use crate::web::view::incidents::{MuteView, PageLink};
use crate::web::view::notify_rules::href as rule_href;
use crate::web::view::pause::PauseNote;
use crate::web::view::run_chart::RunChart;
use crate::web::view::task::{ChainLink, Firing, QuickRule, TaskPage};
use crate::web::view::tasks::{ConfirmDialog, TaskRow, task_href};
use crate::web::view::{Moment, pretty};

const UPCOMING: usize = 10;
/// Upcoming runs shown of a rule that fires often.
const UPCOMING_OF_QUICK: usize = 3;
const EXECUTIONS: u32 = 20;
/// Number of runs in the charts.
const CHARTED: i64 = 60;

/// `GET /tasks/{id}`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let filter = ExecutionFilter { task_id: Some(task.id.clone()), ..ExecutionFilter::default() };
    let runs = ctx.services().executions.list(ctx.actor()?, &filter, &PageRequest { size: EXECUTIONS, cursor: None }).await?;
    let zone = ctx.services().zone;
    let zone = task.rules(zone).map_or(zone, |rule| rule.zone());
    let points =
        ctx.services().executions.recent_runs(ctx.actor()?, &[&task.id], CHARTED).await?.remove(&task.id).unwrap_or_default();
    let chained: Vec<&str> = task.chain.iter().map(|link| link.task.as_str()).collect();
    let chained = ctx.services().tasks.existing(ctx.actor()?, &chained).await?;
    let (mut upcoming, notes) = upcoming(&ctx, &task, UPCOMING).await?;
    let quick = QuickRule::new(&upcoming.iter().map(|one| one.when).collect::<Vec<_>>());
    upcoming.truncate(if quick.is_some() { UPCOMING_OF_QUICK } else { UPCOMING });
    let (versions, pausing_versions) = versions::newest(&ctx, &task).await?;
    let hooks = ctx.services().hooks.list(ctx.actor()?, &task.id).await?;
    let target = Target { id: &task.id, tags: &task.tags, task_type: &task.task_type };
    let rules = ctx.services().notify_rules.of_task(ctx.actor()?, &target).await?;
    let mute = ctx.services().incidents.mute_of(ctx.actor()?, &task.id).await?;
    let open = IncidentFilter { open: Some(true), task_id: Some(task.id.clone()), ..IncidentFilter::default() };
    let incidents = ctx.services().incidents.list(ctx.actor()?, &open, &PageRequest { size: EXECUTIONS, cursor: None }).await?;
    let ended = task.stats.success_count + task.stats.failure_count;
    let view = TaskPage {
        title: task.name.clone(),
        description: task.description.clone(),
        zone: zone.name().to_owned(),
        trigger: pretty(&rules_json(&task)),
        policy: pretty(&task.policy.to_json()),
        created: Moment::new(task.created_at, zone),
        updated: Moment::new(task.updated_at, zone),
        chain: task.chain.iter().map(|link| ChainLink::new(link, chained.contains(&link.task))).collect(),
        inputs: run_form::controls(&task.inputs, None),
        upcoming,
        quick,
        notes,
        success_percent: (ended > 0).then(|| task.stats.success_count * 100 / ended),
        executions: rows::executions(&ctx, &runs.items).await?,
        executions_href: with_query("/executions", &[("task_id", &task.id)]),
        newest: runs.items.first().map(|run| run.id.clone()).unwrap_or_default(),
        durations: RunChart::durations(&ctx.view(), &points),
        start_delays: RunChart::start_delays(&ctx.view(), &points),
        state: task_state::kept(&ctx, &task).await?,
        rules: rules.iter().map(|rule| rule_link(&rule.definition.name)).collect(),
        incidents: incidents::rows(&ctx, &incidents.items),
        muted: mute.as_ref().map(|mute| MuteView::new(&ctx.view(), mute)),
        hooks: hooks.iter().map(|hook| HookRow::new(&ctx.view(), hook)).collect(),
        paused: task.paused.as_ref().map(|pause| PauseNote::new(pause, zone)),
        hooks_href: hooks_href(&task.id),
        versions,
        pausing_versions,
        row: TaskRow::new(&ctx.view(), &task),
    };
    ctx.page("tasks", &view)
}

fn rule_link(name: &str) -> PageLink {
    PageLink { href: rule_href("edit", name), name: name.to_owned() }
}

/// The trigger, or the rules and calendars, as they are given.
fn rules_json(task: &Task) -> Value {
    if task.schedule.is_simple() {
        return task.trigger.clone();
    }
    let mut fields = task.schedule.to_json();
    if task.schedule.rules.is_empty() {
        fields.shift_insert(0, "trigger".to_owned(), task.trigger.clone());
    }
    Value::Object(fields)
}

/// Returns the upcoming runs, starting with the task's next run, and notes on them; none if the task is paused.
pub(super) async fn upcoming(ctx: &RequestContext, task: &Task, count: usize) -> Result<(Vec<Firing>, Vec<String>), Failure> {
    let Some(preview) = ctx.services().preview.task(ctx.actor()?, task, count).await? else { return Ok(Default::default()) };
    let notes = preview.notes.iter().map(|note| ctx.translate(note)).collect();
    Ok((preview.occurrences.iter().map(Firing::new).collect(), notes))
}

/// `GET /tasks/{id}/run?params=1`: confirmation of a run, with the form of the task's inputs, and with editable parameters if
/// requested.
pub async fn confirm_run(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let subject = subject(&task);
    let view = ConfirmDialog {
        params: if ctx.query.get("params").is_some() { Some(subject.params_view(&ctx).await?) } else { None },
        inputs: subject.controls(None),
        ..dialog(&ctx, "run", &task.id)
    };
    ctx.confirm(StatusCode::OK, "tasks", &view)
}

fn subject(task: &Task) -> RunSubject<'_> {
    RunSubject { tab: "tasks", task_type: &task.task_type, params: &task.params, inputs: &task.inputs }
}

/// `POST /tasks/{id}/run`
pub async fn run(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let (subject, dialog) = (subject(&task), dialog(&ctx, "run", &task.id));
    if let Some(switched) = subject.switched(&ctx, dialog.clone()).await {
        return switched;
    }
    let form = match subject.read(&ctx) {
        Ok(form) => form,
        Err(faults) => return subject.refused(&ctx, &faults, dialog).await,
    };
    match ctx.services().executions.run_with(ctx.actor()?, &task.id, form.values(), ctx.form_key()).await {
        Ok(execution) => {
            let link = format!("/executions/{}", encode(&execution.id));
            Ok(ctx.action_done(&Flash::new("started", &task.id, &link), &task.id, &link))
        }
        Err(Error::Invalid(faults)) => subject.refused(&ctx, &faults, dialog).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /tasks/{id}/resume`
pub async fn resume(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.resume(ctx.actor()?, ctx.id(), None).await?;
    Ok(ctx.action_done(&Flash::new("resumed", &task.id, ""), &task.id, &ctx.return_path(&task_href(&task.id))))
}

/// `GET /tasks/{id}/delete`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get_editable(ctx.actor()?, ctx.id()).await?;
    confirm(&ctx, "delete", &task.id)
}

/// `POST /tasks/{id}/delete`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let id = ctx.id();
    ctx.services().tasks.delete(ctx.actor()?, id, None).await?;
    Ok(ctx.deletion_done(&Flash::new("deleted", id, ""), id, &task_href(id)))
}

/// `GET /tasks/{id}/reset-state`
pub async fn confirm_reset(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    confirm(&ctx, "reset-state", &task.id)
}

/// `POST /tasks/{id}/reset-state`
pub async fn reset_state(ctx: Arc<RequestContext>) -> HandlerResult {
    let id = ctx.id();
    ctx.services().tasks.reset_state(ctx.actor()?, id, None).await?;
    Ok(ctx.action_done(&Flash::new("state_reset", id, ""), id, &task_href(id)))
}

fn confirm(ctx: &RequestContext, action: &'static str, id: &str) -> HandlerResult {
    ctx.confirm(StatusCode::OK, "tasks", &dialog(ctx, action, id))
}

fn dialog(ctx: &RequestContext, action: &'static str, id: &str) -> ConfirmDialog {
    let (post_to, back) = (format!("{}/{action}", task_href(id)), ctx.return_path(&task_href(id)));
    ConfirmDialog {
        key: ctx.form_key().map_or_else(|| ctx.new_form_key(), str::to_owned),
        dangerous: matches!(action, "delete" | "reset-state"),
        ..ConfirmDialog::plain(action, id, post_to, back)
    }
}
