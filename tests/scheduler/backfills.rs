//! Backfills: chosen occurrences run once each, in order, within the limits of the backfill and of the task.

use belfry::clock::Clock;
use belfry::domain::backfill::{BackfillRequest, Selection};
use belfry::domain::execution::{Cause, Execution, Status};
use belfry::domain::occurrence::Outcome;
use belfry::service::{Error, OccurrenceRequest};
use belfry::signals::Signals;
use belfry::storage::execution::{self, Claim, Finish};
use chrono::Duration;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, admin, start};

fn span(from: i64, to: i64, selection: Selection, concurrency: i64) -> BackfillRequest {
    let at = |second: i64| (start() + Duration::seconds(second)).to_rfc3339();
    BackfillRequest { from: at(from), to: at(to), times: Vec::new(), selection, concurrency }
}

/// A request for single occurrences.
fn chosen(times: &[i64]) -> BackfillRequest {
    let times: Vec<String> = times.iter().map(|second| (start() + Duration::seconds(*second)).to_rfc3339()).collect();
    BackfillRequest::parse(&json!({"times": times})).expect("is valid")
}

fn seconds(executions: &[Execution]) -> Vec<i64> {
    executions.iter().map(|one| (one.scheduled_at - start()).num_seconds()).collect()
}

async fn unfinished(context: &TestContext, id: &str) -> Vec<Execution> {
    let mut found = context.all_executions(id).await;
    found.retain(|one| !one.status.is_final());
    found
}

async fn backfilled(context: &TestContext, id: &str) -> Vec<Execution> {
    let mut found = context.all_executions(id).await;
    found.retain(|one| one.cause == Cause::Backfill);
    found
}

