//! Connections after a transaction that did not begin or end cleanly: they are closed, and the next ones work.

use belfry::storage::{Conn, Database, Session, Tx};
use futures_util::FutureExt;

use crate::for_each_database;
use crate::samples::{insert_task, task};
use crate::support::TestDatabase;

async fn execute(session: &mut dyn Session, sql: &'static str) -> Result<(), sqlx::Error> {
    match session.conn() {
        Conn::Sqlite(conn) => conn.run_all(sql),
        Conn::Postgres(conn) => sqlx::raw_sql(sql).execute(conn).await.map(drop),
    }
}

async fn begin(database: &Database) -> Tx {
    database.write().await.unwrap()
}

/// Adds a table with a constraint that fails at the commit.
async fn add_deferred_constraint(database: &Database) {
    let mut tx = begin(database).await;
    execute(&mut tx, "create table parents (id int primary key)").await.unwrap();
    let child = "create table children (parent int references parents (id) deferrable initially deferred)";
    execute(&mut tx, child).await.unwrap();
    tx.commit().await.unwrap();
}

/// The number of connections that hold a transaction nobody works on.
async fn idle_transactions(database: &Database) -> i64 {
    let text = "select count(*) from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%' and pid <> pg_backend_pid()";
    let Database::Postgres { pool, .. } = database else { unreachable!("a PostgreSQL database") };
    sqlx::query_scalar(text).fetch_one(pool).await.unwrap()
}

for_each_database! {
    async fn statement_of_a_person_that_takes_too_long_is_interrupted(db: &TestDatabase) {
        let endless = match db.database.kind() {
            "sqlite" => "with recursive n(i) as (select 1 union all select i from n) select count(*) from n",
            _ => "select pg_sleep(60)",
        };
        let started = std::time::Instant::now();
        let mut reader = db.database.read().await.unwrap();
        let source = execute(&mut reader, endless).await.unwrap_err();
        let error = belfry::storage::Error::Database { context: "count", source };
        assert!(error.is_interrupted(), "{error}");
        assert!((9..20).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        execute(&mut reader, "select 1").await.unwrap(); // the limit is that of each statement
        drop(reader);
        execute(&mut db.database.read_engine().await.unwrap(), "select 1").await.unwrap();
    }

    async fn transaction_that_the_database_rolled_back_does_not_break_its_connection(db: &TestDatabase) {
        for number in 0..10 {
            let mut tx = begin(&db.database).await;
            execute(&mut tx, "rollback").await.unwrap(); // as SQLite does by itself when the disk is full
            drop(tx);
            insert_task(&db.database, &task(&format!("after-{number}"))).await;
        }
    }

    async fn failed_commit_does_not_break_its_connection(db: &TestDatabase) {
        add_deferred_constraint(&db.database).await;
        for number in 0..10 {
            let mut tx = begin(&db.database).await;
            execute(&mut tx, "insert into children values (1)").await.unwrap();
            tx.commit().await.unwrap_err();
            insert_task(&db.database, &task(&format!("after-{number}"))).await;
        }
    }

    async fn cancelled_begin_and_commit_do_not_break_their_connection(db: &TestDatabase) {
        for number in 0..10 {
            let _ = db.database.write().now_or_never(); // dropped at its first wait
            let mut tx = begin(&db.database).await;
            execute(&mut tx, "delete from tasks where 1 = 0").await.unwrap();
            let _ = tx.commit().now_or_never(); // dropped at its first wait
            insert_task(&db.database, &task(&format!("after-{number}"))).await;
        }
    }
}

#[tokio::test]
async fn transaction_waits_for_another_process_without_its_thread() {
    let db = TestDatabase::sqlite().await;
    let other = db.reopen().await;
    let held = begin(&other).await;
    let (mut waiting, mut turns) = (Box::pin(begin(&db.database)), 0);
    let release = async {
        while turns < 10 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await; // the thread has time for this
            turns += 1;
        }
        drop(held);
    };
    tokio::select! {
        biased;
        _ = &mut waiting => unreachable!("another process has the lock"),
        () = release => {}
    }
    drop(waiting.await);
    other.close().await;
    db.remove().await;
}

