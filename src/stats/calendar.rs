//! The calendar: past runs and planned firings per day or hour of a time zone, and crowded minutes.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use crate::domain::calendar::CalendarSet;
use crate::domain::execution::Status;
use crate::domain::stats::Outcome;
use crate::domain::task::Task;

/// A task with more firings than this within the calendar's span is listed beside the calendar instead.
pub const MAX_FIRINGS_PER_TASK: usize = 700;
/// The most firings computed for one calendar, over all tasks.
const MAX_FIRINGS: usize = 20_000;
/// A minute with at least this many firings is marked as crowded.
pub const CROWDED_MINUTE: i64 = 5;
/// The most tasks listed in one cell.
const MAX_TASKS_NAMED: usize = 6;

/// Identifies a cell: a day, and the hour of it in an hourly calendar.
pub type CellKey = (NaiveDate, Option<u32>);

/// The runs and planned firings of one cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Runs that began in this cell: succeeded, failed, other.
    pub succeeded: i64,
    pub failed: i64,
    pub other: i64,
    pub planned: i64,
    /// Ids of the first few planned tasks.
    pub tasks: Vec<String>,
    /// The minute with the most firings and their number, if it is crowded.
    pub peak: Option<(DateTime<Utc>, i64)>,
}

/// A span of time, cell by cell; empty cells are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    pub cells: BTreeMap<CellKey, Cell>,
    /// Ids of tasks that fire too often to be drawn ([`MAX_FIRINGS_PER_TASK`]).
    pub too_frequent: Vec<String>,
    /// True when the calendar is incomplete: more firings or runs exist than were read.
    pub more: bool,
}

/// The size of a calendar's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    Hour,
    Day,
}

impl Granularity {
    /// The cell that contains `at` on the clocks of `zone`.
    pub fn cell_key(self, at: DateTime<Utc>, zone: Tz) -> CellKey {
        let local = at.with_timezone(&zone);
        (local.date_naive(), (self == Granularity::Hour).then(|| local.hour()))
    }
}

impl Calendar {
    /// Adds the counts of past runs.
    pub fn add_outcomes(&mut self, outcomes: &[Outcome], granularity: Granularity, zone: Tz) {
        for outcome in outcomes {
            let cell = self.cells.entry(granularity.cell_key(outcome.at, zone)).or_default();
            match outcome.status {
                Status::Succeeded => cell.succeeded += outcome.runs,
                status if status.is_failure() => cell.failed += outcome.runs,
                _ => cell.other += outcome.runs,
            }
        }
    }

    /// Adds the planned firings of each task before `to`. `zone` is also the zone of rules that name none.
    pub fn add_firings(
        &mut self,
        tasks: &[Task],
        calendars: &CalendarSet,
        to: DateTime<Utc>,
        granularity: Granularity,
        zone: Tz,
    ) {
        let mut minutes: HashMap<i64, i64> = HashMap::new();
        let mut left = MAX_FIRINGS;
        for task in tasks {
            let firings = firings(task, calendars, to, zone);
            if firings.len() > MAX_FIRINGS_PER_TASK {
                self.too_frequent.push(task.id.clone());
                continue;
            }
            if firings.len() > left {
                self.more = true;
                break;
            }
            left -= firings.len();
            for at in firings {
                *minutes.entry(at.timestamp().div_euclid(60)).or_default() += 1;
                self.add_firing(at, &task.id, granularity, zone);
            }
        }
        self.mark_crowded_minutes(&minutes, granularity, zone);
    }

    fn add_firing(&mut self, at: DateTime<Utc>, task: &str, granularity: Granularity, zone: Tz) {
        let cell = self.cells.entry(granularity.cell_key(at, zone)).or_default();
        cell.planned += 1;
        if cell.tasks.len() < MAX_TASKS_NAMED && !cell.tasks.iter().any(|known| known == task) {
            cell.tasks.push(task.to_owned());
        }
    }

