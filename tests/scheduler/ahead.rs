//! Planning ahead: what is due within the next milliseconds is handed to free workers, and changes apply after it.

use std::sync::Arc;

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::domain::node::NodeIdentity;
use belfry::scheduler::{PlanAhead, Planner};
use belfry::service::NewFreeze;
use belfry::signals::slots::WorkerSlots;
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, admin, start};

/// A planner that plans ahead, with so many free workers, half a tick before the first occurrence of tasks of every five seconds.
fn planner(context: &TestContext, workers: usize) -> Planner {
    let node = NodeIdentity { id: "n".into(), name: "host-1".into() };
    let slots = Arc::new(WorkerSlots::new(node, workers, [("default".to_owned(), workers)]));
    // Nothing waits in the database.
    slots.wanted().into_iter().for_each(|wanted| wanted.hand_over(&slots, Vec::new()));
    context.signals.jobs.open(&slots);
    context.clock.advance(Duration::milliseconds(4_995));
    Planner { ahead: PlanAhead::STANDARD, ..context.planner.clone() }
}

/// A freeze of all tasks from now on.
fn freeze() -> NewFreeze {
    NewFreeze { tag: None, from: None, until: start() + Duration::minutes(1), reason: "Year-end closing".to_owned() }
}

async fn create_every_5_seconds(context: &TestContext, ids: &[&str]) {
    for id in ids {
        context.create(id, json!({"type": "interval", "seconds": 5})).await;
    }
}

for_each_database! {
    async fn occurrence_is_handed_to_a_free_worker_before_its_time(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create_every_5_seconds(&context, &["a"]).await;
        let planner = planner(&context, 4);
        let planned = planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!((planned.tasks, planned.executions), (1, 1));
        let found = context.executions("a").await;
        let times = (found[0].scheduled_at - start(), found[0].queued_at - start());
        assert_eq!(times, (Duration::seconds(5), Duration::milliseconds(4_995)));
        assert_eq!((found.len(), found[0].status, found[0].node.as_deref()), (1, Status::Queued, Some("host-1")));
        let again = planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!((again.tasks, again.next_pass), (0, Some(start() + Duration::milliseconds(9_960))));
    }

    async fn occurrence_without_a_place_waits_for_its_time(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let ids: Vec<String> = (0..17).map(|number| format!("task-{number}")).collect();
        create_every_5_seconds(&context, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let planner = planner(&context, 1);
        assert_eq!(planner.run_once(context.clock.now()).await.unwrap().tasks, 16, "as many as one worker is likely to begin");
        let left = planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!((left.tasks, left.next_pass), (0, Some(start() + Duration::seconds(5))));
        context.clock.advance(Duration::milliseconds(5));
        assert_eq!(planner.run_once(context.clock.now()).await.unwrap().tasks, 1);
        for id in &ids {
            assert_eq!(context.executions(id).await.len(), 1, "{id}");
        }
    }

    async fn occurrence_that_an_unfinished_run_may_hinder_is_decided_at_its_time(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create_every_5_seconds(&context, &["a"]).await;
        context.services.executions.run(&admin(), "a", None, None).await.unwrap();
        let planner = planner(&context, 4);
        assert_eq!(planner.run_once(context.clock.now()).await.unwrap().tasks, 0);
        context.clock.advance(Duration::milliseconds(5));
        planner.run_once(context.clock.now()).await.unwrap();
        assert_eq!(context.executions("a").await[1].status, Status::Skipped);
    }

    async fn occurrence_in_a_freeze_is_decided_at_its_time(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create_every_5_seconds(&context, &["a"]).await;
        context.services.freezes.create(&admin(), &freeze()).await.unwrap();
        let planner = planner(&context, 4);
        assert_eq!(planner.run_once(context.clock.now()).await.unwrap().executions, 0);
        context.clock.advance(Duration::milliseconds(5));
        assert_eq!(planner.run_once(context.clock.now()).await.unwrap().executions, 1);
        assert_eq!(context.executions("a").await[0].status, Status::Skipped);
    }

    async fn change_applies_after_what_was_planned_ahead(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create_every_5_seconds(&context, &["a", "b", "c"]).await;
        let planner = planner(&context, 4);
        assert_eq!(planner.run_once(context.clock.now()).await.unwrap().tasks, 3);
        let tasks = &context.services.tasks;
        let paused = tasks.pause(&admin(), "a", None).await.unwrap();
        assert_eq!(paused.paused.unwrap().since, start() + Duration::milliseconds(5_001), "after the occurrence");
        let edited = tasks.patch(&admin(), "b", &json!({"trigger": {"type": "interval", "seconds": 7}}), None).await.unwrap();
        assert_eq!(edited.updated_at, start() + Duration::milliseconds(5_001));
        tasks.delete(&admin(), "c", None).await.unwrap();
        let frozen = context.services.freezes.create(&admin(), &freeze()).await.unwrap();
        assert_eq!(frozen.from, start() + Duration::milliseconds(5_001));
        context.services.freezes.end(&admin(), &frozen.id).await.unwrap();
        context.clock.advance(Duration::seconds(6));
        while planner.run_once(context.clock.now()).await.unwrap().tasks > 0 {}
        tasks.resume(&admin(), "a", None).await.unwrap();
        let scheduled = async |id| {
            let found = context.executions(id).await.into_iter();
            found.map(|run| ((run.scheduled_at - start()).num_milliseconds(), run.status)).collect::<Vec<_>>()
        };
        assert_eq!(scheduled("a").await, [(5_000, Status::Queued), (10_000, Status::Skipped)]);
        assert_eq!(scheduled("b").await, [(5_000, Status::Queued)]);
        assert_eq!(scheduled("c").await, [(5_000, Status::Queued)]);
    }
}
