//! Properties of firing decisions, for random rules, policies and numbers of unfinished runs.

use std::time::Duration as StdDuration;

use belfry::domain::calendar::CalendarSet;
use belfry::domain::decision::{Decision, DecisionTime, DueTask, Firing, FiringOutcome, decide};
use belfry::domain::overlap::{ActiveRuns, OnOverlap};
use belfry::domain::policy::Policy;
use belfry::domain::schedule::Schedule;
use belfry::domain::task::{Task, TaskInput};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::json;

use crate::support::context::start;

fn task(period: i64, policy: Policy) -> (Task, Schedule) {
    let value = json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "seconds": period}});
    let input = TaskInput::parse(&value, Tz::UTC, |_| Ok(policy.clone())).expect("a task");
    (Task::new(&input, start()), input.schedule(&CalendarSet::default()).expect("no calendars"))
}

fn policies() -> impl Strategy<Value = Policy> {
    let on_overlap = prop::sample::select(OnOverlap::ALL.to_vec());
    let grace = prop::option::of(0u64..400);
    (any::<bool>(), 1u32..4, on_overlap, grace).prop_map(|(coalesce, max_instances, on_overlap, grace)| Policy {
        coalesce,
        max_instances,
        on_overlap,
        misfire_grace: grace.map(StdDuration::from_secs),
        ..Policy::default()
    })
}

/// Decides in batches of `limit` until nothing is due. Runs of earlier batches are active in later ones.
fn decide_all((task, schedule): &(Task, Schedule), now: DateTime<Utc>, mut active: ActiveRuns, limit: usize) -> Vec<Decision> {
    let first = schedule.next_at_or_after(start() + Duration::seconds(1), start()).expect("an interval goes on");
    let mut next = Some(Firing { rule_at: first, run_at: first });
    let mut decisions = Vec::new();
    while next.is_some_and(|next| next.run_at <= now) {
        let decision = decide(&DueTask { task, schedule, next }, DecisionTime { now, since: start() }, active, limit);
        for occurrence in &decision.occurrences {
            match occurrence.outcome {
                FiringOutcome::Run { waits: false, .. } => active.started += 1,
                FiringOutcome::Run { waits: true, .. } => active.waiting += 1,
                _ => {}
            }
        }
        next = decision.next;
        decisions.push(decision);
    }
    decisions
}

fn code(outcome: &FiringOutcome) -> &str {
    match outcome {
        FiringOutcome::Run { .. } => "",
        FiringOutcome::Skipped(reason) | FiringOutcome::Missed(reason) => reason.code(),
    }
}

proptest! {
    #[test]
    fn every_occurrence_is_decided_once_in_order(
        policy in policies(), period in 1i64..60, elapsed in 0i64..600, limit in 1usize..50,
    ) {
        let now = start() + Duration::seconds(elapsed);
        let decisions = decide_all(&task(period, policy), now, ActiveRuns::default(), limit);
        let times: Vec<_> = decisions.iter().flat_map(|one| &one.occurrences).map(|one| one.scheduled_at).collect();
        let expected: Vec<_> = (1..=elapsed / period).map(|n| start() + Duration::seconds(n * period)).collect();
        prop_assert_eq!(times, expected);
    }

    #[test]
    fn runs_fit_into_the_free_slots(
        policy in policies(), period in 1i64..60, elapsed in 0i64..600, started in 0i64..4, waiting in 0i64..3,
    ) {
        let active = ActiveRuns { started, waiting };
        let now = start() + Duration::seconds(elapsed);
        let starts = |outcome: &FiringOutcome| matches!(outcome, FiringOutcome::Run { waits: false, .. });
        for decision in decide_all(&task(period, policy.clone()), now, active, usize::MAX) {
            let starting = decision.occurrences.iter().filter(|one| starts(&one.outcome)).count() as i64;
            let free = (i64::from(policy.max_instances) - active.total()).max(0);
            prop_assert!(policy.on_overlap == OnOverlap::Allow || starting <= free, "{starting} starts, {free} free");
            prop_assert!(decision.cancelled <= active.total());
            prop_assert!(policy.on_overlap == OnOverlap::CancelRunning || decision.cancelled == 0);
        }
    }

    #[test]
    fn reasons_are_true(
        policy in policies(), period in 1i64..60, elapsed in 0i64..600, limit in 1usize..50, started in 0i64..4,
    ) {
        let now = start() + Duration::seconds(elapsed);
        let active = ActiveRuns { started, waiting: 0 };
        for decision in decide_all(&task(period, policy.clone()), now, active, limit) {
            let last = decision.occurrences.last().map(|one| one.outcome.clone());
            let more = decision.next.is_some_and(|next| next.run_at <= now);
            for one in &decision.occurrences {
                let late = now - one.scheduled_at;
                let runs = last.as_ref().is_some_and(FiringOutcome::runs);
                match code(&one.outcome) {
                    "firing.coalesced" => prop_assert!(policy.coalesce && !more && runs),
                    "firing.coalesced_into_skipped" => prop_assert!(policy.coalesce && !more && !runs),
                    "firing.coalesced_into_later" => prop_assert!(policy.coalesce && more),
                    "firing.too_late" => {
                        prop_assert!(policy.misfire_grace.is_some_and(|grace| late > Duration::from_std(grace).unwrap_or_default()));
                    }
                    "firing.replaced" => prop_assert!(policy.on_overlap == OnOverlap::CancelRunning && runs),
                    "firing.overlap" => prop_assert!(matches!(policy.on_overlap, OnOverlap::Skip | OnOverlap::Queue)),
                    _ => prop_assert!(one.outcome.runs()),
                }
            }
        }
    }
}