    fn mark_crowded_minutes(&mut self, minutes: &HashMap<i64, i64>, granularity: Granularity, zone: Tz) {
        for (minute, firings) in minutes.iter().filter(|(_, firings)| **firings >= CROWDED_MINUTE) {
            let Some(at) = DateTime::from_timestamp(minute * 60, 0) else { continue };
            let cell = self.cells.entry(granularity.cell_key(at, zone)).or_default();
            // Of equally crowded minutes the earliest wins.
            if cell.peak.is_none_or(|(known, most)| (*firings, known) > (most, at)) {
                cell.peak = Some((at, *firings));
            }
        }
    }
}

/// A task's firings before `to`: at most one more than [`MAX_FIRINGS_PER_TASK`].
pub(super) fn firings(task: &Task, calendars: &CalendarSet, to: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
    let schedule = task.schedule(zone, calendars).ok();
    let next = |at: &DateTime<Utc>| schedule.as_ref()?.next_open_after(*at, task.anchor_at);
    std::iter::successors(super::timeline::first_firing(task, schedule.as_ref()), next)
        .take_while(|at| *at < to)
        .take(MAX_FIRINGS_PER_TASK + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::task::TaskInput;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn task(id: &str, trigger: serde_json::Value, next: &str) -> Task {
        let value = serde_json::json!({"id": id, "type": "echo", "trigger": trigger});
        let input = TaskInput::parse(&value, Tz::UTC, |_| Ok(Policy::default())).unwrap();
        let (next_run_at, next_rule_at) = (Some(at(next)), Some(at(next)));
        Task { next_run_at, next_rule_at, ..Task::new(&input, at("2026-11-21T00:00:00Z")) }
    }

    #[test]
    fn firings_are_grouped_by_local_hour_and_crowded_minutes_marked() {
        let daily = serde_json::json!({"type": "cron", "hour": 1, "timezone": "Asia/Shanghai"});
        let tasks: Vec<_> = (0..6).map(|n| task(&format!("t{n}"), daily.clone(), "2026-11-21T17:00:00Z")).collect();
        let mut calendar = Calendar::default();
        calendar.add_firings(&tasks, &CalendarSet::default(), at("2026-11-24T00:00:00Z"), Granularity::Hour, Tz::Asia__Shanghai);
        let places: Vec<_> = calendar.cells.keys().map(|(day, hour)| (day.to_string(), *hour)).collect();
        assert_eq!(
            places,
            [("2026-11-22".to_owned(), Some(1)), ("2026-11-23".to_owned(), Some(1)), ("2026-11-24".to_owned(), Some(1))]
        );
        let cell = &calendar.cells.values().next().unwrap();
        assert_eq!((cell.planned, cell.tasks.len(), cell.peak), (6, 6, Some((at("2026-11-21T17:00:00Z"), 6))));
    }

    #[test]
    fn tasks_that_fire_too_often_are_listed_separately() {
        let often = task("often", serde_json::json!({"type": "interval", "seconds": 1}), "2026-11-21T00:00:01Z");
        let mut calendar = Calendar::default();
        calendar.add_firings(&[often], &CalendarSet::default(), at("2026-11-22T00:00:00Z"), Granularity::Day, Tz::UTC);
        assert_eq!((calendar.too_frequent.as_slice(), calendar.cells.len()), (&["often".to_owned()][..], 0));
    }

    #[test]
    fn outcomes_are_counted_by_result() {
        let outcome = |status, runs| Outcome { at: at("2026-11-21T16:30:00Z"), status, runs };
        let mut calendar = Calendar::default();
        let all = [outcome(Status::Succeeded, 3), outcome(Status::TimedOut, 1), outcome(Status::Cancelled, 2)];
        calendar.add_outcomes(&all, Granularity::Day, Tz::Asia__Shanghai);
        let (place, cell) = calendar.cells.first_key_value().unwrap();
        assert_eq!((place.0.to_string().as_str(), cell.succeeded, cell.failed, cell.other), ("2026-11-22", 3, 1, 2));
    }
}
