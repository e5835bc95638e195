//! Cancelling.

use belfry::clock::{Clock, SystemClock};
use belfry::domain::execution::Status;
use belfry::storage::execution;
use belfry::worker::{QueueConfig, WorkerConfig};
use serde_json::json;

use crate::harness::{Harness, attempts};
use crate::on_each;

on_each! {
    async fn a_running_one_ends_and_is_not_tried_again(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue_under("echo", json!({"sleep_ms": 60_000}), &attempts(3)).await;
        harness.wait_for(&id, Status::Running).await;
        while !harness.cancels.cancel(&id) {
            tokio::task::yield_now().await;
        }
        let done = harness.wait_for(&id, Status::Cancelled).await;
        assert_eq!((done.error.as_deref(), done.retry_at), (Some("cancelled while it ran"), None));
        assert!(harness.cancels.running().is_empty());
        harness.stop().await;
    }

    async fn another_process_can_ask_for_it(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let id = harness.queue("echo", json!({"sleep_ms": 60_000})).await;
        harness.wait_for(&id, Status::Running).await;
        let other = db.again().await;
        let mut tx = other.write().await.unwrap();
        assert!(execution::request_cancel(&mut tx, &id).await.unwrap());
        tx.commit().await.unwrap();
        harness.wait_for(&id, Status::Cancelled).await;
        other.close().await;
        harness.stop().await;
    }

    async fn one_that_waits_never_runs(db: &TestDatabase) {
        let queues = vec![QueueConfig { name: "default".into(), limit: 1 }];
        let harness = Harness::start(&db.database, WorkerConfig { queues, ..WorkerConfig::default() });
        let first = harness.queue("echo", json!({"sleep_ms": 60_000})).await;
        harness.wait_for(&first, Status::Running).await;
        let second = harness.queue("echo", json!({})).await;
        let mut tx = db.database.write().await.unwrap();
        assert!(execution::cancel_queued(&mut tx, &second, "cancelled", SystemClock.now()).await.unwrap());
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
