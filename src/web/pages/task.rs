//! Task page and its actions.

use std::sync::Arc;

use chrono::DateTime;
use chrono_tz::Tz;
use poem::http::StatusCode;

use super::versions;
use crate::domain::page::{ExecutionFilter, PageRequest};
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::{encode, with_query};
use crate::web::view::executions::ExecutionRow;
use crate::web::view::task::{ChainLink, TaskPage, chart};
use crate::web::view::tasks::{ConfirmDialog, TaskRow, task_href};
use crate::web::view::{Moment, pretty};

const UPCOMING: usize = 10;
const EXECUTIONS: u32 = 20;
/// Number of runs in the charts.
const CHARTED: i64 = 60;

/// `GET /tasks/{id}`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let filter = ExecutionFilter { task_id: Some(task.id.clone()), ..ExecutionFilter::default() };
    let runs = ctx.services().executions.list(ctx.actor()?, &filter, &PageRequest { size: EXECUTIONS, cursor: None }).await?;
    let zone = ctx.services().zone;
    let zone = task.rule(zone).map_or(zone, |rule| rule.zone());
    let points =
        ctx.services().executions.recent_runs(ctx.actor()?, &[&task.id], CHARTED).await?.remove(&task.id).unwrap_or_default();
    let (upcoming, notes) = upcoming(&ctx, &task, UPCOMING);
    let ended = task.stats.success_count + task.stats.failure_count;
    let view = TaskPage {
        title: task.name.clone(),
        description: task.description.clone(),
        zone: zone.name().to_owned(),
        trigger: pretty(&task.trigger),
        policy: pretty(&task.policy.to_json()),
        created: Moment::new(task.created_at, zone),
        updated: Moment::new(task.updated_at, zone),
        chain: task.chain.iter().map(ChainLink::new).collect(),
        upcoming,
        notes,
        success_percent: (ended > 0).then(|| task.stats.success_count * 100 / ended),
        executions: runs.items.iter().map(|run| ExecutionRow::new(&ctx.view(), run)).collect(),
        executions_href: with_query("/executions", &[("task_id", &task.id)]),
        newest: runs.items.first().map(|run| run.id.clone()).unwrap_or_default(),
        durations: chart(&ctx.view(), &points, |run| run.duration_ms),
        start_delays: chart(&ctx.view(), &points, |run| run.lateness_ms),
        versions: versions::newest(&ctx, &task).await?,
        row: TaskRow::new(&ctx.view(), &task, &[]),
    };
    ctx.page("tasks", &view)
}

/// Returns the upcoming runs, starting with the task's next run, and notes on them.
pub(super) fn upcoming(ctx: &RequestContext, task: &Task, count: usize) -> (Vec<Moment>, Vec<String>) {
    let times = firings(ctx, task, count);
    let (Some(next), Ok(rule)) = (times.first(), task.rule(ctx.services().zone)) else { return (Vec::new(), Vec::new()) };
    let notes = rule.notes(&times, next.to_utc()).iter().map(|note| ctx.translate(note)).collect();
    (times.iter().map(|at| Moment::new(at.to_utc(), rule.zone())).collect(), notes)
}

/// Returns the upcoming runs, starting with the task's next run; none if the task is paused.
pub(super) fn firings(ctx: &RequestContext, task: &Task, count: usize) -> Vec<DateTime<Tz>> {
    let Ok(rule) = task.rule(ctx.services().zone) else { return Vec::new() };
    let next = task.next_rule_at.filter(|_| task.enabled);
    let times = std::iter::successors(next, |at| rule.next_after(*at, task.anchor_at));
    times.take(count).map(|at| at.with_timezone(&rule.zone())).collect()
}

/// `GET /tasks/{id}/run?params=1`: confirmation of a run, with editable parameters if requested.
pub async fn confirm_run(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let with_params = ctx.query.get("params").is_some();
    confirm(&ctx, StatusCode::OK, "run", &task.id, with_params.then(|| pretty(&task.params)), "")
}

/// `POST /tasks/{id}/run`
pub async fn run(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let id = ctx.id();
    let submitted = ctx.form.raw("params");
    let params = match submitted.map(form::to_params).transpose() {
        Ok(params) => params,
        Err(fault) => {
            return confirm(
                &ctx,
                StatusCode::UNPROCESSABLE_ENTITY,
                "run",
                id,
                submitted.map(str::to_owned),
                &ctx.translate(&fault.message),
            );
        }
    };
    match ctx.services().executions.run(ctx.actor()?, id, params.as_ref(), ctx.form_key()).await {
        Ok(execution) => {
            let link = format!("/executions/{}", encode(&execution.id));
            Ok(ctx.action_done(&Flash::new("started", id, &link), id, &link))
        }
        Err(Error::Invalid(faults)) if submitted.is_some() => {
            let messages: Vec<_> =
                ctx.translate_faults(&faults).iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
            confirm(&ctx, StatusCode::UNPROCESSABLE_ENTITY, "run", id, submitted.map(str::to_owned), &messages.join("\n"))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /tasks/{id}/pause`
pub async fn pause(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.pause(ctx.actor()?, ctx.id(), None).await?;
    Ok(ctx.action_done(&Flash::new("paused", &task.id, ""), &task.id, &ctx.return_path(&task_href(&task.id))))
}

/// `POST /tasks/{id}/resume`
pub async fn resume(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.resume(ctx.actor()?, ctx.id(), None).await?;
    Ok(ctx.action_done(&Flash::new("resumed", &task.id, ""), &task.id, &ctx.return_path(&task_href(&task.id))))
}

/// `GET /tasks/{id}/delete`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get_editable(ctx.actor()?, ctx.id()).await?;
    confirm(&ctx, StatusCode::OK, "delete", &task.id, None, "")
}

/// `POST /tasks/{id}/delete`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let id = ctx.id();
    ctx.services().tasks.delete(ctx.actor()?, id, None).await?;
    Ok(ctx.deletion_done(&Flash::new("deleted", id, ""), id, &task_href(id)))
}

fn confirm(
    ctx: &RequestContext,
    status: StatusCode,
    action: &'static str,
    id: &str,
    params: Option<String>,
    fault: &str,
) -> HandlerResult {
    let view = ConfirmDialog {
        action,
        about: id.to_owned(),
        version: 0,
        post_to: format!("{}/{action}", task_href(id)),
        key: ctx.form_key().map_or_else(|| ctx.new_form_key(), str::to_owned),
        back: ctx.return_path(&task_href(id)),
        with_params: params.is_some(),
        params: params.unwrap_or_default(),
        fault: fault.to_owned(),
        dangerous: action == "delete",
    };
    ctx.confirm(status, "tasks", &view)
}
