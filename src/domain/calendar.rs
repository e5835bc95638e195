//! The calendar: what ran and what will fire, by the day or by the hour of a zone's clocks, and the minutes at which tasks
//! crowd.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use super::execution::Status;
use super::stats::Outcome;
use super::task::Task;

/// A task that fires more often than this within the calendar's span is named beside it instead.
pub const OFTEN: usize = 700;
/// Firings that are worked out in all.
const MOST_FIRINGS: usize = 20_000;
/// So many firings within one minute crowd it.
pub const CROWD: i64 = 5;
/// Tasks that a cell names.
const NAMED: usize = 6;

/// A cell's place: a day, and an hour of it where the calendar is divided so finely.
pub type Place = (NaiveDate, Option<u32>);

/// What belongs to one cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Runs that began then: those that went well, those that failed, and others.
    pub good: i64,
    pub bad: i64,
    pub other: i64,
    pub planned: i64,
    /// The first few tasks that are planned.
    pub tasks: Vec<String>,
    /// The minute at which most fires, where that is a crowd.
    pub crowd: Option<(DateTime<Utc>, i64)>,
}

/// A span of time, cell by cell; cells of which there is nothing to say are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    pub cells: BTreeMap<Place, Cell>,
    /// Ids of tasks that fire too often to be drawn.
    pub often: Vec<String>,
    /// More fires than was worked out, or more ran than was read.
    pub more: bool,
}

/// How finely a calendar is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    Hour,
    Day,
}

impl Grain {
    /// The cell that holds an instant.
    pub fn place(self, at: DateTime<Utc>, zone: Tz) -> Place {
        let local = at.with_timezone(&zone);
        (local.date_naive(), (self == Grain::Hour).then(|| local.hour()))
    }
}

impl Calendar {
    /// Adds runs that began.
    pub fn add_outcomes(&mut self, outcomes: &[Outcome], grain: Grain, zone: Tz) {
        for outcome in outcomes {
            let cell = self.cells.entry(grain.place(outcome.at, zone)).or_default();
            match outcome.status {
                Status::Succeeded => cell.good += outcome.runs,
                status if status.is_failure() => cell.bad += outcome.runs,
                _ => cell.other += outcome.runs,
            }
        }
    }

    /// Adds the firings of tasks before `to`, from the next one of each on. `zone` also stands in where a rule names none.
    pub fn add_firings(&mut self, tasks: &[Task], to: DateTime<Utc>, grain: Grain, zone: Tz) {
        let mut minutes: HashMap<i64, i64> = HashMap::new();
        let mut left = MOST_FIRINGS;
        for task in tasks {
            let firings = firings(task, to, zone);
            if firings.len() > OFTEN {
                self.often.push(task.id.clone());
                continue;
            }
            if firings.len() > left {
                self.more = true;
                break;
            }
            left -= firings.len();
            for at in firings {
                *minutes.entry(at.timestamp().div_euclid(60)).or_default() += 1;
                self.add_firing(at, &task.id, grain, zone);
            }
        }
        self.mark_crowds(&minutes, grain, zone);
    }

    fn add_firing(&mut self, at: DateTime<Utc>, task: &str, grain: Grain, zone: Tz) {
        let cell = self.cells.entry(grain.place(at, zone)).or_default();
        cell.planned += 1;
        if cell.tasks.len() < NAMED && !cell.tasks.iter().any(|known| known == task) {
            cell.tasks.push(task.to_owned());
        }
    }

    fn mark_crowds(&mut self, minutes: &HashMap<i64, i64>, grain: Grain, zone: Tz) {
        for (minute, firings) in minutes.iter().filter(|(_, firings)| **firings >= CROWD) {
            let Some(at) = DateTime::from_timestamp(minute * 60, 0) else { continue };
            let cell = self.cells.entry(grain.place(at, zone)).or_default();
            // Of equally crowded minutes the first counts.
            if cell.crowd.is_none_or(|(known, most)| (*firings, known) > (most, at)) {
                cell.crowd = Some((at, *firings));
            }
        }
    }
}

/// At most one more than [`OFTEN`].
fn firings(task: &Task, to: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
    let rule = task.rule(zone).ok();
    let next = |at: &DateTime<Utc>| rule.as_ref().and_then(|rule| rule.next_after(*at, task.anchor_at));
    std::iter::successors(task.next_run_at, next).take_while(|at| *at < to).take(OFTEN + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::task::TaskStats;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn task(id: &str, trigger: serde_json::Value, next: &str) -> Task {
        let now = at("2026-11-21T00:00:00Z");
        Task {
            id: id.into(),
            name: id.into(),
            description: String::new(),
            tags: vec![],
            task_type: "echo".into(),
            trigger,
            params: serde_json::Value::Null,
            enabled: true,
            policy: Policy::default(),
            chain: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
            anchor_at: now,
            schedule_text: String::new(),
            next_run_at: Some(at(next)),
            next_rule_at: Some(at(next)),
            managed: None,
            stats: TaskStats::default(),
        }
    }

    #[test]
    fn firings_fall_into_the_zones_days_and_crowds_are_marked() {
        let daily = serde_json::json!({"type": "cron", "hour": 1, "timezone": "Asia/Shanghai"});
        let tasks: Vec<_> = (0..6).map(|n| task(&format!("t{n}"), daily.clone(), "2026-11-21T17:00:00Z")).collect();
        let mut calendar = Calendar::default();
        calendar.add_firings(&tasks, at("2026-11-24T00:00:00Z"), Grain::Hour, Tz::Asia__Shanghai);
        let places: Vec<_> = calendar.cells.keys().map(|(day, hour)| (day.to_string(), *hour)).collect();
        assert_eq!(
            places,
            [("2026-11-22".to_owned(), Some(1)), ("2026-11-23".to_owned(), Some(1)), ("2026-11-24".to_owned(), Some(1))]
        );
        let cell = &calendar.cells.values().next().unwrap();
        assert_eq!((cell.planned, cell.tasks.len(), cell.crowd), (6, 6, Some((at("2026-11-21T17:00:00Z"), 6))));
    }

    #[test]
    fn what_fires_all_the_time_is_named_beside_the_calendar() {
        let often = task("often", serde_json::json!({"type": "interval", "seconds": 1}), "2026-11-21T00:00:01Z");
        let mut calendar = Calendar::default();
        calendar.add_firings(&[often], at("2026-11-22T00:00:00Z"), Grain::Day, Tz::UTC);
        assert_eq!((calendar.often.as_slice(), calendar.cells.len()), (&["often".to_owned()][..], 0));
    }

    #[test]
    fn runs_are_told_apart_by_how_they_ended() {
        let outcome = |status, runs| Outcome { at: at("2026-11-21T16:30:00Z"), status, runs };
        let mut calendar = Calendar::default();
        let all = [outcome(Status::Succeeded, 3), outcome(Status::TimedOut, 1), outcome(Status::Cancelled, 2)];
        calendar.add_outcomes(&all, Grain::Day, Tz::Asia__Shanghai);
        let (place, cell) = calendar.cells.first_key_value().unwrap();
        assert_eq!((place.0.to_string().as_str(), cell.good, cell.bad, cell.other), ("2026-11-22", 3, 1, 2));
    }
}
