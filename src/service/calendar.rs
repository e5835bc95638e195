//! The calendar: past runs and planned firings, of all tasks or of some.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::stats::{due_tasks, outcomes_between};
use super::{Error, Result, Service, allow};
use crate::domain::calendar::{Calendar, Granularity};
use crate::domain::page::{ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::permission::TagScope;
use crate::domain::stats::Outcome;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::storage::{Reader, execution_list, task};

/// The step of the counters: hours and days of every time zone begin at a quarter of an hour.
const QUARTER_MS: i64 = 900_000;
/// The maximum number of tasks whose firings are computed, soonest first.
const MAX_TASKS: i64 = 2_000;
/// Runs per page for a calendar of some tasks only, newest first.
const PAGE_SIZE: u32 = MAX_PAGE_SIZE;
/// The maximum number of pages read.
const MAX_PAGES: usize = 10;

/// The requested part of the calendar: from `from` (inclusive) to `to` (exclusive), in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarRequest {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub zone: Tz,
    pub granularity: Granularity,
    pub task_id: Option<String>,
    pub task_type: Option<String>,
}

impl Service {
    /// The past runs and planned firings of a span.
    pub async fn calendar(&self, actor: &Actor, request: &CalendarRequest) -> Result<Calendar> {
        allow(actor, Action::See)?;
        let mut reader = self.database().read().await?;
        let mut calendar = Calendar::default();
        let (outcomes, more) = outcomes(&mut reader, &actor.scope, request).await?;
        calendar.more = more;
        calendar.add_outcomes(&outcomes, request.granularity, request.zone);
        let tasks = tasks(&mut reader, &actor.scope, request).await?;
        calendar.more |= tasks.len() as i64 == MAX_TASKS;
        drop(reader);
        let (to, granularity, zone) = (request.to, request.granularity, request.zone);
        // Thousands of rules take too long for an async thread.
        let computed = tokio::task::spawn_blocking(move || {
            calendar.add_firings(&tasks, to, granularity, zone);
            calendar
        });
        computed.await.map_err(|error| Error::Internal(Box::new(error)))
    }
}

async fn tasks(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest) -> Result<Vec<Task>> {
    if let Some(id) = &request.task_id {
        let found = task::get(reader, id).await?;
        return Ok(found.into_iter().filter(|task| scope.includes(&task.tags) && matches_request(task, request)).collect());
    }
    let mut due = due_tasks(reader, scope, request.to, MAX_TASKS).await?;
    due.retain(|task| matches_request(task, request));
    Ok(due)
}

fn matches_request(task: &Task, request: &CalendarRequest) -> bool {
    request.task_type.as_ref().is_none_or(|wanted| *wanted == task.task_type)
}

/// The outcomes: from the quarter-hour counters for all tasks, else from the executions; and whether there are more.
async fn outcomes(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest) -> Result<(Vec<Outcome>, bool)> {
    if request.task_id.is_none() && request.task_type.is_none() {
        return Ok((outcomes_between(reader, scope, (request.from, request.to), QUARTER_MS).await?, false));
    }
    let filter = ExecutionFilter {
        task_id: request.task_id.clone(),
        task_type: request.task_type.clone(),
        from: Some(request.from),
        to: Some(request.to),
        scope: scope.clone(),
        ..ExecutionFilter::default()
    };
    let (mut found, mut page) = (Vec::new(), PageRequest { size: PAGE_SIZE, cursor: None });
    for _ in 0..MAX_PAGES {
        let runs = execution_list::newest(reader, &filter, &page).await?;
        found.extend(runs.iter().filter_map(|run| Some(Outcome { at: run.started_at?, status: run.status, runs: 1 })));
        if runs.len() < PAGE_SIZE as usize {
            return Ok((found, false));
        }
        page.cursor = runs.last().map(|run| crate::domain::page::Cursor {
            direction: crate::domain::page::Direction::Next,
            key: None,
            id: run.id.clone(),
        });
    }
    Ok((found, true))
}
