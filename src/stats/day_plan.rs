//! The plan of a day by task: past runs, and planned firings with their usual durations.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::calendar::{MAX_FIRINGS_PER_TASK, firings};
use super::calendar_request::{self, CalendarRequest};
use super::percentiles::median;
use crate::domain::calendar::CalendarSet;
use crate::domain::execution::Status;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, MAX_PAGE_SIZE, PageRequest};
use crate::domain::recent_outcomes::RecentOutcome;
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;
use crate::storage::{Reader, Result, execution_list};

/// The most tasks of a plan.
const MAX_ROWS: usize = 80;
/// The most pages of runs that are read, newest first.
const MAX_PAGES: usize = 4;

/// A past run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRun {
    pub started_at: DateTime<Utc>,
    /// `None` while it runs.
    pub duration_ms: Option<i64>,
    pub status: Status,
}

/// What one task did and will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayRow {
    pub task_id: String,
    /// The median duration of its latest successful runs; `None` if it is not known.
    pub usual_ms: Option<i64>,
    pub runs: Vec<DayRun>,
    pub planned: Vec<DateTime<Utc>>,
}

impl DayRow {
    fn first(&self) -> Option<DateTime<Utc>> {
        self.runs.iter().map(|run| run.started_at).chain(self.planned.iter().copied()).min()
    }
}

/// The tasks of a day by their first time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayPlan {
    pub rows: Vec<DayRow>,
    /// Whether something was left out.
    pub more: bool,
}

/// The past runs of a day, and the tasks whose firings are still to be added.
#[derive(Debug)]
pub struct LoadedDay {
    rows: BTreeMap<String, DayRow>,
    tasks: Vec<Task>,
    more: bool,
    request: CalendarRequest,
}

/// Reads the past runs and the tasks in scope of a day.
pub async fn load(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest) -> Result<LoadedDay> {
    let mut rows: BTreeMap<String, DayRow> = BTreeMap::new();
    let filter = ExecutionFilter {
        task_id: request.task_id.clone(),
        task_type: request.task_type.clone(),
        from: Some(request.from),
        to: Some(request.to),
        scope: scope.clone(),
        ..ExecutionFilter::default()
    };
    let (mut page, mut more) = (PageRequest { size: MAX_PAGE_SIZE, cursor: None }, true);
    for _ in 0..MAX_PAGES {
        let found = execution_list::newest(reader, &filter, &page).await?;
        for run in &found {
            let Some(started_at) = run.started_at else { continue };
            let row = rows.entry(run.task_id.clone()).or_default();
            row.runs.push(DayRun { started_at, duration_ms: run.duration_ms, status: run.status });
        }
        more = found.len() == MAX_PAGE_SIZE as usize;
        page.cursor = found.last().map(|run| Cursor { direction: Direction::Next, key: None, id: run.id.clone() });
        if !more {
            break;
        }
    }
    let tasks = calendar_request::tasks(reader, scope, request).await?;
    Ok(LoadedDay { rows, tasks, more, request: request.clone() })
}

impl LoadedDay {
    /// Whether a task has calendars: their content is needed then.
    pub fn has_calendars(&self) -> bool {
        self.tasks.iter().any(|task| task.schedule.calendar.is_some())
    }

    /// Adds the planned firings. Thousands of rules take too long for an async thread.
    pub fn with_firings(mut self, calendars: &CalendarSet) -> DayPlan {
        for task in &self.tasks {
            let mut planned = firings(task, calendars, self.request.to, self.request.zone);
            self.more |= planned.len() > MAX_FIRINGS_PER_TASK;
            planned.retain(|at| *at >= self.request.from);
            if planned.is_empty() && !self.rows.contains_key(&task.id) {
                continue;
            }
            let row = self.rows.entry(task.id.clone()).or_default();
            (row.planned, row.usual_ms) = (planned, usual(&task.stats.recent));
        }
        let mut rows: Vec<DayRow> = self.rows.into_iter().map(|(task_id, row)| DayRow { task_id, ..row }).collect();
        rows.sort_by_key(DayRow::first);
        let more = self.more || rows.len() > MAX_ROWS;
        rows.truncate(MAX_ROWS);
        DayPlan { rows, more }
    }
}

fn usual(recent: &[RecentOutcome]) -> Option<i64> {
    median(recent.iter().filter(|run| run.status == Status::Succeeded).map(|run| run.duration_ms).collect())
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::task::TaskInput;
    use crate::stats::calendar::Granularity;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn planned_firings_are_those_of_the_day() {
        let value = serde_json::json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "hours": 6}});
        let input = TaskInput::parse(&value, Tz::UTC, |_| Ok(Policy::default())).unwrap();
        let begin = at("2026-11-21T00:00:00Z");
        let mut task = Task { next_run_at: Some(begin), next_rule_at: Some(begin), ..Task::new(&input, begin) };
        task.stats.recent = [300, 100, 200].map(|duration_ms| RecentOutcome { status: Status::Succeeded, duration_ms }).into();
        let request = CalendarRequest {
            from: at("2026-11-22T00:00:00Z"),
            to: at("2026-11-23T00:00:00Z"),
            zone: Tz::UTC,
            granularity: Granularity::Hour,
            task_id: None,
            task_type: None,
        };
        let loaded = LoadedDay { rows: BTreeMap::new(), tasks: vec![task], more: false, request };
        let plan = loaded.with_firings(&CalendarSet::default());
        assert_eq!((plan.rows.len(), plan.rows[0].planned.len(), plan.rows[0].usual_ms, plan.more), (1, 4, Some(200), false));
    }
}
