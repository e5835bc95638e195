//! Firing decisions: whether each due occurrence of a task runs, is skipped or is missed. The due occurrences of a task are
//! decided together, each exactly once, and each reason is written from the outcome of all of them.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value};

use super::execution::Status;
use super::overlap::{ActiveRuns, Slot};
use super::policy::Policy;
use super::schedule::{Note, Origin, Planned, Schedule};
use super::task::Task;
use crate::i18n::{Message, message};

/// An occurrence decided later than this after its scheduled time is run as a catch-up.
const CATCH_UP_AFTER: Duration = Duration::seconds(10);

/// A task whose occurrences are decided.
#[derive(Debug, Clone, Copy)]
pub struct DueTask<'t> {
    /// Its definition; the next run is [`DueTask::next`].
    pub task: &'t Task,
    pub schedule: &'t Schedule,
    /// The first occurrence that is not decided. `None`: there is none.
    pub next: Option<Firing>,
}

/// When occurrences are decided.
#[derive(Debug, Clone, Copy)]
pub struct DecisionTime {
    pub now: DateTime<Utc>,
    /// The start of the scheduler: earlier occurrences are catch-ups.
    pub since: DateTime<Utc>,
}

impl DecisionTime {
    fn is_catch_up(self, scheduled_at: DateTime<Utc>) -> bool {
        scheduled_at < self.since || self.now - scheduled_at > CATCH_UP_AFTER
    }
}

/// The decided occurrences of a task, and its next firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Oldest first.
    pub occurrences: Vec<Occurrence>,
    /// `None`: never again.
    pub next: Option<Firing>,
    /// How many of the oldest unfinished runs are cancelled.
    pub cancelled: i64,
}

/// A planned firing: the time given by the rule, and the time with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    pub rule_at: DateTime<Utc>,
    /// `rule_at` and its jitter.
    pub run_at: DateTime<Utc>,
}

/// One scheduled time and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    pub scheduled_at: DateTime<Utc>,
    pub outcome: FiringOutcome,
    /// What its rule and the calendars say; `None`: nothing beyond the task itself.
    pub detail: Option<OccurrenceDetail>,
}

/// The rule of an occurrence and what the calendars did to it.
#[derive(Debug, Clone, PartialEq)]
pub struct OccurrenceDetail {
    /// The text of the rule.
    pub schedule_text: String,
    /// Parameters that replace those of the task.
    pub params: Map<String, Value>,
    /// For the log.
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FiringOutcome {
    Run {
        catch_up: bool,
        /// Whether it waits for an earlier run of the task to end.
        waits: bool,
    },
    /// `max_instances` runs are queued or running already, or a calendar is closed; the reason.
    Skipped(Message),
    /// Past its grace period, or coalesced into a later occurrence; the reason.
    Missed(Message),
}

impl FiringOutcome {
    /// The status of the occurrence's execution, with the reason if it does not run.
    pub fn into_status(self) -> (Status, Option<Message>) {
        match self {
            FiringOutcome::Run { .. } => (Status::Queued, None),
            FiringOutcome::Skipped(reason) => (Status::Skipped, Some(reason)),
            FiringOutcome::Missed(reason) => (Status::Missed, Some(reason)),
        }
    }

    /// Whether the occurrence runs, now or after an earlier run.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self, FiringOutcome::Run { .. })
    }
}

