//! A database that another process has locked.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::fire::Fire;
use crate::server::Server;

/// How long the other process holds its lock.
const LOCKED: Duration = Duration::from_secs(30);

pub async fn database_locked_by_another_process() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let fire = Fire::start(&server, 1).await;
    fire.recovered(0, "the start").await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("data/task.db")).busy_timeout(Duration::from_secs(10));
    let mut other = SqliteConnection::connect_with(&options).await.expect("opens");
    sqlx::raw_sql("begin immediate").execute(&mut other).await.expect("locks");
    tokio::time::sleep(LOCKED).await;
    let status = server.get("/readyz").send().await.expect("get a response").status();
    assert_eq!(status, 503, "the lock is reported");
    let since = fire.begun();
    sqlx::raw_sql("rollback").execute(&mut other).await.expect("unlocks");
    other.close().await.expect("closes");
    fire.recovered(since, "a lock of 30 s").await;
    fire.assert_promises(&server, "locked database").await;
}