#[tokio::test]
async fn connection_of_a_failed_commit_is_replaced() {
    let db = TestDatabase::sqlite().await;
    add_deferred_constraint(&db.database).await;
    let mut tx = begin(&db.database).await;
    execute(&mut tx, "create temporary table mark (id int)").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(&db.database).await;
    execute(&mut tx, "insert into temp.mark values (1); insert into children values (1)").await.unwrap();
    tx.commit().await.unwrap_err();
    let error = execute(&mut begin(&db.database).await, "insert into temp.mark values (1)").await.unwrap_err();
    assert!(error.to_string().contains("no such table"), "{error}");
    db.remove().await;
}

#[tokio::test]
async fn deadlocks_and_failed_serializations_are_conflicts_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    for id in ["a", "b"] {
        insert_task(&db.database, &task(id)).await;
    }
    let conflict = |source: sqlx::Error| belfry::storage::Error::Database { context: "update", source }.is_conflict();
    let (mut one, mut two) = (begin(&db.database).await, begin(&db.database).await);
    execute(&mut one, "update tasks set name = 'x' where id = 'a'").await.unwrap();
    execute(&mut two, "update tasks set name = 'y' where id = 'b'").await.unwrap();
    let crossed = tokio::join!(
        execute(&mut one, "update tasks set name = 'x' where id = 'b'"),
        execute(&mut two, "update tasks set name = 'y' where id = 'a'"),
    );
    assert!(crossed.0.is_err() != crossed.1.is_err(), "one of them gives way: {crossed:?}");
    assert!(conflict(crossed.0.err().or(crossed.1.err()).unwrap()), "a deadlock");
    drop((one, two));

    let mut stale = begin(&db.database).await;
    execute(&mut stale, "set transaction isolation level repeatable read; select count(*) from tasks").await.unwrap();
    let mut other = begin(&db.database).await;
    execute(&mut other, "update tasks set name = 'z' where id = 'a'").await.unwrap();
    other.commit().await.unwrap();
    let failed = execute(&mut stale, "update tasks set name = 'x' where id = 'a'").await.unwrap_err();
    assert!(conflict(failed), "a failed serialization");
    drop(stale);
    db.remove().await;
}

#[tokio::test]
async fn cancelled_begin_leaves_no_transaction_open_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    for _ in 0..20 {
        let _ = db.database.write().now_or_never(); // dropped at its first wait
    }
    let other = TestDatabase { database: db.reopen().await, location: db.location };
    let mut open = idle_transactions(&other.database).await;
    for _ in 0..100 {
        if open == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        open = idle_transactions(&other.database).await;
    }
    assert_eq!(open, 0, "connections with an open transaction");
    db.database.close().await;
    other.remove().await;
}

#[tokio::test]
async fn transaction_that_waits_for_its_process_is_ended_by_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let mut tx = begin(&db.database).await;
    let Conn::Postgres(conn) = tx.conn() else { unreachable!("a PostgreSQL database") };
    let limit: String = sqlx::query_scalar("show idle_in_transaction_session_timeout").fetch_one(conn).await.unwrap();
    assert_eq!(limit, "15s", "well before a node that stands still counts as dead");
    execute(&mut tx, "set idle_in_transaction_session_timeout = '100ms'").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let source = execute(&mut tx, "select 1").await.unwrap_err();
    let error = belfry::storage::Error::Database { context: "count", source };
    assert!(error.is_transient(), "{error}");
    drop(tx);
    insert_task(&db.database, &task("after")).await;
    assert_eq!(idle_transactions(&db.database).await, 0);
    db.remove().await;
}
