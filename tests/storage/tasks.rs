//! Tasks: written whole, changed only from the version that was read.

use belfry::storage::{Error, task};
use chrono::Duration;
use serde_json::json;

use crate::on_each;
use crate::samples::{self, insert_task, now};

on_each! {
    async fn a_task_reads_back_as_it_was_written(db: &TestDatabase) {
        let new = samples::task("日报");
        insert_task(&db.database, &new).await;
        let mut reader = db.database.read().await.unwrap();
        assert_eq!(task::get(&mut reader, "日报").await.unwrap(), Some(new));
        assert_eq!(task::get(&mut reader, "none").await.unwrap(), None);
    }

    async fn an_id_is_given_once(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut tx = db.database.write().await.unwrap();
        let again = task::insert(&mut tx, &samples::task("a"), "interval").await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    }

    async fn a_change_needs_the_version_before_it(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut changed = samples::task("a");
        changed.version = 2;
        changed.enabled = false;
        changed.params = json!({"message": "y"});
        changed.next_run_at = Some(now() + Duration::seconds(1));
        let mut tx = db.database.write().await.unwrap();
        assert!(task::update(&mut tx, &changed, "interval").await.unwrap());
        assert!(!task::update(&mut tx, &changed, "interval").await.unwrap(), "a second change from the same version");
        tx.commit().await.unwrap();
        assert_eq!(task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap(), Some(changed));
    }

    async fn a_deleted_task_is_gone(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let mut tx = db.database.write().await.unwrap();
        assert!(task::delete(&mut tx, "a").await.unwrap());
        assert!(!task::delete(&mut tx, "a").await.unwrap());
    }

    async fn what_is_not_committed_is_rolled_back(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        task::insert(&mut tx, &samples::task("a"), "interval").await.unwrap();
        drop(tx);
        assert_eq!(task::get(&mut db.database.read().await.unwrap(), "a").await.unwrap(), None);
    }

    async fn idle_tasks_are_found_while_enabled(db: &TestDatabase) {
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
