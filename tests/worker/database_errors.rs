//! A database that is unavailable for a while or rejects a result.

use belfry::domain::execution::Status;
use belfry::storage::{Conn, Session};
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::Harness;
use crate::support::TestDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_result_does_not_affect_other_results() {
    let db = TestDatabase::sqlite().await;
    let refusal = "create trigger refuse before update on executions when new.result like '%poison%'
        begin select raise(abort, 'refused'); end";
    db.run_sql(refusal, "").await;
    let harness = Harness::start(&db.database, WorkerConfig::default());
    let poison = harness.queue("echo", json!({"message": "poison"})).await;
    let fine = harness.queue("echo", json!({"message": "fine"})).await;
    harness.wait_for(&fine, Status::Succeeded).await;
    let stored = harness.wait_for(&poison, Status::Succeeded).await;
    assert!(stored.error.unwrap().contains("rejected the result"), "the status is recorded, with a note about the result");
    assert_eq!(harness.result(&poison).await, None);
    harness.stop().await;
    db.remove().await;
}

/// Refuses each change of an execution whose parameters contain `poison`.
const REFUSE_ON_SQLITE: &str = "create trigger refuse before update on executions when old.params like '%poison%'
    begin select raise(abort, 'refused'); end";
const REFUSE_ON_POSTGRES: &str = "create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
    create trigger refuse before update on executions for each row when (old.params like '%poison%') execute function refuse()";

for_each_database! {
    async fn execution_that_cannot_be_handed_out_does_not_hold_up_its_queue(db: &TestDatabase) {
        db.run_sql(REFUSE_ON_SQLITE, REFUSE_ON_POSTGRES).await;
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let mut fine = Vec::new();
        let mut poison = Vec::new();
        for number in 0..30 {
            poison.extend((number % 10 == 3).then_some(harness.queue("echo", json!({"message": "poison"})).await));
            fine.push(harness.queue("echo", json!({"message": "fine"})).await);
        }
        for id in fine {
            harness.wait_for(&id, Status::Succeeded).await;
        }
        for id in poison {
            assert_eq!(harness.get(&id).await.status, Status::Queued);
        }
        harness.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_table_delays_results_without_loss() {
    let db = TestDatabase::sqlite().await;
    let harness = Harness::start(&db.database, WorkerConfig::default());
    let id = harness.queue("echo", json!({"sleep_ms": 500})).await;
    harness.wait_for(&id, Status::Running).await;
    let other = db.reopen().await;
    let lock = other.write().await.unwrap();
    harness.wait_running(0).await;
    assert_eq!(harness.get(&id).await.status, Status::Running, "the result waits for the lock");
    drop(lock);
    harness.wait_for(&id, Status::Succeeded).await;
    other.close().await;
    harness.stop().await;
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_reopened_without_losing_runs() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let harness = Harness::start(&db.database, WorkerConfig::default());
    let running = harness.queue("echo", json!({"sleep_ms": 300})).await;
    harness.wait_for(&running, Status::Running).await;
    let other = db.reopen().await;
    let mut session = other.read().await.unwrap();
    let terminate = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    match session.conn() {
        Conn::Postgres(conn) => drop(sqlx::raw_sql(terminate).execute(conn).await.unwrap()),
        Conn::Sqlite(_) => unreachable!(),
    }
    drop(session);
    other.close().await;
    let observer = TestDatabase { database: db.reopen().await, location: db.location };
    let harness = harness.through(&observer.database);
    assert_eq!(harness.wait_for(&running, Status::Succeeded).await.attempt, 1);
    let next = harness.queue("echo", json!({})).await;
    harness.wait_for(&next, Status::Succeeded).await;
    harness.stop().await;
    db.database.close().await;
    observer.remove().await;
}
