//! One task, and what can be done with it.

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
use crate::web::session::Flash;
use crate::web::urls::{encode, with_query};
use crate::web::view::executions::ExecutionRow;
use crate::web::view::task::{ChainLink, TaskPage, chart};
use crate::web::view::tasks::{Ask, TaskRow, task_href};
use crate::web::view::{Moment, pretty};
use crate::web::visit::{Answer, Visit};

const UPCOMING: usize = 10;
const EXECUTIONS: u32 = 20;
/// Runs that the charts show.
const CHARTED: i64 = 60;

/// `GET /tasks/{id}`
pub async fn show(visit: Arc<Visit>) -> Answer {
    let task = visit.service().task(visit.actor()?, visit.id()).await?;
    let filter = ExecutionFilter { task_id: Some(task.id.clone()), ..ExecutionFilter::default() };
    let runs = visit.service().executions(visit.actor()?, &filter, &PageRequest { size: EXECUTIONS, cursor: None }).await?;
    let zone = visit.service().zone();
    let zone = task.rule(zone).map_or(zone, |rule| rule.zone());
    let points = visit.service().recent_runs(visit.actor()?, &[&task.id], CHARTED).await?.remove(&task.id).unwrap_or_default();
    let (upcoming, notes) = upcoming(&visit, &task, UPCOMING);
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
        executions: runs.items.iter().map(|run| ExecutionRow::new(&visit, run)).collect(),
        executions_href: with_query("/executions", &[("task_id", &task.id)]),
        newest: runs.items.first().map(|run| run.id.clone()).unwrap_or_default(),
        durations: chart(&visit, &points, |run| run.duration_ms),
        latenesses: chart(&visit, &points, |run| run.lateness_ms),
        versions: versions::newest(&visit, &task).await?,
        row: TaskRow::new(&visit, &task, &[]),
    };
    visit.page("tasks", &view)
}

/// The next firings, counted from the task's own next one, and notes on them.
pub(super) fn upcoming(visit: &Visit, task: &Task, count: usize) -> (Vec<Moment>, Vec<String>) {
    let times = firings(visit, task, count);
    let (Some(next), Ok(rule)) = (times.first(), task.rule(visit.service().zone())) else { return (Vec::new(), Vec::new()) };
    let notes = rule.notes(&times, next.to_utc(), visit.language.of_rules());
    (times.iter().map(|at| Moment::new(at.to_utc(), rule.zone())).collect(), notes)
}

/// The next firings, counted from the task's own next one; none of a paused task.
pub(super) fn firings(visit: &Visit, task: &Task, count: usize) -> Vec<DateTime<Tz>> {
    let Ok(rule) = task.rule(visit.service().zone()) else { return Vec::new() };
    let next = task.next_rule_at.filter(|_| task.enabled);
    let times = std::iter::successors(next, |at| rule.next_after(*at, task.anchor_at));
    times.take(count).map(|at| at.with_timezone(&rule.zone())).collect()
}

/// `GET /tasks/{id}/run?params=1`: asks before a run, with the parameters to change where wanted.
pub async fn ask_run(visit: Arc<Visit>) -> Answer {
    visit.may(Action::Run)?;
    let task = visit.service().task(visit.actor()?, visit.id()).await?;
    let with_params = visit.query.get("params").is_some();
    ask(&visit, StatusCode::OK, "run", &task.id, with_params.then(|| pretty(&task.params)), "")
}

/// `POST /tasks/{id}/run`
pub async fn run(visit: Arc<Visit>) -> Answer {
    let id = visit.id();
    let typed = visit.form.raw("params");
    let params = match typed.map(form::to_params).transpose() {
        Ok(params) => params,
        Err(fault) => {
            return ask(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                "run",
                id,
                typed.map(str::to_owned),
                &visit.translated(&[fault])[0].message,
            );
        }
    };
    match visit.service().run_task(visit.actor()?, id, params.as_ref(), None).await {
        Ok(execution) => {
            let link = format!("/executions/{}", encode(&execution.id));
            Ok(visit.done(&Flash::new("started", id, &link), id, &link))
        }
        Err(Error::Invalid(faults)) if typed.is_some() => {
            let said: Vec<_> = visit.translated(&faults).iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
            ask(&visit, StatusCode::UNPROCESSABLE_ENTITY, "run", id, typed.map(str::to_owned), &said.join("\n"))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /tasks/{id}/pause`
pub async fn pause(visit: Arc<Visit>) -> Answer {
    let task = visit.service().pause_task(visit.actor()?, visit.id(), None).await?;
    Ok(visit.done(&Flash::new("paused", &task.id, ""), &task.id, &visit.back(&task_href(&task.id))))
}

/// `POST /tasks/{id}/resume`
pub async fn resume(visit: Arc<Visit>) -> Answer {
    let task = visit.service().resume_task(visit.actor()?, visit.id(), None).await?;
    Ok(visit.done(&Flash::new("resumed", &task.id, ""), &task.id, &visit.back(&task_href(&task.id))))
}

/// `GET /tasks/{id}/delete`
pub async fn ask_delete(visit: Arc<Visit>) -> Answer {
    let task = visit.service().task_to_change(visit.actor()?, visit.id()).await?;
    ask(&visit, StatusCode::OK, "delete", &task.id, None, "")
}

/// `POST /tasks/{id}/delete`
pub async fn delete(visit: Arc<Visit>) -> Answer {
    let id = visit.id();
    visit.service().delete_task(visit.actor()?, id, None).await?;
    Ok(visit.done(&Flash::new("deleted", id, ""), id, "/tasks"))
}

fn ask(visit: &Visit, status: StatusCode, action: &'static str, id: &str, params: Option<String>, fault: &str) -> Answer {
    let view = Ask {
        action,
        about: id.to_owned(),
        post_to: format!("{}/{action}", task_href(id)),
        back: visit.back(&task_href(id)),
        with_params: params.is_some(),
        params: params.unwrap_or_default(),
        fault: fault.to_owned(),
        dangerous: action == "delete",
    };
    visit.ask(status, "tasks", &view)
}
