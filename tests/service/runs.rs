//! Runs that somebody asks for.

use belfry::domain::execution::{Cause, Status};
use belfry::service::Error;
use belfry::storage::execution::{self, Claim};
use chrono::Duration;
use serde_json::json;

use crate::on_each;
use crate::support::parts::{TestParts, admin, start};

on_each! {
    async fn a_requested_run_is_queued_with_its_own_parameters(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        let run = parts.service.run_task(&admin(), "a", Some(&json!({"message": "once"})), None).await.unwrap();
        assert_eq!((run.status, run.cause, run.params.clone()), (Status::Queued, Cause::Api, json!({"message": "once"})));
        assert_eq!((run.requested_by.as_deref(), run.scheduled_at), (Some("alice"), start()));
        let again = parts.service.rerun(&admin(), &run.id, None).await.unwrap();
        assert_eq!(again.params, json!({"message": "once"}), "with that run's parameters");
        assert_ne!(again.id, run.id);
        let refused = parts.service.run_task(&admin(), "a", Some(&json!({"sleep_ms": "long"})), None).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }

    async fn a_key_makes_a_request_once(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        let first = parts.service.run_task(&admin(), "a", None, Some("k")).await.unwrap();
        let second = parts.service.run_task(&admin(), "a", None, Some("k")).await.unwrap();
        assert_eq!(first.id, second.id);
        assert_eq!(parts.executions("a").await.len(), 1);
    }

    async fn cancelling_ends_what_waits_and_asks_what_runs(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        let waiting = parts.service.run_task(&admin(), "a", None, None).await.unwrap();
        let cancelled = parts.service.cancel(&admin(), &waiting.id).await.unwrap();
        assert_eq!((cancelled.status, cancelled.error.as_deref()), (Status::Cancelled, Some("cancelled by alice")));
        assert!(matches!(parts.service.cancel(&admin(), &waiting.id).await, Err(Error::Conflict(_))));
        assert!(matches!(parts.service.cancel(&admin(), "none").await, Err(Error::NotFound(_))));

        let running = parts.service.run_task(&admin(), "a", None, None).await.unwrap();
        let node = belfry::domain::node::NodeIdentity { id: "01N".into(), name: "n".into() };
        let claim = Claim { execution_id: running.id.clone(), attempt: 1, started_at: start() + Duration::milliseconds(1), filled_params: None };
        let mut tx = parts.database.write().await.unwrap();
        execution::claim(&mut tx, &node, &[claim]).await.unwrap();
        tx.commit().await.unwrap();
        let registered = parts.cancels.register(&running.id);
        assert_eq!(parts.service.cancel(&admin(), &running.id).await.unwrap().status, Status::Running);
        assert!(registered.token.is_cancelled(), "the run in this process is asked at once");
        let asked = execution::cancel_requested(&mut parts.database.read().await.unwrap(), "01N").await.unwrap();
        assert_eq!(asked, [running.id], "and one in another process by the database");
    }

    async fn a_deleted_task_cannot_be_run_again(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        let run = parts.service.run_task(&admin(), "a", None, None).await.unwrap();
        parts.service.delete_task(&admin(), "a", None).await.unwrap();
        assert!(matches!(parts.service.rerun(&admin(), &run.id, None).await, Err(Error::Conflict(_))));
    }

    async fn figures_and_preview_check_their_bounds(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.service.run_task(&admin(), "a", None, None).await.unwrap();
        let stats = parts.service.stats(&admin(), 60).await.unwrap();
        assert_eq!((stats.by_type, stats.success_rate, stats.tasks.total), (vec![("echo".into(), 1)], None, 1));
        assert!(matches!(parts.service.stats(&admin(), 0).await, Err(Error::Invalid(_))));
        let cron = json!({"type": "cron", "hour": 8});
        let preview = parts.service.preview(&admin(), &cron, None, 2).unwrap();
        assert_eq!((preview.text.as_str(), preview.fire_times.len()), ("0 8 * * *", 2));
        assert!(matches!(parts.service.preview(&admin(), &cron, None, 1001), Err(Error::Invalid(_))));
        assert!(parts.service.ready().await.is_err(), "no scheduler has begun");
    }
}
