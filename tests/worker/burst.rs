//! Many jobs at once.

use std::time::{Duration, Instant};

use belfry::domain::policy::Policy;
use belfry::storage::{Database, Session};
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::Harness;

/// The number of jobs; `BELFRY_TEST_BURST` overrides it for measurements.
fn size() -> usize {
    std::env::var("BELFRY_TEST_BURST").ok().and_then(|size| size.parse().ok()).unwrap_or(2_000)
}

async fn succeeded(database: &Database) -> i64 {
    let sql = "select count(*) from executions where status = 'succeeded' and attempt = 1";
    match database.read().await.unwrap().conn() {
        belfry::storage::Conn::Sqlite(conn) => conn.number(sql).unwrap(),
        belfry::storage::Conn::Postgres(conn) => sqlx::query_scalar(sql).fetch_one(conn).await.unwrap(),
    }
}

for_each_database! {
    async fn every_job_of_a_burst_runs_once(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let size = size();
        let started = Instant::now();
        let ids = harness.queue_many("echo", vec![json!({"message": "x"}); size], &Policy::default()).await;
        let queued = started.elapsed();
        while succeeded(&db.database).await < size as i64 {
            assert!(started.elapsed() < Duration::from_secs(60), "{} of {size} are done", succeeded(&db.database).await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let took = started.elapsed();
        eprintln!("{}: {size} queued in {queued:?}, recorded after {took:?}: {:.0}/s", db.database.kind(), size as f64 / took.as_secs_f64());
        assert_eq!(ids.len(), size);
        harness.stop().await;
    }
}
