//! Limits of concurrent runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use belfry::domain::execution::Status;
use belfry::domain::policy::Policy;
use belfry::queue::QueueConfig;
use belfry::tasks::TaskType;
use belfry::worker::WorkerConfig;
use serde_json::json;
use tokio::sync::Barrier;

use crate::for_each_database;
use crate::harness::{Harness, custom_type};

/// A task type whose first `count` runs wait until all of them run at once, and the highest number of concurrent runs.
fn together(count: usize) -> (Vec<Arc<dyn TaskType>>, Arc<AtomicUsize>) {
    let (barrier, seen) = (Arc::new(Barrier::new(count)), AtomicUsize::new(0));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = most.clone();
    let types = custom_type("together", move |_, _| {
        let (barrier, now, most) = (barrier.clone(), now.clone(), most.clone());
        let waits = seen.fetch_add(1, Ordering::SeqCst) < count;
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if waits {
                barrier.wait().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(json!(null))
        })
    });
    (types, highest)
}

for_each_database! {
    async fn concurrency_reaches_and_never_exceeds_the_limit(db: &TestDatabase) {
        let (types, most) = together(64);
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let ids = harness.queue_many("together", vec![json!({}); 256], &Policy::default()).await;
        for id in &ids {
            harness.wait_for(id, Status::Succeeded).await;
        }
        assert_eq!(most.load(Ordering::SeqCst), 64);
        harness.stop().await;
    }

    async fn process_limit_applies_across_queues(db: &TestDatabase) {
        let (types, most) = together(12);
        let queue = |name: &str| QueueConfig { name: name.into(), limit: 10 };
        let config = WorkerConfig { limit: 12, queues: vec![queue("default"), queue("slow")], ..WorkerConfig::default() };
        let harness = Harness::start_with(&db.database, config, types);
        let slow = Policy { queue: "slow".into(), ..Policy::default() };
        let mut ids = harness.queue_many("together", vec![json!({}); 30], &Policy::default()).await;
        ids.extend(harness.queue_many("together", vec![json!({}); 30], &slow).await);
        for id in &ids {
            harness.wait_for(id, Status::Succeeded).await;
        }
        assert_eq!(most.load(Ordering::SeqCst), 12);
        harness.stop().await;
    }

    async fn slow_queue_does_not_block_other_queues(db: &TestDatabase) {
        let queue = |name: &str, limit| QueueConfig { name: name.into(), limit };
        let config = WorkerConfig { queues: vec![queue("default", 8), queue("slow", 2)], ..WorkerConfig::default() };
        let harness = Harness::start(&db.database, config);
        let slow = Policy { queue: "slow".into(), ..Policy::default() };
        let slow = harness.queue_many("echo", vec![json!({"sleep_ms": 60_000}); 20], &slow).await;
        harness.wait_running(2).await;
        let quick = harness.queue_many("echo", vec![json!({}); 50], &Policy::default()).await;
        for id in &quick {
            harness.wait_for(id, Status::Succeeded).await;
        }
        harness.wait_running(2).await;
        assert!(harness.cancels.running().iter().all(|id| slow.contains(id)), "two of the slow queue");
        harness.stop_at_once().await;
    }
}
