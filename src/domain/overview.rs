//! How things stand, at one look: figures, the outcomes of a day by the hour, and the firings around now.

use chrono::{DateTime, Duration, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::execution::{Execution, Status};
use super::stats::{DueTask, Outcome, TaskCounts};
use super::task::Task;

/// Hours that the chart of outcomes shows.
pub const HOURS: usize = 24;
/// How far the line of firings reaches to either side of now.
pub const REACH: Duration = Duration::hours(1);
/// One step of the line of firings.
pub const STEP: Duration = Duration::minutes(2);
/// Firings that are worked out for the line; rules that fire each second would else take all the time.
const MOST_FIRINGS: usize = 2_000;
/// Names kept for one step of the line.
const NAMED: usize = 5;

/// How things stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    pub now: DateTime<Utc>,
    pub tasks: TaskCounts,
    /// Executions that run and that wait; lower bounds where `active_is_exact` is false.
    pub running: i64,
    pub queued: i64,
    pub active_is_exact: bool,
    /// Runs that began today, by the server's calendar, and have ended; and those of them that failed.
    pub ran_today: i64,
    pub failed_today: i64,
    pub today: DateTime<Utc>,
    /// Of the last 24 hours: succeeded, of succeeded and failed; 0 to 1.
    pub success_rate: Option<f64>,
    /// Of the newest runs of the last 24 hours, in milliseconds.
    pub median_lateness_ms: Option<i64>,
    /// One for each hour, oldest first, the last one going on.
    pub hours: Vec<Slot>,
    /// Runs that began within [`REACH`] before now, and firings planned for as long after it, by [`STEP`]s.
    pub past: Vec<Slot>,
    pub planned: Vec<Planned>,
    /// Some firings of the line were left out: there are too many.
    pub planned_more: bool,
    pub due_next: Vec<DueTask>,
    pub failures: Vec<Execution>,
    /// What failing tasks have in common, where several do.
    pub cause: Option<LikelyCause>,
    pub current: Vec<Current>,
    /// Tasks whose firing has passed without anything taking it.
    pub overdue: Vec<DueTask>,
    /// Firings of the last 24 hours that did not run in time.
    pub missed: Vec<Execution>,
}

/// An execution that runs, and how long its task's runs mostly take, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    pub execution: Execution,
    pub usual_ms: Option<i64>,
}

/// The outcomes of a step of time; `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// In the order of [`Status::ALL`]; statuses without runs are left out.
    pub outcomes: Vec<(Status, i64)>,
}

/// Firings planned for a step of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub firings: i64,
    /// Ids of the first few tasks.
    pub tasks: Vec<String>,
}

/// An error that several failures share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikelyCause {
    /// The first line of the newest one.
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

/// The begin of the hour that holds `now` on a zone's clocks.
pub fn hour_of(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let local = now.with_timezone(&zone);
    let into = Duration::seconds(i64::from(local.minute() * 60 + local.second()));
    let whole = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now);
    whole - into
}

/// The begin of a zone's day that holds `now`.
pub fn day_of(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let date = now.with_timezone(&zone).date_naive();
    // Where clocks skip midnight, the day begins with the first hour there is.
    let midnight =
        |hour| NaiveTime::from_hms_opt(hour, 0, 0).and_then(|time| zone.from_local_datetime(&date.and_time(time)).earliest());
    midnight(0).or_else(|| midnight(1)).map_or(now, |at| at.to_utc())
}

/// Sums outcomes up into `count` slots of one length from `first` on.
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

/// The firings of tasks from `first` on, in `count` steps; and whether some were left out. `tasks` are those due soonest.
pub fn planned(first: DateTime<Utc>, count: usize, tasks: &[Task], zone: Tz) -> (Vec<Planned>, bool) {
    let begin = |place: usize| first + STEP * i32::try_from(place).unwrap_or(i32::MAX);
    let empty = |place| Planned { from: begin(place), to: begin(place + 1), firings: 0, tasks: Vec::new() };
    let mut line: Vec<Planned> = (0..count).map(empty).collect();
    let (end, mut left) = (begin(count), MOST_FIRINGS);
    for task in tasks {
        let rule = task.rule(zone).ok();
        let mut next = task.next_run_at;
        while let Some(at) = next.filter(|at| *at < end) {
            if left == 0 {
                return (line, true);
            }
            left -= 1;
            note(&mut line, first, at, &task.id);
            next = rule.as_ref().and_then(|rule| rule.next_after(at, task.anchor_at));
        }
    }
    (line, false)
}

/// A firing that is overdue belongs to the first step.
fn note(line: &mut [Planned], first: DateTime<Utc>, at: DateTime<Utc>, task: &str) {
    let place = (at - first).num_milliseconds().max(0) / STEP.num_milliseconds();
    let Some(step) = usize::try_from(place).ok().and_then(|place| line.get_mut(place)) else { return };
    step.firings += 1;
    if step.tasks.len() < NAMED && !step.tasks.iter().any(|known| known == task) {
        step.tasks.push(task.to_owned());
    }
}

/// The error that most of the failures share (numbers in it aside), where at least two do. Newest first.
pub fn likely_cause(failures: &[Execution]) -> Option<LikelyCause> {
    let lines: Vec<&str> = failures.iter().filter_map(|run| run.error.as_deref()?.lines().next()).collect();
    let kinds: Vec<String> = lines.iter().map(|line| without_numbers(line)).collect();
    let count = |kind: &String| kinds.iter().filter(|other| *other == kind).count();
    // Of equally frequent ones the newest counts.
    let (place, found) = kinds.iter().map(count).enumerate().max_by_key(|(place, found)| (*found, std::cmp::Reverse(*place)))?;
    (found > 1).then(|| LikelyCause { text: lines[place].to_owned(), failures: found, of: failures.len() })
}

fn without_numbers(line: &str) -> String {
    line.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The middle one of the durations of runs that succeeded, in milliseconds.
pub fn usual_duration<'r>(runs: impl IntoIterator<Item = &'r super::stats::RunPoint>) -> Option<i64> {
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
    fn hours_and_days_are_those_of_the_zone() {
        let now = at("2026-11-21T08:50:10.5Z");
        assert_eq!(hour_of(now, Tz::Asia__Kathmandu), at("2026-11-21T08:15:00Z"));
        assert_eq!(day_of(now, Tz::Asia__Shanghai), at("2026-11-20T16:00:00Z"));
        assert_eq!(day_of(at("2026-10-04T12:00:00Z"), Tz::America__Asuncion), at("2026-10-04T03:00:00Z"));
        assert_eq!(day_of(at("2023-10-01T12:00:00Z"), Tz::America__Asuncion), at("2023-10-01T04:00:00Z"), "midnight was skipped");
    }

    #[test]
    fn outcomes_fall_into_their_slots() {
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
    fn the_likely_cause_is_what_most_failures_say() {
        let runs = ["exit code 3", "connection to db:5432 refused\nmore", "connection to db:5433 refused"].map(failure);
        let found = likely_cause(&runs).unwrap();
        assert_eq!((found.text.as_str(), found.failures, found.of), ("connection to db:5432 refused", 2, 3));
        assert_eq!(likely_cause(&runs[..2]), None, "each for itself");
        assert_eq!(likely_cause(&[]), None);
    }
}