/// The first firing at or after `from`.
pub fn first_firing(task_id: &str, schedule: &Schedule, from: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Firing> {
    schedule.next_at_or_after(from, anchor).map(|rule_at| firing(task_id, schedule, rule_at, anchor))
}

fn firing(task_id: &str, schedule: &Schedule, rule_at: DateTime<Utc>, anchor: DateTime<Utc>) -> Firing {
    Firing { rule_at, run_at: schedule.fire_time(rule_at, task_id, anchor) }
}

/// Decides the due occurrences of a task, oldest first, at most `limit`. If more are due, [`Decision::next`] lies in the
/// past and the next call decides the rest. `active`: the unfinished runs of the task.
pub fn decide(due: &DueTask<'_>, at: DecisionTime, active: ActiveRuns, limit: usize) -> Decision {
    let (firings, next) = due_firings(due, at.now, limit);
    if due.schedule.is_simple() {
        let times: Vec<DateTime<Utc>> = firings.iter().map(|firing| firing.run_at).collect();
        let more = next.is_some_and(|firing| firing.run_at <= at.now);
        let (outcomes, cancelled) = outcomes(due.task, at, active, &times, more);
        let occurrence = |(scheduled_at, outcome)| Occurrence { scheduled_at, outcome, detail: None };
        return Decision { occurrences: times.into_iter().zip(outcomes).map(occurrence).collect(), next, cancelled };
    }
    let anchor = due.task.anchor_at;
    let planned: Vec<Planned<'_>> =
        firings.iter().map(|firing| due.schedule.planned(firing.rule_at, firing.run_at, anchor)).collect();
    // Of what is due later, only what a calendar lets run counts.
    let last = firings.last().map_or(at.now, |firing| firing.rule_at);
    let open = due.schedule.next_open_after(last, anchor).map(|rule_at| firing(&due.task.id, due.schedule, rule_at, anchor));
    let more = next.is_some_and(|firing| firing.run_at <= at.now) && open.is_some_and(|firing| firing.run_at <= at.now);
    let times: Vec<DateTime<Utc>> = planned.iter().filter(|one| !one.is_closed()).map(|one| one.run_at).collect();
    let (outcomes, cancelled) = outcomes(due.task, at, active, &times, more);
    let mut outcomes = outcomes.into_iter();
    let occurrence = |one: Planned<'_>| {
        let outcome = match &one.note {
            Note::Closed(closing) => FiringOutcome::Skipped(closing.message()),
            _ => outcomes.next().unwrap_or(FiringOutcome::Run { catch_up: false, waits: false }),
        };
        Occurrence { scheduled_at: one.run_at, outcome, detail: OccurrenceDetail::new(due, &one) }
    };
    Decision { occurrences: planned.into_iter().map(occurrence).collect(), next, cancelled }
}

/// The outcomes of due times that may run, and how many of the oldest runs are cancelled. `more`: further ones are due.
fn outcomes(task: &Task, at: DecisionTime, active: ActiveRuns, times: &[DateTime<Utc>], more: bool) -> (Vec<FiringOutcome>, i64) {
    let policy = &task.policy;
    let late = times.partition_point(|time| is_too_late(policy, *time, at.now));
    // With `coalesce` only the latest of all due occurrences may run; it may be in a later batch.
    let first = match (policy.coalesce, more) {
        (false, _) => late,
        (true, true) => times.len(),
        (true, false) => late.max(times.len().saturating_sub(1)),
    };
    let admission = policy.admit(active, times.len() - first);
    let latest_runs = admission.slots.last().is_some_and(|slot| slot.runs());
    let outcome = |(place, time): (usize, &DateTime<Utc>)| match place {
        place if place < late => too_late(policy, at.now - time),
        place if place < first => FiringOutcome::Missed(coalesced(more, latest_runs)),
        place => admitted(admission.slots[place - first], task, at.is_catch_up(*time)),
    };
    (times.iter().enumerate().map(outcome).collect(), admission.cancelled)
}

impl OccurrenceDetail {
    fn new(due: &DueTask<'_>, one: &Planned<'_>) -> Option<OccurrenceDetail> {
        let is_single = due.schedule.rules().is_single();
        let schedule_text = if is_single { due.task.schedule_text.clone() } else { one.rule.trigger.text() };
        let origin = Origin::new(due.schedule, one);
        Some(OccurrenceDetail { schedule_text, params: one.rule.params.clone(), origin })
    }
}

/// The outcome of a run by its slot.
pub fn admitted(slot: Slot, task: &Task, catch_up: bool) -> FiringOutcome {
    match slot {
        Slot::Starts => FiringOutcome::Run { catch_up, waits: false },
        Slot::Waits => FiringOutcome::Run { catch_up, waits: true },
        Slot::Refused { active } => FiringOutcome::Skipped(message!("firing.overlap", active, max = task.policy.max_instances)),
        Slot::Replaced => FiringOutcome::Skipped(message!("firing.replaced")),
    }
}

/// Decides the firing of an idle trigger, when the machine has been idle long enough: skipped in a freeze.
pub fn idle_occurrence(due: &DueTask<'_>, now: DateTime<Utc>, active: ActiveRuns) -> Decision {
    let decision = |outcome, detail, cancelled| {
        let occurrences = vec![Occurrence { scheduled_at: now, outcome, detail }];
        Decision { occurrences, next: None, cancelled }
    };
    let planned = due.schedule.unplanned(now);
    if let Note::Closed(closing) = &planned.note {
        return decision(FiringOutcome::Skipped(closing.message()), OccurrenceDetail::new(due, &planned), 0);
    }
    let admission = due.task.policy.admit(active, 1);
    let slot = admission.slots.first().copied().unwrap_or(Slot::Starts);
    decision(admitted(slot, due.task, false), None, admission.cancelled)
}

