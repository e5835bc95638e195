//! Time slots: past outcomes by hour or minute, and the planned firings around now.

use chrono::{DateTime, Duration, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::domain::calendar::CalendarSet;
use crate::domain::execution::Status;
use crate::domain::schedule::Schedule;
use crate::domain::stats::Outcome;
use crate::domain::task::Task;

/// Hours in the outcome chart.
pub const HOURS: usize = 24;
/// The span of the timeline before and after now.
pub const TIMELINE_SPAN: Duration = Duration::hours(1);
/// The length of one slot of the timeline.
pub const TIMELINE_STEP: Duration = Duration::minutes(2);
/// The most firings computed for the timeline; bounds the cost of rules that fire every second.
const MAX_FIRINGS: usize = 2_000;
/// The most task ids listed in one slot.
const MAX_TASKS_NAMED: usize = 5;

/// The outcomes of a period; `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Runs by status, in the order of [`Status::ALL`]; statuses without runs are left out.
    pub outcomes: Vec<(Status, i64)>,
}

/// The planned firings of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSlot {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub firings: i64,
    /// Ids of the first few tasks.
    pub tasks: Vec<String>,
}

impl Slot {
    pub fn total(&self) -> i64 {
        self.outcomes.iter().map(|(_, runs)| runs).sum()
    }
}

/// The start of the hour that contains `now` in a time zone.
pub fn start_of_hour(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let local = now.with_timezone(&zone);
    let into = Duration::seconds(i64::from(local.minute() * 60 + local.second()));
    let whole = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now);
    whole - into
}

/// The start of the day that contains `now` in a time zone.
pub fn start_of_day(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let date = now.with_timezone(&zone).date_naive();
    // Where a clock change skips midnight, the day begins at its first hour.
    let midnight =
        |hour| NaiveTime::from_hms_opt(hour, 0, 0).and_then(|time| zone.from_local_datetime(&date.and_time(time)).earliest());
    midnight(0).or_else(|| midnight(1)).map_or(now, |at| at.to_utc())
}

/// Sums outcomes into `count` slots of length `step`, starting at `first`.
pub fn slots(first: DateTime<Utc>, step: Duration, count: usize, outcomes: &[Outcome]) -> Vec<Slot> {
    let begin = |place: usize| first + step * i32::try_from(place).unwrap_or(i32::MAX);
    slots_between(&(0..=count).map(begin).collect::<Vec<_>>(), outcomes)
}

/// Sums outcomes into the slots between these ascending times.
pub fn slots_between(bounds: &[DateTime<Utc>], outcomes: &[Outcome]) -> Vec<Slot> {
    let mut sums = vec![[0; Status::ALL.len()]; bounds.len()];
    for outcome in outcomes {
        let place = bounds.partition_point(|bound| *bound <= outcome.at);
        if let Some(sum) = place.checked_sub(1).and_then(|place| sums.get_mut(place)) {
            sum[outcome.status as usize] += outcome.runs;
        }
    }
    let slot = |(bounds, sums): (&[DateTime<Utc>], [i64; Status::ALL.len()])| Slot {
        from: bounds[0],
        to: bounds[1],
        outcomes: Status::ALL.into_iter().zip(sums).filter(|(_, runs)| *runs > 0).collect(),
    };
    bounds.windows(2).zip(sums).map(slot).collect()
}

/// The planned firings in `count` slots from `first` on, and whether some were left out. `tasks` are sorted by next run.
pub fn planned(
    first: DateTime<Utc>,
    count: usize,
    tasks: &[Task],
    calendars: &CalendarSet,
    zone: Tz,
) -> (Vec<PlannedSlot>, bool) {
    let begin = |place: usize| first + TIMELINE_STEP * i32::try_from(place).unwrap_or(i32::MAX);
    let empty = |place| PlannedSlot { from: begin(place), to: begin(place + 1), firings: 0, tasks: Vec::new() };
    let mut timeline: Vec<PlannedSlot> = (0..count).map(empty).collect();
    let (end, mut left) = (begin(count), MAX_FIRINGS);
    for task in tasks {
        let schedule = task.schedule(zone, calendars).ok();
        let mut next = first_firing(task, schedule.as_ref());
        while let Some(at) = next.filter(|at| *at < end) {
            if left == 0 {
                return (timeline, true);
            }
            left -= 1;
            count_firing(&mut timeline, first, at, &task.id);
            next = schedule.as_ref().and_then(|schedule| schedule.next_open_after(at, task.anchor_at));
        }
    }
    (timeline, false)
}

/// A task's next run; of a task with calendars, the first that they let run.
pub(super) fn first_firing(task: &Task, schedule: Option<&Schedule>) -> Option<DateTime<Utc>> {
    let (next, schedule) = (task.next_run_at?, schedule.filter(|schedule| !schedule.is_simple()));
    match (schedule, task.next_rule_at) {
        (Some(schedule), Some(rule_at)) if schedule.planned(rule_at, next, task.anchor_at).is_closed() => {
            schedule.next_open_after(rule_at, task.anchor_at)
        }
        _ => Some(next),
    }
}

/// Counts a firing in its slot; an overdue firing belongs to the first slot.
fn count_firing(timeline: &mut [PlannedSlot], first: DateTime<Utc>, at: DateTime<Utc>, task: &str) {
    let place = (at - first).num_milliseconds().max(0) / TIMELINE_STEP.num_milliseconds();
    let Some(step) = usize::try_from(place).ok().and_then(|place| timeline.get_mut(place)) else { return };
    step.firings += 1;
    if step.tasks.len() < MAX_TASKS_NAMED && !step.tasks.iter().any(|known| known == task) {
        step.tasks.push(task.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn start_of_hour_and_day_follow_the_zone() {
        let now = at("2026-11-21T08:50:10.5Z");
        assert_eq!(start_of_hour(now, Tz::Asia__Kathmandu), at("2026-11-21T08:15:00Z"));
        assert_eq!(start_of_day(now, Tz::Asia__Shanghai), at("2026-11-20T16:00:00Z"));
        assert_eq!(start_of_day(at("2026-10-04T12:00:00Z"), Tz::America__Asuncion), at("2026-10-04T03:00:00Z"));
        assert_eq!(
            start_of_day(at("2023-10-01T12:00:00Z"), Tz::America__Asuncion),
            at("2023-10-01T04:00:00Z"),
            "midnight was skipped"
        );
    }

    #[test]
    fn slots_sum_outcomes_by_start_time() {
        let first = at("2026-11-21T08:00:00Z");
        let outcome = |minutes, status, runs| Outcome { at: first + Duration::minutes(minutes), status, runs };
        let all = [
            outcome(-1, Status::Failed, 9),
            outcome(0, Status::Succeeded, 2),
            outcome(59, Status::Failed, 1),
            outcome(60, Status::Failed, 4),
        ];
        let found = slots(first, Duration::hours(1), 2, &all);
        assert_eq!(found[0].outcomes, [(Status::Succeeded, 2), (Status::Failed, 1)]);
        assert_eq!((found[0].total(), found[1].total(), found[1].to), (3, 4, at("2026-11-21T10:00:00Z")));
    }
}
