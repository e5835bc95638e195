//! Retention of executions.

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::domain::retention::DefaultRetention;
use belfry::maintenance::retention::Prune;
use chrono::Duration;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::for_each_database;
use crate::support::TestDatabase;
use crate::support::context::{TestContext, admin, echo, start};

for_each_database! {
    async fn old_executions_are_deleted_and_queued_ones_kept(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 10})).await;
        for _ in 0..450 {
            context.advance(Duration::seconds(10)).await;
        }
        assert_eq!(context.executions("a").await.len(), 450);
        let prune = Prune { database: db.database.clone(), clock: context.clock.clone(), retention: DefaultRetention { age: Some(Duration::seconds(500)), per_task: None } };
        let removed = prune.run_once(context.clock.now(), &CancellationToken::new()).await.unwrap();
        let left = context.executions("a").await;
        assert_eq!(removed, 398, "those queued more than 500 s ago, except the first, which is still queued");
        assert_eq!((left.len(), left[0].status, left[0].scheduled_at), (52, Status::Queued, start() + Duration::seconds(10)));
    }
    async fn per_task_limit_keeps_the_newest_executions(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for id in ["busy", "calm"] {
            context.create(id, json!({"type": "interval", "seconds": if id == "busy" { 10 } else { 100 }})).await;
        }
        for _ in 0..300 {
            context.advance(Duration::seconds(10)).await;
        }
        let retention = DefaultRetention { age: None, per_task: Some(40) };
        let prune = Prune { database: db.database.clone(), clock: context.clock.clone(), retention };
        let removed = prune.run_once(context.clock.now(), &CancellationToken::new()).await.unwrap();
        let left = context.executions("busy").await;
        assert_eq!(removed, 259, "all 300 except the newest 40 and the first, which is still queued");
        assert_eq!((left.len(), left[0].status), (41, Status::Queued));
        assert_eq!(left[1].scheduled_at, start() + Duration::seconds(10 * 261), "the newest stay");
        assert_eq!(context.executions("calm").await.len(), 30);
        assert_eq!(prune.run_once(context.clock.now(), &CancellationToken::new()).await.unwrap(), 0);
    }
    async fn task_policy_overrides_the_settings(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let tasks = [
            ("as-set", json!({})),
            ("by-age", json!({"max_age_days": 1})),
            ("by-number", json!({"max_executions": 3})),
            ("for-ever", json!({"max_age_days": 0, "max_executions": 0})),
            ("removed", json!({"max_age_days": 0})),
        ];
        for (id, retention) in &tasks {
            let mut task = echo(id, json!({"type": "interval", "days": 1}));
            task["policy"] = json!({"retention": retention, "max_instances": 1000});
            context.services.tasks.create(&admin(), &task).await.unwrap();
        }
        for _ in 0..20 {
            context.advance(Duration::days(1)).await;
        }
        // Queued executions are never deleted.
        for (id, _) in &tasks {
            for run in context.executions(id).await {
                context.services.executions.cancel(&admin(), &run.id).await.unwrap();
            }
        }
        context.services.tasks.delete(&admin(), "removed", None).await.unwrap();
        let retention = DefaultRetention { age: Some(Duration::days(9) + Duration::hours(12)), per_task: Some(8) };
        let prune = Prune { database: db.database.clone(), clock: context.clock.clone(), retention };
        prune.run_once(context.clock.now(), &CancellationToken::new()).await.unwrap();
        let mut left = Vec::new();
        for (id, _) in &tasks {
            left.push(context.executions(id).await.len());
        }
        assert_eq!(left, [8, 2, 3, 20, 8], "{tasks:?}");
    }
}

#[tokio::test]
async fn deleted_executions_release_space_in_the_file() {
    let db = TestDatabase::sqlite().await;
    let context = TestContext::new(&db.database);
    context.create("a", json!({"type": "interval", "seconds": 1})).await;
    for _ in 0..250 {
        context.advance(Duration::seconds(20)).await;
    }
    let pages = async || {
        let belfry::storage::Database::Sqlite { readers, .. } = &db.database else { unreachable!("a SQLite database") };
        readers.acquire().await.unwrap().get().number("select page_count from pragma_page_count").unwrap()
    };
    let before = pages().await;
    let retention = DefaultRetention { age: None, per_task: Some(1) };
    let prune = Prune { database: db.database.clone(), clock: context.clock.clone(), retention };
    let removed = prune.run_once(context.clock.now(), &CancellationToken::new()).await.unwrap();
    assert!(removed > 1000, "{removed} executions were removed");
    let after = pages().await;
    assert!(after * 2 < before, "{after} of {before} pages are left");
}
