//! The data of the calendar: past runs and planned firings of a span, of all tasks or of some.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::calendar::{Calendar, Granularity};
use super::counts::QUARTER_MS;
use crate::domain::calendar::CalendarSet;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::stats::Outcome;
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;
use crate::storage::{Reader, Result, execution_list, tag_scope_stats, task};

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

/// The past runs of a calendar, and the tasks whose firings are still to be added.
#[derive(Debug)]
pub struct LoadedCalendar {
    calendar: Calendar,
    tasks: Vec<Task>,
    request: CalendarRequest,
}

impl LoadedCalendar {
    /// Whether a task has calendars: their content is needed then.
    pub fn has_calendars(&self) -> bool {
        self.tasks.iter().any(|task| task.schedule.calendar.is_some())
    }

    /// Adds the planned firings. Thousands of rules take too long for an async thread.
    pub fn with_firings(mut self, calendars: &CalendarSet) -> Calendar {
        self.calendar.add_firings(&self.tasks, calendars, self.request.to, self.request.granularity, self.request.zone);
        self.calendar
    }
}

/// Reads the past runs and the tasks in scope of a span.
pub async fn load(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest) -> Result<LoadedCalendar> {
    let (outcomes, more) = outcomes(reader, scope, request).await?;
    let mut calendar = Calendar { more, ..Calendar::default() };
    calendar.add_outcomes(&outcomes, request.granularity, request.zone);
    let tasks = tasks(reader, scope, request).await?;
    calendar.more |= tasks.len() as i64 == MAX_TASKS;
    Ok(LoadedCalendar { calendar, tasks, request: request.clone() })
}

/// Reads the tasks in scope that have firings before the end of a request, soonest first.
pub(super) async fn tasks(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest) -> Result<Vec<Task>> {
    if let Some(id) = &request.task_id {
        let found = task::get(reader, id).await?;
        return Ok(found.into_iter().filter(|task| scope.allows(&task.tags) && matches_request(task, request)).collect());
    }
    let mut due = tag_scope_stats::due(reader, scope, request.to, MAX_TASKS).await?;
    due.retain(|task| matches_request(task, request));
    Ok(due)
}

fn matches_request(task: &Task, request: &CalendarRequest) -> bool {
    request.task_type.as_ref().is_none_or(|wanted| *wanted == task.task_type)
}

/// The outcomes: from the quarter-hour counters for all tasks, else from the executions; and whether there are more.
async fn outcomes(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest) -> Result<(Vec<Outcome>, bool)> {
    if request.task_id.is_none() && request.task_type.is_none() {
        return Ok((tag_scope_stats::outcomes(reader, scope, request.from, request.to, QUARTER_MS).await?, false));
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
        page.cursor = runs.last().map(|run| Cursor { direction: Direction::Next, key: None, id: run.id.clone() });
    }
    Ok((found, true))
}
