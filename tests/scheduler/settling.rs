//! Changes of tasks: what fell due before a change is on record under the rule and the policy before it.

use belfry::domain::execution::{Execution, Status};
use belfry::domain::operation::BulkAction;
use belfry::domain::user::Actor;
use belfry::service::{BulkTarget, Import};
use chrono::Duration;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, admin, bulk, start};

fn seconds(executions: &[Execution]) -> Vec<(i64, Status)> {
    executions.iter().map(|e| ((e.scheduled_at - start()).num_seconds(), e.status)).collect()
}

/// What a task that is due every five seconds has on record after 17 seconds without a planner and a change.
async fn after_outage(context: &TestContext, id: &str, change: impl AsyncFnOnce(&Actor)) -> Vec<(i64, Status)> {
    context.create(id, json!({"type": "interval", "seconds": 5})).await;
    context.clock.advance(Duration::seconds(17));
    change(&admin()).await;
    context.plan().await;
    let recorded = seconds(&context.executions(id).await);
    context.clock.advance(Duration::seconds(-17));
    recorded
}

fn document(id: &str, enabled: bool) -> Value {
    let task = json!({"id": id, "type": "echo", "trigger": {"type": "interval", "seconds": 5}, "enabled": enabled});
    json!({"version": 1, "tasks": [task]})
}

for_each_database! {
    async fn every_change_records_what_was_due(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (tasks, transfer) = (&context.services.tasks, &context.services.transfer);
        let due = [(5, Status::Missed), (10, Status::Missed), (15, Status::Queued)];
        let paused = after_outage(&context, "pause", async |actor| {
            tasks.pause(actor, "pause", None).await.unwrap();
        });
        assert_eq!(paused.await, due);
        let disabled = after_outage(&context, "disable", async |actor| {
            tasks.patch(actor, "disable", &json!({"enabled": false}), None).await.unwrap();
        });
        assert_eq!(disabled.await, due);
        let trigger = json!({"trigger": {"type": "cron", "expression": "@daily"}});
        let edited = after_outage(&context, "trigger", async |actor| {
            tasks.patch(actor, "trigger", &trigger, None).await.unwrap();
        });
        assert_eq!(edited.await, due);
        let policy = json!({"policy": {"coalesce": false, "max_instances": 9}});
        let policy = after_outage(&context, "policy", async |actor| {
            tasks.patch(actor, "policy", &policy, None).await.unwrap();
        });
        assert_eq!(policy.await, due, "under the policy before");
        let imported = after_outage(&context, "import", async |actor| {
            transfer.import(actor, &document("import", false), Import::default()).await.unwrap();
        });
        assert_eq!(imported.await, due);
        let deleted = after_outage(&context, "delete", async |actor| {
            tasks.delete(actor, "delete", None).await.unwrap();
        });
        let cancelled = [(5, Status::Missed), (10, Status::Missed), (15, Status::Cancelled)];
        assert_eq!(deleted.await, cancelled);
    }

    async fn import_does_not_move_a_schedule_back(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.clock.advance(Duration::seconds(7));
        let document = json!({"version": 1, "tasks": [{"id": "a", "type": "echo", "name": "New",
            "trigger": {"type": "interval", "seconds": 5}}]});
        context.services.transfer.import(&admin(), &document, Import::default()).await.unwrap();
        let task = context.services.tasks.get(&admin(), "a").await.unwrap();
        assert_eq!((task.name.as_str(), task.next_run_at), ("New", Some(start() + Duration::seconds(10))));
        assert_eq!(seconds(&context.executions("a").await), [(5, Status::Queued)]);
    }

    async fn change_after_a_long_absence_records_all_of_it(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 1})).await;
        context.clock.advance(Duration::seconds(12_000));
        context.services.tasks.pause(&admin(), "a", None).await.unwrap();
        let due = context.all_executions("a").await;
        assert_eq!(due.len(), 12_000);
        assert_eq!(due.iter().filter(|one| one.status == Status::Queued).count(), 1, "only the latest runs");
    }

    async fn bulk_change_just_after_a_thousand_tasks_fell_due_loses_none(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let task = |n: usize| json!({"id": format!("t{n}"), "type": "echo",
            "trigger": {"type": "date", "run_date": "2026-11-21T08:00:01Z"}});
        let document = json!({"version": 1, "tasks": (0..1000).map(task).collect::<Vec<_>>()});
        context.services.transfer.import(&admin(), &document, Import::default()).await.unwrap();
        context.clock.advance(Duration::seconds(1));
        let ids = BulkTarget::Ids((0..1000).map(|n| format!("t{n}")).collect());
        let actor = admin();
        let (planned, outcome) = tokio::join!(context.plan(), bulk(&context.services, &actor, BulkAction::Pause, &ids));
        let () = planned;
        assert_eq!(outcome.done, 1000);
        context.plan().await;
        for n in 0..1000 {
            assert_eq!(context.executions(&format!("t{n}")).await.len(), 1, "t{n}");
        }
    }

    async fn date_in_the_past_is_refused_or_recorded(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let tasks = &context.services.tasks;
        let mut task = json!({"id": "a", "type": "echo", "trigger": {"type": "date", "run_date": "2026-11-21T05:00:00Z"}});
        let refused = tasks.create(&admin(), &task).await.unwrap_err();
        let belfry::service::Error::Invalid(faults) = refused else { panic!("{refused}") };
        assert_eq!(faults[0].pointer, "/trigger/run_date");
        task["allow_past"] = true.into();
        let created = tasks.create(&admin(), &task).await.unwrap();
        assert_eq!(created.next_run_at, None);
        assert_eq!(seconds(&context.executions("a").await), [(-10_800, Status::Missed)], "later than the grace time");
        task["id"] = "b".into();
        task["policy"] = json!({"misfire_grace_seconds": null});
        tasks.create(&admin(), &task).await.unwrap();
        assert_eq!(seconds(&context.executions("b").await), [(-10_800, Status::Queued)], "the policy decides");
        let renamed = tasks.patch(&admin(), "a", &json!({"name": "Past"}), None).await.unwrap();
        assert_eq!(renamed.version, 2, "only a new date is checked");
        let earlier = json!({"trigger": {"run_date": "2026-11-21T04:00:00Z"}});
        assert!(tasks.patch(&admin(), "a", &earlier, None).await.is_err());
    }

    async fn imported_date_in_the_past_is_recorded_as_missed(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let task = json!({"id": "a", "type": "echo", "trigger": {"type": "date", "run_date": "2026-11-21T05:00:00Z"},
            "policy": {"misfire_grace_seconds": null}});
        let document = json!({"version": 1, "tasks": [task]});
        for _ in 0..2 {
            context.services.transfer.import(&admin(), &document, Import::default()).await.unwrap();
            assert_eq!(seconds(&context.executions("a").await), [(-10_800, Status::Missed)]);
        }
    }
}
