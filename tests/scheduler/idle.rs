//! Idle triggers, with CPU samples from the test.

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::scheduler::idle::IdleWatch;
use belfry::storage::task;
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, admin, echo};

/// Feeds one sample a second.
async fn feed(context: &TestContext, watch: &mut IdleWatch, percents: &[f64]) {
    for percent in percents {
        context.clock.advance(Duration::seconds(1));
        let tasks = task::idle(&mut context.database.read().await.unwrap()).await.unwrap();
        watch.run_once(&tasks, *percent, context.clock.now()).await;
    }
}

for_each_database! {
    async fn idle_task_fires_once_per_idle_period(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let mut watch = IdleWatch::new(context.planner.clone(), "01NODE");
        context.create("a", json!({"type": "idle", "idle_duration": 3, "cpu_below_percent": 20})).await;
        feed(&context, &mut watch, &[50.0, 5.0, 5.0]).await;
        assert!(context.executions("a").await.is_empty(), "not idle for long enough");
        feed(&context, &mut watch, &[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]).await;
        assert_eq!(context.executions("a").await.len(), 1);
        feed(&context, &mut watch, &[90.0, 5.0, 5.0, 5.0, 5.0, 5.0]).await;
        let found = context.executions("a").await;
        assert_eq!(found.iter().map(|e| e.status).collect::<Vec<_>>(), [Status::Queued, Status::Skipped], "again after it was busy");
    }

    async fn two_nodes_fire_an_idle_task_once(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let (mut one, mut two) = (IdleWatch::new(context.planner.clone(), "01ONE"), IdleWatch::new(context.planner.clone(), "02TWO"));
        let mut task = echo("a", json!({"type": "idle", "idle_duration": 1}));
        task["policy"] = json!({"on_overlap": "allow"});
        context.services.tasks.create(&admin(), &task).await.unwrap();
        for _ in 0..4 {
            feed(&context, &mut one, &[5.0]).await;
            context.clock.advance(Duration::seconds(-1));
            feed(&context, &mut two, &[5.0]).await;
        }
        assert_eq!(context.executions("a").await.len(), 1, "the first node holds the lease");
    }

    async fn task_that_changed_since_the_sample_does_not_fire(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let mut watch = IdleWatch::new(context.planner.clone(), "01NODE");
        context.create("a", json!({"type": "idle", "idle_duration": 1})).await;
        feed(&context, &mut watch, &[5.0]).await;
        let sampled = task::idle(&mut context.database.read().await.unwrap()).await.unwrap();
        context.services.tasks.pause(&admin(), "a", None).await.unwrap();
        context.clock.advance(Duration::seconds(5));
        watch.run_once(&sampled, 5.0, context.clock.now()).await;
        assert!(context.executions("a").await.is_empty());
    }

    async fn paused_idle_task_does_not_fire(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let mut watch = IdleWatch::new(context.planner.clone(), "01NODE");
        context.create("a", json!({"type": "idle", "idle_duration": 1})).await;
        context.services.tasks.pause(&admin(), "a", None).await.unwrap();
        feed(&context, &mut watch, &[5.0, 5.0, 5.0, 5.0]).await;
        assert!(context.executions("a").await.is_empty());
    }
}
