//! Limits of concurrent runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belfry::domain::execution::Status;
use belfry::domain::policy::Policy;
use belfry::domain::queue::QueueSetting;
use belfry::queue::QueueConfig;
use belfry::storage::queue_setting;
use belfry::tasks::TaskType;
use belfry::worker::WorkerConfig;
use serde_json::json;
use tokio::sync::Barrier;

use crate::for_each_database;
use crate::harness::{Harness, custom_type};
use crate::support::TestDatabase;

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

async fn set(db: &TestDatabase, queue: &str, setting: QueueSetting) {
    let mut tx = db.database.write().await.unwrap();
    queue_setting::set(&mut tx, queue, &setting).await.unwrap();
    tx.commit().await.unwrap();
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

    async fn paused_queue_waits_over_a_restart_and_goes_on(db: &TestDatabase) {
        let slow = Policy { queue: "slow".into(), ..Policy::default() };
        set(db, "slow", QueueSetting { paused: true, limit: None }).await;
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let waiting = harness.queue_many("echo", vec![json!({}); 5], &slow).await;
        let other = harness.queue("echo", json!({})).await;
        harness.wait_for(&other, Status::Succeeded).await;
        harness.stop().await;
        let harness = Harness::start(&db.database, WorkerConfig::default());
        tokio::time::sleep(Duration::from_millis(700)).await;
        for id in &waiting {
            assert_eq!(harness.get(id).await.status, Status::Queued, "the queue is still paused");
        }
        // As by another process.
        set(db, "slow", QueueSetting::default()).await;
        for id in &waiting {
            harness.wait_for(id, Status::Succeeded).await;
        }
        harness.stop().await;
    }

    async fn resized_queue_has_another_limit_at_once(db: &TestDatabase) {
        set(db, "slow", QueueSetting { paused: false, limit: Some(1) }).await;
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let slow = Policy { queue: "slow".into(), ..Policy::default() };
        harness.queue_many("echo", vec![json!({"sleep_ms": 60_000}); 6], &slow).await;
        harness.wait_running(1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        harness.wait_running(1).await;
        set(db, "slow", QueueSetting { paused: false, limit: Some(4) }).await;
        let settings = queue_setting::all(&mut db.database.read().await.unwrap()).await.unwrap();
        harness.signals.jobs.apply(&settings);
        harness.wait_running(4).await;
        harness.stop_at_once().await;
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
