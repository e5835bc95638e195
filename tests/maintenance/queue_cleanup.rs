//! Clean-up of the queue: acknowledged jobs are deleted, others stay.

use belfry::domain::job::Job;
use belfry::domain::policy::Policy;
use belfry::maintenance::queue_cleanup::QueueCleanup;
use belfry::queue::jobs::{self, NewJob};
use belfry::storage::Database;
use serde_json::Value;

use crate::for_each_database;
use crate::support::TestDatabase;
use crate::support::context::start;

fn job(attempt: i64) -> NewJob {
    let (timeout_ms, retry) = Job::limits(&Policy::default());
    let job = Job {
        execution_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
        attempt,
        task_id: "a".into(),
        task_type: "echo".into(),
        params: Value::Null,
        started_by: None,
        chained: false,
        scheduled_at: start(),
        timeout_ms,
        retry,
    };
    NewJob { queue: "default".into(), priority: 0, job }
}

/// Acknowledges all jobs of the queue but one, as apalis does.
async fn acknowledge_all_but_one(db: &TestDatabase) {
    match &db.database {
        Database::Sqlite { writer, .. } => {
            let text = "update Jobs set status = 'Done', done_at = 1 where id <> (select max(id) from Jobs)";
            sqlx::query(text).execute(writer).await.unwrap();
        }
        Database::Postgres(pool) => {
            let text = "update apalis.jobs set status = 'Done', done_at = now() where id <> (select max(id) from apalis.jobs)";
            sqlx::query(text).execute(pool).await.unwrap();
        }
    }
}

for_each_database! {
    async fn run_once_deletes_acknowledged_jobs_in_batches(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        jobs::push(&mut tx, &(1..=1_001).map(job).collect::<Vec<_>>(), start()).await.unwrap();
        tx.commit().await.unwrap();
        let cleanup = QueueCleanup { database: db.database.clone() };
        assert_eq!(cleanup.run_once().await.unwrap(), 0, "pending jobs stay");
        acknowledge_all_but_one(db).await;
        assert_eq!(cleanup.run_once().await.unwrap(), 1_000);
        let waiting = jobs::depths(&mut db.database.read().await.unwrap()).await.unwrap();
        assert_eq!(waiting.iter().map(|queue| queue.waiting).collect::<Vec<_>>(), [1]);
    }
}
