//! The firings of an hour by minute, and which of them can move to a quieter minute.

use chrono::{DateTime, Duration, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::calendar::{MAX_FIRINGS_PER_TASK, firings};
use super::calendar_request::{self, CalendarRequest};
use crate::domain::calendar::CalendarSet;
use crate::domain::tag_scope::TagScope;
use crate::domain::task::Task;
use crate::storage::{Reader, Result};

const MINUTES: usize = 60;

/// The firings of the hour around a minute.
#[derive(Debug, Clone, PartialEq)]
pub struct MinuteLoad {
    /// Firings in each minute of the hour; tasks that fire very often are left out.
    pub counts: [i64; MINUTES],
    /// The minute with the fewest firings, the nearest one of several.
    pub quietest: u32,
    /// The tasks that fire in the minute.
    pub tasks: Vec<Task>,
}

/// The tasks of an hour, whose firings are still to be counted.
#[derive(Debug)]
pub struct LoadedHour {
    tasks: Vec<Task>,
    minute: DateTime<Utc>,
    zone: Tz,
}

/// Reads the tasks in scope that may fire in the hour of `minute` on the clocks of the request's zone.
pub async fn load(reader: &mut Reader, scope: &TagScope, request: &CalendarRequest, minute: DateTime<Utc>) -> Result<LoadedHour> {
    let tasks = calendar_request::tasks(reader, scope, request).await?;
    Ok(LoadedHour { tasks, minute, zone: request.zone })
}

impl LoadedHour {
    /// Counts the firings. Thousands of rules take too long for an async thread.
    pub fn with_firings(self, calendars: &CalendarSet) -> MinuteLoad {
        let place = minute_of(self.minute, self.zone);
        let begin = self.minute - Duration::minutes(i64::from(place));
        let end = begin + Duration::hours(1);
        let (mut counts, mut tasks) = ([0; MINUTES], Vec::new());
        for task in self.tasks {
            let found = firings(&task, calendars, end, self.zone);
            if found.len() > MAX_FIRINGS_PER_TASK {
                continue;
            }
            let mut fires = false;
            for at in found.into_iter().filter(|at| (begin..end).contains(at)) {
                let minute = minute_of(at, self.zone);
                counts[minute as usize] += 1;
                fires |= minute == place;
            }
            if fires {
                tasks.push(task);
            }
        }
        MinuteLoad { quietest: quietest(&counts, place), counts, tasks }
    }
}

fn minute_of(at: DateTime<Utc>, zone: Tz) -> u32 {
    at.with_timezone(&zone).minute()
}

/// The minute with the fewest firings; of several the one nearest to `from`.
fn quietest(counts: &[i64; MINUTES], from: u32) -> u32 {
    let others = (0..60).filter(|minute| *minute != from);
    others.min_by_key(|minute| (counts[*minute as usize], minute.abs_diff(from))).unwrap_or(from)
}

/// The change of a task that moves its rule from one minute of the hour to another, as a merge patch; `None` if the rule is not
/// a cron rule with that one minute.
pub fn moved(task: &Task, from: u32, to: u32) -> Option<Value> {
    let trigger = task.trigger.as_object().filter(|_| task.schedule.is_simple())?;
    if trigger.get("type").and_then(Value::as_str) != Some("cron") {
        return None;
    }
    if let Some(expression) = trigger.get("expression") {
        let parts: Vec<&str> = expression.as_str()?.split_whitespace().collect();
        let [minute, rest @ ..] = &parts[..] else { return None };
        let is_movable = parts.len() == 5 && minute.parse() == Ok(from);
        return is_movable.then(|| json!({"trigger": {"expression": format!("{to} {}", rest.join(" "))}}));
    }
    let minute = match trigger.get("minute") {
        Some(Value::String(text)) => text.parse().ok()?,
        Some(number) => u32::try_from(number.as_u64()?).ok()?,
        None if trigger.contains_key("second") || !trigger.contains_key("hour") => return None,
        None => 0,
    };
    (minute == from).then(|| json!({"trigger": {"minute": to}}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::task::TaskInput;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn task(id: &str, trigger: Value) -> Task {
        let value = json!({"id": id, "type": "echo", "trigger": trigger});
        let input = TaskInput::parse(&value, Tz::UTC, |_| Ok(Policy::default())).unwrap();
        let next = Some(at("2026-11-21T08:00:00Z"));
        Task { next_run_at: next, next_rule_at: next, ..Task::new(&input, at("2026-11-21T07:00:00Z")) }
    }

    #[test]
    fn the_nearest_minute_with_the_fewest_firings_is_the_quietest() {
        let mut tasks: Vec<_> = (0..5).map(|n| task(&format!("t{n}"), json!({"type": "cron", "hour": 8}))).collect();
        tasks.push(Task {
            next_run_at: Some(at("2026-11-21T08:01:00Z")),
            ..task("next", json!({"type": "cron", "expression": "1 8 * * *"}))
        });
        let loaded = LoadedHour { tasks, minute: at("2026-11-21T08:00:00Z"), zone: Tz::UTC };
        let load = loaded.with_firings(&CalendarSet::default());
        assert_eq!((load.counts[0], load.counts[1], load.quietest, load.tasks.len()), (5, 1, 2, 5));
    }

    #[test]
    fn rules_with_one_minute_can_move() {
        let moved = |trigger| moved(&task("a", trigger), 0, 7);
        assert_eq!(moved(json!({"type": "cron", "hour": 8})), Some(json!({"trigger": {"minute": 7}})));
        assert_eq!(
            moved(json!({"type": "cron", "expression": "0 8 * * mon"})),
            Some(json!({"trigger": {"expression": "7 8 * * mon"}}))
        );
        assert_eq!(moved(json!({"type": "cron", "expression": "*/5 8 * * *"})), None);
        assert_eq!(moved(json!({"type": "cron", "hour": 8, "minute": 3})), None);
        assert_eq!(moved(json!({"type": "interval", "hours": 1})), None);
    }
}
