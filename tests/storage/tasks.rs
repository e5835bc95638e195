//! Tasks: insert, optimistic update, delete.

use belfry::storage::{Error, task};
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::samples::{self, insert_task, now};

for_each_database! {
    async fn inserted_task_reads_back_unchanged(db: &TestDatabase) {
        let new = samples::task("日报");
        insert_task(&db.database, &new).await;
        let mut reader = db.database.read().await.unwrap();
        assert_eq!(task::get(&mut reader, "日报").await.unwrap(), Some(new));
        assert_eq!(task::get(&mut reader, "none").await.unwrap(), None);
    }

    async fn duplicate_id_is_a_conflict(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut tx = db.database.write().await.unwrap();
        let duplicate = task::insert(&mut tx, &samples::task("a")).await;
        assert!(matches!(duplicate, Err(Error::Conflict(_))), "{duplicate:?}");
    }

    async fn update_requires_previous_version(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut changed = samples::task("a");
        changed.version = 2;
        changed.enabled = false;
        changed.params = json!({"message": "y"});
        changed.next_run_at = Some(now() + Duration::seconds(1));
        let mut tx = db.database.write().await.unwrap();
        assert!(task::update(&mut tx, &changed).await.unwrap());
        assert!(!task::update(&mut tx, &changed).await.unwrap(), "second update from the same version");
        tx.commit().await.unwrap();
        assert_eq!(task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap(), Some(changed));
    }

    async fn delete_returns_false_for_missing_task(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut tx = db.database.write().await.unwrap();
        assert!(task::delete(&mut tx, "a").await.unwrap());
        assert!(!task::delete(&mut tx, "a").await.unwrap());
    }

    async fn dropped_transaction_is_rolled_back(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        task::insert(&mut tx, &samples::task("a")).await.unwrap();
        drop(tx);
        assert_eq!(task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap(), None);
    }

    async fn idle_returns_enabled_idle_tasks(db: &TestDatabase) {
        let mut idle = samples::task("idle");
        idle.trigger = json!({"type": "idle"});
        let mut paused = idle.clone();
        (paused.id, paused.enabled) = ("paused".into(), false);
        for new in [&idle, &paused, &samples::task("other")] {
            insert_task(&db.database, new).await;
        }
        assert_eq!(task::idle(&mut db.database.read().await.unwrap()).await.unwrap(), [idle]);
    }
}