/// The due firings, ascending, at most `limit`, and the firing after them.
fn due_firings(due: &DueTask<'_>, now: DateTime<Utc>, limit: usize) -> (Vec<Firing>, Option<Firing>) {
    let DueTask { task, schedule, mut next } = *due;
    let mut firings = Vec::new();
    while let Some(at) = next.filter(|firing| firing.run_at <= now && firings.len() < limit) {
        firings.push(at);
        let after = schedule.next_after(at.rule_at, task.anchor_at);
        next = after.map(|rule_at| firing(&task.id, schedule, rule_at, task.anchor_at));
    }
    (firings, next)
}

fn is_too_late(policy: &Policy, time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    policy.misfire_grace.is_some_and(|grace| now - time > Duration::from_std(grace).unwrap_or(Duration::MAX))
}

fn too_late(policy: &Policy, late: Duration) -> FiringOutcome {
    let grace = policy.misfire_grace.unwrap_or_default();
    FiringOutcome::Missed(message!("firing.too_late", late = late.num_seconds(), grace = grace.as_secs_f64()))
}

/// The reason of an occurrence that coalesces into a later one. `more`: the later one is decided after this batch.
fn coalesced(more: bool, latest_runs: bool) -> Message {
    match (more, latest_runs) {
        (true, _) => message!("firing.coalesced_into_later"),
        (false, true) => message!("firing.coalesced"),
        (false, false) => message!("firing.coalesced_into_skipped"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration as StdDuration;

    use chrono_tz::Tz;
    use serde_json::json;

    use super::*;
    use crate::domain::calendar::CalendarSet;
    use crate::domain::overlap::OnOverlap;
    use crate::domain::task::TaskInput;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn every_ten_seconds(policy: Policy) -> (Task, Schedule) {
        let value = json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "seconds": 10}});
        let input = TaskInput::parse(&value, Tz::UTC, |_| Ok(policy.clone())).unwrap();
        let (next_run_at, next_rule_at) = (Some(at(10)), Some(at(10)));
        let task = Task { next_run_at, next_rule_at, ..Task::new(&input, at(0)) };
        let schedule = input.schedule(&CalendarSet::default()).unwrap();
        (task, schedule)
    }

    fn due<'t>((task, schedule): &'t (Task, Schedule)) -> DueTask<'t> {
        let next = task.next_run_at.zip(task.next_rule_at).map(|(run_at, rule_at)| Firing { rule_at, run_at });
        DueTask { task, schedule, next }
    }

    fn time(now: i64, since: i64) -> DecisionTime {
        DecisionTime { now: at(now), since: at(since) }
    }

    fn started(started: i64) -> ActiveRuns {
        ActiveRuns { started, waiting: 0 }
    }

    fn decided(policy: Policy, now: i64, active: i64, limit: usize) -> Decision {
        decide(&due(&every_ten_seconds(policy)), time(now, 0), started(active), limit)
    }

    fn outcomes(policy: Policy, now: i64, active: i64, limit: usize) -> (Vec<&'static str>, Option<i64>) {
        let decision = decided(policy, now, active, limit);
        let name = |occurrence: &Occurrence| match occurrence.outcome {
            FiringOutcome::Run { waits: true, .. } => "wait",
            FiringOutcome::Run { catch_up: false, .. } => "run",
            FiringOutcome::Run { catch_up: true, .. } => "catch up",
            FiringOutcome::Skipped(_) => "skipped",
            FiringOutcome::Missed(_) => "missed",
        };
        (decision.occurrences.iter().map(name).collect(), decision.next.map(|n| (n.run_at - at(0)).num_seconds()))
    }

    fn reasons(decision: &Decision) -> Vec<&str> {
        decision.occurrences.iter().map(reason).collect()
    }

    fn reason(occurrence: &Occurrence) -> &str {
        match &occurrence.outcome {
            FiringOutcome::Run { .. } => "",
            FiringOutcome::Skipped(reason) | FiringOutcome::Missed(reason) => reason.code(),
        }
    }

    #[test]
    fn an_instant_on_time_runs_and_the_grid_goes_on() {
        assert_eq!(outcomes(Policy::default(), 10, 0, 100), (vec!["run"], Some(20)));
        assert_eq!(outcomes(Policy::default(), 9, 0, 100), (vec![], Some(10)));
    }

    #[test]
    fn of_several_only_the_latest_runs() {
        assert_eq!(outcomes(Policy::default(), 45, 0, 100), (vec!["missed", "missed", "missed", "run"], Some(50)));
    }

    #[test]
    fn without_coalescing_each_within_its_grace_runs_in_order() {
        let grace = Some(StdDuration::from_secs(20));
        let policy = Policy { coalesce: false, misfire_grace: grace, max_instances: 9, ..Policy::default() };
        assert_eq!(outcomes(policy.clone(), 45, 0, 100), (vec!["missed", "missed", "catch up", "run"], Some(50)));
        let one = Policy { max_instances: 1, ..policy };
        assert_eq!(outcomes(one, 45, 0, 100), (vec!["missed", "missed", "catch up", "skipped"], Some(50)));
    }

    #[test]
    fn too_late_is_missed_even_for_the_latest() {
        let policy = Policy { misfire_grace: Some(StdDuration::ZERO), ..Policy::default() };
        assert_eq!(outcomes(policy.clone(), 10, 0, 100), (vec!["run"], Some(20)));
        assert_eq!(outcomes(policy, 11, 0, 100), (vec!["missed"], Some(20)));
        let any = Policy { misfire_grace: None, ..Policy::default() };
        assert_eq!(outcomes(any, 1_000_009, 0, 200_000).0.last(), Some(&"run"));
    }

    #[test]
    fn overlap_is_skipped() {
        assert_eq!(outcomes(Policy::default(), 10, 1, 100).0, ["skipped"]);
        assert_eq!(outcomes(Policy { max_instances: 2, ..Policy::default() }, 10, 1, 100).0, ["run"]);
    }

    #[test]
    fn reasons_follow_the_outcome_of_the_latest_occurrence() {
        let runs = decided(Policy::default(), 30, 0, 100);
        assert_eq!(reasons(&runs), ["firing.coalesced", "firing.coalesced", ""]);
        let skipped = decided(Policy::default(), 30, 1, 100);
        assert_eq!(reasons(&skipped), ["firing.coalesced_into_skipped", "firing.coalesced_into_skipped", "firing.overlap"]);
        let first_part = decided(Policy::default(), 30, 1, 2);
        assert_eq!(reasons(&first_part), ["firing.coalesced_into_later", "firing.coalesced_into_later"]);
        let late = Policy { misfire_grace: Some(StdDuration::from_secs(5)), ..Policy::default() };
        assert_eq!(reasons(&decided(late, 36, 0, 100)), ["firing.too_late", "firing.too_late", "firing.too_late"]);
    }

    #[test]
    fn on_overlap_decides_what_follows_an_unfinished_run() {
        let with = |on_overlap| Policy { on_overlap, ..Policy::default() };
        assert_eq!(outcomes(with(OnOverlap::Queue), 10, 1, 100).0, ["wait"]);
        assert_eq!(outcomes(with(OnOverlap::Allow), 10, 7, 100).0, ["run"]);
        let replacing = decided(with(OnOverlap::CancelRunning), 10, 1, 100);
        assert_eq!((replacing.occurrences[0].outcome.runs(), replacing.cancelled), (true, 1));
        let each = Policy { coalesce: false, ..with(OnOverlap::CancelRunning) };
        let replacing = decided(each, 30, 1, 100);
        assert_eq!((reasons(&replacing), replacing.cancelled), (vec!["firing.replaced", "firing.replaced", ""], 1));
    }

    #[test]
    fn a_long_absence_is_decided_in_steps_and_only_the_last_runs() {
        let mut given = every_ten_seconds(Policy::default());
        let (mut decided, mut ran) = (0, 0);
        loop {
            let decision = decide(&due(&given), time(1000, 990), started(0), 7);
            decided += decision.occurrences.len();
            ran += decision.occurrences.iter().filter(|d| d.outcome.runs()).count();
            given.0.next_run_at = decision.next.map(|n| n.run_at);
            given.0.next_rule_at = decision.next.map(|n| n.rule_at);
            if given.0.next_run_at.is_none_or(|next| next > at(1000)) {
                break;
            }
        }
        assert_eq!((decided, ran, given.0.next_run_at), (100, 1, Some(at(1010))));
    }

    #[test]
    fn what_was_due_before_the_start_is_a_catch_up() {
        let decision = decide(&due(&every_ten_seconds(Policy::default())), time(11, 11), started(0), 9);
        assert_eq!(decision.occurrences[0].outcome, FiringOutcome::Run { catch_up: true, waits: false });
    }
}
