//! The calendar: runs on record and firings to come, of all tasks or of some.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::figures::{due, ran};
use super::{Error, Result, Service, allow};
use crate::domain::calendar::{Calendar, Grain};
use crate::domain::page::{ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::permission::Reach;
use crate::domain::stats::Outcome;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::storage::{Reader, execution_list, task};

/// No zone's hours and days begin within a quarter of an hour.
const QUARTER_MS: i64 = 900_000;
/// Tasks whose firings are worked out, those that fire soonest.
const TASKS: i64 = 2_000;
/// Runs that are read where the calendar is of some tasks only, newest first.
const RUNS: u32 = MAX_PAGE_SIZE;
/// Pages of them.
const PAGES: usize = 10;

/// Which part of the calendar: of the time from `from` to before `to`, by a zone's clocks.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarRequest {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub zone: Tz,
    pub grain: Grain,
    pub task_id: Option<String>,
    pub task_type: Option<String>,
}

impl Service {
    /// What ran and what will fire within a span.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Internal`].
    pub async fn calendar(&self, actor: &Actor, request: &CalendarRequest) -> Result<Calendar> {
        allow(actor, Action::See)?;
        let mut reader = self.database().read().await?;
        let mut calendar = Calendar::default();
        let (outcomes, more) = outcomes(&mut reader, &actor.reach, request).await?;
        calendar.more = more;
        calendar.add_outcomes(&outcomes, request.grain, request.zone);
        let tasks = tasks(&mut reader, &actor.reach, request).await?;
        calendar.more |= tasks.len() as i64 == TASKS;
        drop(reader);
        let (to, grain, zone) = (request.to, request.grain, request.zone);
        // Thousands of rules take their time.
        let worked_out = tokio::task::spawn_blocking(move || {
            calendar.add_firings(&tasks, to, grain, zone);
            calendar
        });
        worked_out.await.map_err(|error| Error::Internal(Box::new(error)))
    }
}

async fn tasks(reader: &mut Reader, reach: &Reach, request: &CalendarRequest) -> Result<Vec<Task>> {
    if let Some(id) = &request.task_id {
        let found = task::get(reader, id).await?;
        return Ok(found.into_iter().filter(|task| reach.holds(&task.tags) && fits(task, request)).collect());
    }
    let mut due = due(reader, reach, request.to, TASKS).await?;
    due.retain(|task| fits(task, request));
    Ok(due)
}

fn fits(task: &Task, request: &CalendarRequest) -> bool {
    request.task_type.as_ref().is_none_or(|wanted| *wanted == task.task_type)
}

/// By the quarter of an hour where all tasks are meant, else from the runs themselves; and whether there are more.
async fn outcomes(reader: &mut Reader, reach: &Reach, request: &CalendarRequest) -> Result<(Vec<Outcome>, bool)> {
    if request.task_id.is_none() && request.task_type.is_none() {
        return Ok((ran(reader, reach, (request.from, request.to), QUARTER_MS).await?, false));
    }
    let filter = ExecutionFilter {
        task_id: request.task_id.clone(),
        task_type: request.task_type.clone(),
        from: Some(request.from),
        to: Some(request.to),
        reach: reach.clone(),
        ..ExecutionFilter::default()
    };
    let (mut found, mut page) = (Vec::new(), PageRequest { size: RUNS, cursor: None });
    for _ in 0..PAGES {
        let runs = execution_list::newest(reader, &filter, &page).await?;
        found.extend(runs.iter().filter_map(|run| Some(Outcome { at: run.started_at?, status: run.status, runs: 1 })));
        if runs.len() < RUNS as usize {
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
