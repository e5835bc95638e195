//! Requested runs.

use belfry::domain::execution::{Cause, Status};
use belfry::service::Error;
use belfry::storage::execution::{self, Claim};
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, admin, start};

for_each_database! {
    async fn run_task_queues_with_overridden_parameters(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        let run = context.services.executions.run(&admin(), "a", Some(&json!({"message": "once"})), None).await.unwrap();
        assert_eq!((run.status, run.cause, run.params.clone()), (Status::Queued, Cause::Api, json!({"message": "once"})));
        assert_eq!((run.requested_by.as_deref(), run.scheduled_at), (Some("alice"), start()));
        context.services.executions.cancel(&admin(), &run.id).await.unwrap();
        let again = context.services.executions.rerun(&admin(), &run.id, None, None).await.unwrap();
        assert_eq!(again.params, json!({"message": "once"}), "with that run's parameters");
        assert_ne!(again.id, run.id);
        let refused = context.services.executions.run(&admin(), "a", Some(&json!({"sleep_ms": "long"})), None).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }

    async fn idempotency_key_returns_the_first_execution(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        let first = context.services.executions.run(&admin(), "a", None, Some("k")).await.unwrap();
        let second = context.services.executions.run(&admin(), "a", None, Some("k")).await.unwrap();
        assert_eq!(first.id, second.id);
        assert_eq!(context.executions("a").await.len(), 1);
    }

    async fn cancel_ends_queued_runs_and_signals_running_ones(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        let waiting = context.services.executions.run(&admin(), "a", None, None).await.unwrap();
        let cancelled = context.services.executions.cancel(&admin(), &waiting.id).await.unwrap();
        assert_eq!((cancelled.status, cancelled.error.as_deref()), (Status::Cancelled, Some("cancelled by alice")));
        assert!(matches!(context.services.executions.cancel(&admin(), &waiting.id).await, Err(Error::Conflict(_))));
        assert!(matches!(context.services.executions.cancel(&admin(), "none").await, Err(Error::NotFound(_))));

        let running = context.services.executions.run(&admin(), "a", None, None).await.unwrap();
        let node = belfry::domain::node::NodeIdentity { id: "01N".into(), name: "n".into() };
        let claim = Claim { execution_id: running.id.clone(), attempt: 1, started_at: start() + Duration::milliseconds(1) };
        let mut tx = context.database.write().await.unwrap();
        execution::claim(&mut tx, &node, std::slice::from_ref(&claim)).await.unwrap();
        execution::mark_running(&mut tx, &node.id, &[claim]).await.unwrap();
        tx.commit().await.unwrap();
        let registered = context.cancels.register(&running.id);
        assert_eq!(context.services.executions.cancel(&admin(), &running.id).await.unwrap().status, Status::Running);
        assert!(registered.token.is_cancelled(), "a run in this process is signalled immediately");
        let asked = execution::cancel_requested(&mut context.database.read().await.unwrap(), "01N").await.unwrap();
        assert_eq!(asked, [running.id], "a run in another process is signalled through the database");
    }

    async fn rerun_of_a_deleted_task_is_a_conflict(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        let run = context.services.executions.run(&admin(), "a", None, None).await.unwrap();
        context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        assert!(matches!(context.services.executions.rerun(&admin(), &run.id, None, None).await, Err(Error::Conflict(_))));
    }

    async fn stats_and_preview_validate_their_limits(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.services.executions.run(&admin(), "a", None, None).await.unwrap();
        let stats = context.services.stats.window(&admin(), 60).await.unwrap();
        assert_eq!((stats.by_type, stats.success_rate, stats.tasks.total), (vec![("echo".into(), 1)], None, 1));
        assert!(matches!(context.services.stats.window(&admin(), 0).await, Err(Error::Invalid(_))));
        let daily = json!({"trigger": {"type": "cron", "hour": 8}});
        let preview = context.services.preview.schedule(&admin(), &daily, None, 2).await.unwrap();
        assert_eq!((preview.text.as_str(), preview.occurrences.len()), ("0 8 * * *", 2));
        assert!(matches!(context.services.preview.schedule(&admin(), &daily, None, 1001).await, Err(Error::Invalid(_))));
        assert!(context.services.health.check().await.is_err(), "no scheduler has started");
    }
}
