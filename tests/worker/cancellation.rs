//! Cancellation of executions.

use belfry::clock::{Clock, SystemClock};
use belfry::domain::execution::Status;
use belfry::i18n::Message;
use belfry::queue::QueueConfig;
use belfry::storage::execution;
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::{Harness, attempts};

for_each_database! {
    async fn cancel_stops_a_running_execution_without_retry(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue_with_policy("echo", json!({"sleep_ms": 60_000}), &attempts(3)).await;
        harness.wait_for(&id, Status::Running).await;
        while !harness.cancels.cancel(&id) {
            tokio::task::yield_now().await;
        }
        let done = harness.wait_for(&id, Status::Cancelled).await;
        assert_eq!((done.error.as_deref(), done.retry_at), (Some("cancelled while running"), None));
        assert!(harness.cancels.running().is_empty());
        harness.stop().await;
    }

    async fn cancel_request_of_another_process_is_honoured(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue("echo", json!({"sleep_ms": 60_000})).await;
        harness.wait_for(&id, Status::Running).await;
        let other = db.reopen().await;
        let mut tx = other.write().await.unwrap();
        assert!(execution::request_cancel(&mut tx, &id).await.unwrap());
        tx.commit().await.unwrap();
        harness.wait_for(&id, Status::Cancelled).await;
        other.close().await;
        harness.stop().await;
    }

    async fn cancelled_queued_execution_never_runs(db: &TestDatabase) {
        let queues = vec![QueueConfig { name: "default".into(), limit: 1 }];
        let harness = Harness::start(&db.database, WorkerConfig { queues, ..WorkerConfig::default() });
        let first = harness.queue("echo", json!({"sleep_ms": 60_000})).await;
        harness.wait_for(&first, Status::Running).await;
        let second = harness.queue("echo", json!({})).await;
        let mut tx = db.database.write().await.unwrap();
        assert!(execution::cancel_queued(&mut tx, &second, &Message::verbatim("cancelled"), SystemClock.now()).await.unwrap());
        tx.commit().await.unwrap();
        let third = harness.queue("echo", json!({})).await;
        while !harness.cancels.cancel(&first) {
            tokio::task::yield_now().await;
        }
        harness.wait_for(&third, Status::Succeeded).await;
        let done = harness.get(&second).await;
        assert_eq!((done.status, done.started_at), (Status::Cancelled, None));
        harness.stop().await;
    }
}
