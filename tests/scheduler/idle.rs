//! Tasks that wait for an idle machine, fed with samples.

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::scheduler::idle::IdleWatch;
use belfry::storage::task;
use chrono::Duration;
use serde_json::json;

use crate::on_each;
use crate::support::parts::TestParts;

/// Feeds one sample a second.
async fn feed(parts: &TestParts, watch: &mut IdleWatch, percents: &[f64]) {
    for percent in percents {
        parts.clock.advance(Duration::seconds(1));
        let tasks = task::idle(&mut parts.database.read().await.unwrap()).await.unwrap();
        watch.run_once(&tasks, *percent, parts.clock.now()).await;
    }
}

on_each! {
    async fn an_idle_task_fires_once_in_an_idle_period(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let mut watch = IdleWatch::new(parts.planner.clone());
        parts.create("a", json!({"type": "idle", "idle_duration": 3, "cpu_below_percent": 20})).await;
        feed(&parts, &mut watch, &[50.0, 5.0, 5.0]).await;
        assert!(parts.executions("a").await.is_empty(), "not idle for long enough");
        feed(&parts, &mut watch, &[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]).await;
        assert_eq!(parts.executions("a").await.len(), 1);
        feed(&parts, &mut watch, &[90.0, 5.0, 5.0, 5.0, 5.0, 5.0]).await;
        let found = parts.executions("a").await;
        assert_eq!(found.iter().map(|e| e.status).collect::<Vec<_>>(), [Status::Queued, Status::Skipped], "again after it was busy");
    }

    async fn a_paused_idle_task_does_not_fire(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let mut watch = IdleWatch::new(parts.planner.clone());
        parts.create("a", json!({"type": "idle", "idle_duration": 1})).await;
        parts.service.pause_task(&crate::support::parts::admin(), "a", None).await.unwrap();
        feed(&parts, &mut watch, &[5.0, 5.0, 5.0, 5.0]).await;
        assert!(parts.executions("a").await.is_empty());
    }
}