/// Ends a queued run.
async fn end(context: &TestContext, run: &Execution, status: Status) {
    let now = context.clock.now();
    let node = belfry::domain::node::NodeIdentity { id: "n".into(), name: "n".into() };
    let mut tx = context.database.write().await.unwrap();
    let claim = Claim { execution_id: run.id.clone(), attempt: run.attempt, started_at: now };
    assert_eq!(execution::claim(&mut tx, &node, &[claim]).await.unwrap().len(), 1);
    let finish = Finish {
        execution_id: run.id.clone(),
        attempt: run.attempt,
        status,
        started_at: now,
        finished_at: now,
        duration_ms: 1,
        error: None,
        result: None,
        retry_at: None,
    };
    execution::finish(&mut tx, &node.id, &[finish]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Plans and ends runs until nothing is left; returns the scheduled times in the order in which they ran.
async fn run_to_the_end(context: &TestContext, id: &str, at_once: usize) -> Vec<i64> {
    let mut order = Vec::new();
    loop {
        context.planner.run_once(context.clock.now()).await.unwrap();
        let runs = unfinished(context, id).await;
        assert!(runs.len() <= at_once, "{} runs at once", runs.len());
        let Some(run) = runs.first() else { return order };
        order.extend(seconds(std::slice::from_ref(run)));
        end(context, run, Status::Succeeded).await;
    }
}

/// A task of every ten minutes that missed the first hour.
async fn missed_hour(context: &TestContext, policy: Value) {
    let task = json!({"id": "a", "type": "echo", "trigger": {"type": "interval", "minutes": 10}, "policy": policy});
    context.services.tasks.create(&admin(), &task).await.unwrap();
    context.services.tasks.pause(&admin(), "a", None).await.unwrap();
    context.advance(Duration::minutes(65)).await;
}

for_each_database! {
    async fn missing_occurrences_run_once_each_in_order(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        missed_hour(&context, json!({"max_instances": 5})).await;
        let started = context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::Missing, 2)).await.unwrap();
        assert_eq!(started.planned, 6);
        let order = run_to_the_end(&context, "a", 2).await;
        assert_eq!(order, [600, 1200, 1800, 2400, 3000, 3600]);
        let runs = backfilled(&context, "a").await;
        assert!(runs.iter().all(|run| run.requested_by.as_deref() == Some("alice") && run.lateness_ms == Some(0)), "{runs:?}");
        context.planner.run_once(context.clock.now()).await.unwrap();
        let progress = context.services.backfills.get(&admin(), &started.id).await.unwrap();
        assert_eq!((progress.backfill.status(), progress.waiting, progress.runs["succeeded"]), ("finished", 0, 6));
        let again = context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::Missing, 2)).await.unwrap();
        assert_eq!(again.planned, 0, "none is missing any more");
        context.planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!(context.services.backfills.get(&admin(), &again.id).await.unwrap().backfill.status(), "finished");
    }

    async fn failed_ones_and_all_can_be_chosen(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "minutes": 10})).await;
        for status in [Status::Succeeded, Status::Failed, Status::TimedOut] {
            context.advance(Duration::minutes(10)).await;
            end(&context, &unfinished(&context, "a").await[0], status).await;
        }
        context.clock.advance(Duration::minutes(1));
        let planned = async |selection| {
            let started = context.services.backfills.start(&admin(), "a", &span(0, 3600, selection, 1)).await.unwrap();
            context.services.backfills.cancel(&admin(), &started.id).await.unwrap();
            started.planned
        };
        assert_eq!([planned(Selection::Failed).await, planned(Selection::All).await, planned(Selection::Missing).await], [2, 3, 0]);
    }

    async fn single_occurrences_are_run_alone(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        missed_hour(&context, json!({"max_instances": 5})).await;
        let refused = context.services.backfills.start(&admin(), "a", &chosen(&[600, 601])).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(faults) if faults[0].pointer == "/times/1"));
        let refused = context.services.backfills.start(&admin(), "a", &chosen(&[600, 7200])).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(faults) if faults[0].pointer == "/times/1"), "it lies ahead");
        let started = context.services.backfills.start(&admin(), "a", &chosen(&[3000, 600, 3000])).await.unwrap();
        assert_eq!((started.planned, started.selection), (2, Selection::Chosen));
        assert_eq!(run_to_the_end(&context, "a", 1).await, [600, 3000]);
        let again = context.services.backfills.start(&admin(), "a", &chosen(&[600])).await.unwrap();
        assert_eq!(again.planned, 1, "whatever became of it");
    }

    async fn limit_of_the_task_holds(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        missed_hour(&context, json!({"max_instances": 1, "on_overlap": "cancel_running"})).await;
        let own = context.services.executions.run(&admin(), "a", Default::default(), None).await.unwrap();
        context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::Missing, 4)).await.unwrap();
        context.planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!(unfinished(&context, "a").await.len(), 1, "it waits for the run that is going on and cancels none");
        end(&context, &own, Status::Succeeded).await;
        assert_eq!(run_to_the_end(&context, "a", 1).await.len(), 6);
    }

    async fn cancelled_backfill_starts_nothing_more(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        missed_hour(&context, json!({"max_instances": 9})).await;
        let started = context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::Missing, 2)).await.unwrap();
        context.planner.run_once(context.clock.now()).await.unwrap();
        let other = context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::All, 1)).await;
        assert!(matches!(other, Err(Error::Conflict(_))), "one at a time");
        let cancelled = context.services.backfills.cancel(&admin(), &started.id).await.unwrap();
        assert_eq!((cancelled.backfill.status(), cancelled.waiting, cancelled.runs["cancelled"]), ("cancelled", 4, 2));
        context.planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!(backfilled(&context, "a").await.len(), 2);
        assert!(matches!(context.services.backfills.cancel(&admin(), &started.id).await, Err(Error::Conflict(_))));
    }

    async fn deleted_task_ends_its_backfill(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        missed_hour(&context, json!({})).await;
        context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::Missing, 1)).await.unwrap();
        context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        context.create("a", json!({"type": "interval", "minutes": 10})).await;
        context.planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!(backfilled(&context, "a").await.len(), 0, "another task of the same id has nothing to do with it");
        assert!(!context.planner.signals.backfills.load(std::sync::atomic::Ordering::Relaxed) || {
            context.planner.run_once(context.clock.now()).await.unwrap();
            !context.planner.signals.backfills.load(std::sync::atomic::Ordering::Relaxed)
        });
    }

    async fn nodes_share_a_backfill_without_doubling_a_run(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        missed_hour(&context, json!({"max_instances": 50})).await;
        context.services.backfills.start(&admin(), "a", &span(0, 3601, Selection::Missing, 6)).await.unwrap();
        let mut other = context.planner.clone();
        other.signals = Signals::default();
        let now = context.clock.now();
        let (one, two) = tokio::join!(context.planner.run_once(now), other.run_once(now));
        assert!(one.is_ok() || two.is_ok());
        context.planner.run_once(now).await.unwrap();
        assert_eq!(seconds(&backfilled(&context, "a").await), [600, 1200, 1800, 2400, 3000, 3600]);
    }

    async fn occurrences_tell_what_became_of_each(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "minutes": 10, "start_date": "2026-11-21T07:30:00Z"})).await;
        context.advance(Duration::minutes(1)).await;
        context.services.tasks.pause(&admin(), "a", None).await.unwrap();
        context.advance(Duration::minutes(10)).await;
        let request = OccurrenceRequest { from: start() - Duration::hours(1), to: start() + Duration::minutes(31), limit: 100 };
        let found = context.services.occurrences.list(&admin(), "a", request).await.unwrap();
        let told: Vec<_> = found.items.iter().map(|one| ((one.scheduled_at - start()).num_minutes(), one.outcome)).collect();
        let skipped = Outcome::Recorded(Status::Skipped);
        assert_eq!(told[..3], [-30, -20, -10].map(|minute| (minute, Outcome::Unrecorded)), "before the task existed");
        assert_eq!(told[3..], [(0, Outcome::Recorded(Status::Queued)), (10, skipped), (20, Outcome::Planned), (30, Outcome::Planned)]);
        assert_eq!(found.items[0].reason.as_ref().unwrap().code(), "occurrence.before_task");
        let first = OccurrenceRequest { limit: 2, ..request };
        let page = context.services.occurrences.list(&admin(), "a", first).await.unwrap();
        assert_eq!((page.items.len(), page.next), (2, Some(start() - Duration::minutes(10))));
    }

    async fn too_many_occurrences_are_refused(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 1, "start_date": "2026-11-01T00:00:00Z"})).await;
        let refused = context.services.backfills.start(&admin(), "a", &span(-20_000, 0, Selection::Missing, 1)).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(faults) if faults[0].pointer == "/to"));
        let allowed = context.services.backfills.start(&admin(), "a", &span(-9_000, 0, Selection::Missing, 1)).await.unwrap();
        assert_eq!(allowed.planned, 9_000);
    }
}
