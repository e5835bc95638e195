//! Belfry's statements on the queue's tables.

use belfry::domain::job::Job;
use belfry::domain::policy::Policy;
use belfry::queue::jobs::{self, NewJob};
use serde_json::json;

use crate::for_each_database;
use crate::samples::now;

fn job(attempt: i64) -> NewJob {
    let (timeout_ms, retry) = Job::limits(&Policy::default());
    let execution_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
    let job = Job {
        execution_id,
        attempt,
        task_id: "日报".into(),
        task_type: "echo".into(),
        params: json!({"message": "é"}),
        started_by: None,
        chained: false,
        scheduled_at: now(),
        timeout_ms,
        retry,
    };
    NewJob { queue: "default".into(), priority: -3, job }
}

for_each_database! {
    async fn push_skips_queued_attempt(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        jobs::push(&mut tx, &[job(1), job(2)], now()).await.unwrap();
        jobs::push(&mut tx, &[job(1)], now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(crate::queue::count(db).await, 2);
    }

    async fn rollback_discards_jobs(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        jobs::push(&mut tx, &[job(1)], now()).await.unwrap();
        drop(tx);
        assert_eq!(crate::queue::count(db).await, 0);
    }

    async fn delete_done_and_release_jobs_ignore_pending_jobs(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        jobs::push(&mut tx, &[job(1)], now()).await.unwrap();
        assert_eq!(jobs::delete_done(&mut tx, 10).await.unwrap(), 0);
        assert_eq!(jobs::release_jobs(&mut tx, &["nobody".into()]).await.unwrap(), 0);
        assert!(jobs::workers_of_node(&mut tx, "01NODE").await.unwrap().is_empty());
        jobs::delete_workers(&mut tx, &["nobody".into()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(crate::queue::count(db).await, 1);
    }
}

async fn count(db: &crate::support::TestDatabase) -> i64 {
    use belfry::storage::Database;
    match &db.database {
        Database::Sqlite { readers, .. } => sqlx::query_scalar("select count(*) from Jobs").fetch_one(readers).await.unwrap(),
        Database::Postgres(pool) => sqlx::query_scalar("select count(*) from apalis.jobs").fetch_one(pool).await.unwrap(),
    }
}
