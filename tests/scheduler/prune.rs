//! The log is kept for as long as the settings say.

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::scheduler::prune::{Keep, Prune};
use chrono::Duration;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::on_each;
use crate::support::TestDatabase;
use crate::support::parts::{TestParts, admin, echo, start};

on_each! {
    async fn old_executions_go_and_waiting_ones_stay(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 10})).await;
        for _ in 0..450 {
            parts.advance(Duration::seconds(10)).await;
        }
        assert_eq!(parts.executions("a").await.len(), 450);
        let prune = Prune { database: db.database.clone(), clock: parts.clock.clone(), keep: Keep { age: Some(Duration::seconds(500)), per_task: None } };
        let removed = prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap();
        let left = parts.executions("a").await;
        assert_eq!(removed, 398, "those queued more than 500 s ago, but the first, which still waits");
        assert_eq!((left.len(), left[0].status, left[0].scheduled_at), (52, Status::Queued, start() + Duration::seconds(10)));
    }
    async fn a_task_keeps_its_newest_executions(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for id in ["busy", "calm"] {
            parts.create(id, json!({"type": "interval", "seconds": if id == "busy" { 10 } else { 100 }})).await;
        }
        for _ in 0..300 {
            parts.advance(Duration::seconds(10)).await;
        }
        let keep = Keep { age: None, per_task: Some(40) };
        let prune = Prune { database: db.database.clone(), clock: parts.clock.clone(), keep };
        let removed = prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap();
        let left = parts.executions("busy").await;
        assert_eq!(removed, 259, "all of the busy one's 300 but the newest 40 and the first, which still waits");
        assert_eq!((left.len(), left[0].status), (41, Status::Queued));
        assert_eq!(left[1].scheduled_at, start() + Duration::seconds(10 * 261), "the newest stay");
        assert_eq!(parts.executions("calm").await.len(), 30);
        assert_eq!(prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap(), 0);
    }
    async fn a_task_may_keep_more_or_less_than_the_settings_say(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let tasks = [
            ("as-set", json!(null)),
            ("by-age", json!({"max_age_days": 1})),
            ("by-number", json!({"max_executions": 3})),
            ("for-ever", json!({"max_age_days": 0, "max_executions": 0})),
            ("removed", json!({"max_age_days": 0})),
        ];
        for (id, retention) in &tasks {
            let mut task = echo(id, json!({"type": "interval", "days": 1}));
            task["policy"] = json!({"retention": retention, "max_instances": 1000});
            parts.service.create_task(&admin(), &task).await.unwrap();
        }
        for _ in 0..20 {
            parts.advance(Duration::days(1)).await;
        }
        // What waits is never removed.
        for (id, _) in &tasks {
            for run in parts.executions(id).await {
                parts.service.cancel(&admin(), &run.id).await.unwrap();
            }
        }
        parts.service.delete_task(&admin(), "removed", None).await.unwrap();
        let keep = Keep { age: Some(Duration::days(9) + Duration::hours(12)), per_task: Some(8) };
        let prune = Prune { database: db.database.clone(), clock: parts.clock.clone(), keep };
        prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap();
        let mut left = Vec::new();
        for (id, _) in &tasks {
            left.push(parts.executions(id).await.len());
        }
        assert_eq!(left, [8, 2, 3, 20, 8], "{tasks:?}");
    }
}

#[tokio::test]
async fn what_removed_executions_took_of_the_file_is_given_back() {
    let db = TestDatabase::sqlite().await;
    let parts = TestParts::new(&db.database);
    parts.create("a", json!({"type": "interval", "seconds": 1})).await;
    for _ in 0..100 {
        parts.advance(Duration::seconds(20)).await;
    }
    let pages = async || {
        let belfry::storage::Database::Sqlite { readers, .. } = &db.database else { unreachable!("SQLite was asked for") };
        sqlx::query_scalar::<_, i64>("select page_count from pragma_page_count").fetch_one(readers).await.unwrap()
    };
    let before = pages().await;
    let keep = Keep { age: None, per_task: Some(1) };
    let prune = Prune { database: db.database.clone(), clock: parts.clock.clone(), keep };
    let removed = prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap();
    assert!(removed > 1000, "{removed} executions were removed");
    let after = pages().await;
    assert!(after * 2 < before, "{after} of {before} pages are left");
}
