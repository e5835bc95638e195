//! Stopped runs: no statement, connection or file is left after time limit, cancellation or drop.

use std::time::{Duration, Instant};

use belfry::tasks::TaskType;
use serde_json::{Value, json};

use crate::rig::{Kind, Rig, TempDatabase};
use crate::support::run::context;

/// A statement that takes minutes, and a query for the number of other connections.
fn endless(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Sqlite => ("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n", "select 0"),
        Kind::Postgres => (
            "select pg_sleep(300)",
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        ),
        Kind::MySql => (
            "select sleep(300)",
            "select count(*) from information_schema.processlist where db = database() and id <> connection_id()",
        ),
    }
}

/// Waits until there is no other connection to the database.
async fn wait_until_alone(rig: &Rig, kind: Kind) {
    for _ in 0..200 {
        if rig.rows(endless(kind).1).await == json!([[0]]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{kind:?}: a connection is left");
}

/// Waits until the statement is running.
async fn wait_until_busy(rig: &Rig, kind: Kind) {
    if kind == Kind::Sqlite {
        return tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..200 {
        if rig.rows(endless(kind).1).await != json!([[0]]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{kind:?}: the statement did not start");
}

crate::for_each_kind! {
    async fn time_limit_stops_the_statement_on_the_server(database: &TempDatabase, rig: &Rig) {
        let begun = Instant::now();
        let error = rig.run(json!({"sql": endless(database.kind).0, "timeout_seconds": 0.3})).await.unwrap_err();
        assert!(error.retryable && error.message.to_string().starts_with("the run timed out after 0.3 s"), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(20));
        wait_until_alone(rig, database.kind).await;
    }

    async fn cancellation_stops_the_statement_on_the_server(database: &TempDatabase, rig: &Rig) {
        let (context, _output) = context();
        let params = json!({"sql": endless(database.kind).0, "file": "a.csv"});
        let stop = async {
            wait_until_busy(rig, database.kind).await;
            context.cancel.cancel();
        };
        let (ended, ()) = tokio::join!(rig.sql.run(params, &context), stop);
        assert_eq!(ended.unwrap_err().message.to_string(), "the run was cancelled");
        wait_until_alone(rig, database.kind).await;
        for _ in 0..200 {
            if rig.files() == [""; 0] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("a file is left: {:?}", rig.files());
    }

    async fn dropping_a_run_stops_the_statement_on_the_server(database: &TempDatabase, rig: &Rig) {
        let (context, _output) = context();
        let params: Value = json!({"sql": endless(database.kind).0});
        tokio::select! {
            _ = rig.sql.run(params, &context) => panic!("the statement ended by itself"),
            () = wait_until_busy(rig, database.kind) => {}
        }
        wait_until_alone(rig, database.kind).await;
    }

    async fn max_connections_limits_concurrent_runs(database: &TempDatabase, rig: &Rig) {
        let profile = belfry::domain::profile::Datasource { max_connections: 1, ..database.profile() };
        let one = Rig::new(&[("db", profile)]).await;
        let source = one.toolbox.datasources.get(None).unwrap();
        let held = source.open().await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(200), source.open()).await;
        assert!(waiting.is_err(), "the only connection is taken");
        held.finish().await;
        assert_eq!(one.rows("select 1").await, json!([[1]]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlocks_are_retryable() {
    for kind in [Kind::Postgres, Kind::MySql] {
        let Some(database) = TempDatabase::create(kind).await else { return };
        let rig = Rig::on(&database).await;
        rig.exec("create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)").await;
        let sleep = if kind == Kind::Postgres { "select pg_sleep(1)" } else { "select sleep(1)" };
        let crossing = |one: u8, two: u8| {
            format!("update t set n = n + 1 where id = {one}; {sleep}; update t set n = n + 1 where id = {two}")
        };
        let (one, two) = tokio::join!(rig.run(json!({"sql": crossing(1, 2)})), rig.run(json!({"sql": crossing(2, 1)})),);
        let lost = one.err().or(two.err()).expect("one of the two is the deadlock victim");
        assert!(lost.retryable && lost.message.to_string().to_lowercase().contains("deadlock"), "{kind:?}: {lost:?}");
        database.remove().await;
    }
}
