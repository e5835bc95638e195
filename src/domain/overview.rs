//! The overview page's data: counts, outcomes of the last day by hour, and the firings around now.

use chrono::{DateTime, Duration, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::execution::{Execution, Status};
use super::stats::{DueTask, Outcome, TaskCounts};
use super::task::Task;

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

/// The state of the server at one moment, for the tasks in the actor's scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    pub now: DateTime<Utc>,
    pub tasks: TaskCounts,
    /// Running and queued executions; lower bounds if `active_is_exact` is false.
    pub running: i64,
    pub queued: i64,
    pub active_is_exact: bool,
    /// Runs that began today in the server's time zone and have ended, and the failed ones of them.
    pub ran_today: i64,
    pub failed_today: i64,
    pub today: DateTime<Utc>,
    /// Succeeded / (succeeded + failed) of the last 24 hours, 0 to 1.
    pub success_rate: Option<f64>,
    /// Over the newest runs of the last 24 hours, in milliseconds.
    pub median_lateness_ms: Option<i64>,
    /// One slot per hour, oldest first; the last is the current hour.
    pub hours: Vec<Slot>,
    /// Runs that began within [`TIMELINE_SPAN`] before now, and firings planned within it after now, in slots of
    /// [`TIMELINE_STEP`].
    pub past: Vec<Slot>,
    pub planned: Vec<PlannedSlot>,
    /// True: the timeline leaves out some of the planned firings, because there are too many.
    pub planned_more: bool,
    pub due_next: Vec<DueTask>,
    pub failures: Vec<Execution>,
    /// The error that several of the failures share, if any.
    pub cause: Option<LikelyCause>,
    pub current: Vec<RunningExecution>,
    /// Tasks whose next firing has passed without being processed.
    pub overdue: Vec<DueTask>,
    /// Missed occurrences of the last 24 hours.
    pub missed: Vec<Execution>,
}

/// A running execution, and the median duration of its task's runs in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningExecution {
    pub execution: Execution,
    pub median_ms: Option<i64>,
}

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

/// An error that several failures share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikelyCause {
    /// The first line of the newest error.
    pub text: String,
    pub failures: usize,
    pub of: usize,
}

impl Slot {
    pub fn total(&self) -> i64 {
        self.outcomes.iter().map(|(_, runs)| runs).sum()
    }

    pub fn failed(&self) -> i64 {
        self.outcomes.iter().filter(|(status, _)| status.is_failure()).map(|(_, runs)| runs).sum()
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
    let slot = |place: usize| {
        let (from, to) = (begin(place), begin(place + 1));
        let within =
            |status| outcomes.iter().filter(move |o| o.status == status && (from..to).contains(&o.at)).map(|o| o.runs).sum();
        let counts = Status::ALL.map(|status| (status, within(status)));
        Slot { from, to, outcomes: counts.into_iter().filter(|(_, runs)| *runs > 0).collect() }
    };
    (0..count).map(slot).collect()
}

/// The planned firings in `count` slots from `first` on, and whether some were left out. `tasks` are sorted by next run.
pub fn planned(first: DateTime<Utc>, count: usize, tasks: &[Task], zone: Tz) -> (Vec<PlannedSlot>, bool) {
    let begin = |place: usize| first + TIMELINE_STEP * i32::try_from(place).unwrap_or(i32::MAX);
    let empty = |place| PlannedSlot { from: begin(place), to: begin(place + 1), firings: 0, tasks: Vec::new() };
    let mut timeline: Vec<PlannedSlot> = (0..count).map(empty).collect();
    let (end, mut left) = (begin(count), MAX_FIRINGS);
    for task in tasks {
        let rule = task.rule(zone).ok();
        let mut next = task.next_run_at;
        while let Some(at) = next.filter(|at| *at < end) {
            if left == 0 {
                return (timeline, true);
            }
            left -= 1;
            count_firing(&mut timeline, first, at, &task.id);
            next = rule.as_ref().and_then(|rule| rule.next_after(at, task.anchor_at));
        }
    }
    (timeline, false)
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

/// The most frequent error, ignoring digits, if at least two of the failures share it. `failures` is newest first.
pub fn likely_cause(failures: &[Execution]) -> Option<LikelyCause> {
    let lines: Vec<&str> = failures.iter().filter_map(|run| run.error.as_deref()?.lines().next()).collect();
    let kinds: Vec<String> = lines.iter().map(|line| without_numbers(line)).collect();
    let count = |kind: &String| kinds.iter().filter(|other| *other == kind).count();
    // Of equally frequent errors the newest wins.
    let (place, found) = kinds.iter().map(count).enumerate().max_by_key(|(place, found)| (*found, std::cmp::Reverse(*place)))?;
    (found > 1).then(|| LikelyCause { text: lines[place].to_owned(), failures: found, of: failures.len() })
}

fn without_numbers(line: &str) -> String {
    line.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The median duration of the succeeded runs, in milliseconds.
pub fn median_duration<'r>(runs: impl IntoIterator<Item = &'r super::stats::RunPoint>) -> Option<i64> {
    let good = runs.into_iter().filter(|run| run.status == Status::Succeeded);
    let mut all: Vec<i64> = good.filter_map(|run| run.duration_ms).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
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
        assert_eq!((found[0].total(), found[1].failed(), found[1].to), (3, 4, at("2026-11-21T10:00:00Z")));
    }

    fn failure(error: &str) -> Execution {
        let now = at("2026-11-21T08:00:00Z");
        Execution {
            id: "1".into(),
            task_id: "a".into(),
            task_type: "echo".into(),
            task_version: Some(1),
            started_by: None,
            schedule_text: String::new(),
            params: serde_json::Value::Null,
            cause: super::super::execution::Cause::Schedule,
            scheduled_at: now,
            queued_at: now,
            started_at: None,
            finished_at: None,
            lateness_ms: None,
            duration_ms: None,
            attempt: 1,
            status: Status::Failed,
            retry_at: None,
            error: Some(error.into()),
            node: None,
            requested_by: None,
        }
    }

    #[test]
    fn likely_cause_is_the_most_frequent_error() {
        let runs = ["exit code 3", "connection to db:5432 refused\nmore", "connection to db:5433 refused"].map(failure);
        let found = likely_cause(&runs).unwrap();
        assert_eq!((found.text.as_str(), found.failures, found.of), ("connection to db:5432 refused", 2, 3));
        assert_eq!(likely_cause(&runs[..2]), None, "no shared error");
        assert_eq!(likely_cause(&[]), None);
    }
}
