//! What a stop does with runs and jobs.

use std::time::Duration;

use belfry::domain::execution::Status;
use belfry::domain::policy::Policy;
use belfry::worker::{QueueConfig, WorkerConfig};
use serde_json::json;

use crate::harness::{Harness, attempts};
use crate::on_each;

fn config(limit: usize, patience: Duration) -> WorkerConfig {
    let queues = vec![QueueConfig { name: "default".into(), limit }];
    WorkerConfig { queues, shutdown_timeout: patience, ..WorkerConfig::default() }
}

on_each! {
    async fn what_runs_may_end_and_what_waits_goes_back(db: &TestDatabase) {
        let harness = Harness::start(&db.database, config(1, Duration::from_secs(20)));
        let ids = harness.queue_many("echo", vec![json!({"sleep_ms": 300}); 3], &Policy::default()).await;
        harness.wait_for(&ids[0], Status::Running).await;
        let observer = Harness::start(&db.database, config(1, Duration::ZERO));
        observer.stop().await; // a second server that never gets anything to do
        harness.stop().await;

        let next = Harness::start(&db.database, config(8, Duration::from_secs(20)));
        for id in &ids {
            next.wait_for(id, Status::Succeeded).await;
        }
        assert_eq!(next.get(&ids[0]).await.attempt, 1, "it ended under the first server");
        next.stop().await;
    }

    async fn what_does_not_end_is_interrupted_and_tried_again(db: &TestDatabase) {
        let harness = Harness::start(&db.database, config(8, Duration::from_millis(100)));
        let policy = attempts(2);
        let again = harness.queue_under("echo", json!({"sleep_ms": 60_000}), &policy).await;
        let once = harness.queue("echo", json!({"sleep_ms": 60_000})).await;
        for id in [&again, &once] {
            harness.wait_for(id, Status::Running).await;
        }
        harness.stop().await;

        let next = Harness::start(&db.database, config(8, Duration::ZERO));
        let interrupted = next.get(&once).await;
        assert_eq!((interrupted.status, interrupted.error.as_deref()), (Status::Interrupted, Some("the server stopped while it ran")));
        let waiting = next.get(&again).await;
        assert_eq!((waiting.status, waiting.attempt), (Status::Queued, 2));
        assert_eq!(next.queue_retries(&policy).await, 1);
        assert_eq!(next.wait_for(&again, Status::Running).await.attempt, 2);
        next.cancels.cancel(&again);
        next.stop().await;
    }
}
