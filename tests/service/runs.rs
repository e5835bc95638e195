//! Requested runs.

use belfry::domain::execution::{Cause, Execution, Status};
use belfry::domain::page::{ExecutionFilter, PageRequest};
use belfry::service::Error;
use belfry::storage::execution::{self, Claim};
use belfry::storage::{Conn, Session, execution_list};
use chrono::Duration;
use serde_json::{Value, json};

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

    async fn a_run_keeps_the_parameters_of_its_version(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (tasks, executions) = (&context.services.tasks, &context.services.executions);
        let daily = json!({"type": "cron", "hour": 8});
        let run = async |message: Option<&str>| {
            let own = message.map(|message| json!({"message": message}));
            executions.run(&admin(), "a", own.as_ref(), None).await.unwrap();
        };
        let policy = json!({"policy": {"max_instances": 9}});
        context.create("a", daily.clone()).await;
        tasks.patch(&admin(), "a", &policy, None).await.unwrap();
        run(None).await;
        tasks.patch(&admin(), "a", &json!({"params": {"message": "second"}}), None).await.unwrap();
        run(None).await;
        run(Some("own")).await;
        run(Some("second")).await;
        tasks.delete(&admin(), "a", None).await.unwrap();
        let again = context.create("a", json!({"type": "cron", "hour": 9})).await;
        assert_eq!(again.version, 4, "the numbers of the deleted task's versions are not used again");
        run(None).await;
        let of = |found: Vec<Execution>| -> Vec<(String, Value)> {
            found.into_iter().map(|found| (found.schedule_text, found.params["message"].clone())).collect()
        };
        let texts = ["0 8 * * *", "0 8 * * *", "0 8 * * *", "0 8 * * *", "0 9 * * *"];
        let messages = ["hello", "second", "own", "second", "hello"];
        let expected: Vec<_> = texts.into_iter().map(str::to_owned).zip(messages.map(Value::from)).collect();
        assert_eq!(of(context.executions("a").await), expected);
        let found = |text: &str| {
            let filter = ExecutionFilter { search: Some(text.to_owned()), ..ExecutionFilter::default() };
            async move {
                let mut reader = db.database.read().await.unwrap();
                execution_list::page(&mut reader, &filter, &PageRequest::default()).await.unwrap().total
            }
        };
        assert_eq!((found("second").await, found("own").await, found("HELLO").await), (2, 1, 2), "a search finds them");
        let sql = "select count(*) from executions where params is not null or schedule_text is not null";
        let stored: i64 = match db.database.write().await.unwrap().conn() {
            Conn::Sqlite(conn) => conn.number(sql).unwrap(),
            Conn::Postgres(conn) => sqlx::query_scalar(sql).fetch_one(conn).await.unwrap(),
        };
        assert_eq!(stored, 1, "only what differs from the version is stored");
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
