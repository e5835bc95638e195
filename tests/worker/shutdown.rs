//! Shutdown of the workers.

use std::time::Duration;

use belfry::domain::execution::Status;
use belfry::domain::policy::{Policy, Retry};
use belfry::queue::QueueConfig;
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::{Harness, attempts};

fn config(limit: usize, shutdown_timeout: Duration) -> WorkerConfig {
    let queues = vec![QueueConfig { name: "default".into(), limit }];
    WorkerConfig { queues, shutdown_timeout, ..WorkerConfig::default() }
}

for_each_database! {
    async fn shutdown_finishes_running_jobs_and_releases_queued_ones(db: &TestDatabase) {
        let harness = Harness::start(&db.database, config(1, Duration::from_secs(20)));
        let ids = harness.queue_many("echo", vec![json!({"sleep_ms": 3_000}), json!({}), json!({})], &Policy::default()).await;
        harness.wait_for(&ids[0], Status::Running).await;
        let observer = Harness::start(&db.database, config(1, Duration::from_secs(20)));
        observer.stop().await; // a second server stops without touching the jobs of the first
        harness.stop().await;

        let next = Harness::start(&db.database, config(8, Duration::from_secs(20)));
        for id in &ids {
            next.wait_for(id, Status::Succeeded).await;
        }
        assert_eq!(next.get(&ids[0]).await.attempt, 1, "it ended on the first server");
        next.stop().await;
    }

    async fn shutdown_timeout_interrupts_runs_and_retries_them(db: &TestDatabase) {
        let harness = Harness::start(&db.database, config(8, Duration::from_millis(100)));
        let policy = attempts(2);
        let again = harness.queue_with_policy("echo", json!({"sleep_ms": 60_000}), &policy).await;
        let never_again = Policy { retry: Retry { on_interruption: false, ..Retry::default() }, ..Policy::default() };
        let once = harness.queue_with_policy("echo", json!({"sleep_ms": 60_000}), &never_again).await;
        for id in [&again, &once] {
            harness.wait_for(id, Status::Running).await;
        }
        harness.stop().await;

        let next = Harness::start(&db.database, config(8, Duration::ZERO));
        let interrupted = next.get(&once).await;
        assert_eq!((interrupted.status, interrupted.error.as_deref()), (Status::Interrupted, Some("the server stopped during this execution")));
        let waiting = next.get(&again).await;
        assert_eq!((waiting.status, waiting.attempt), (Status::Queued, 2));
        assert_eq!(next.queue_retries(&policy).await, 1);
        assert_eq!(next.wait_for(&again, Status::Running).await.attempt, 2);
        next.cancels.cancel(&again);
        next.stop().await;
    }
}
