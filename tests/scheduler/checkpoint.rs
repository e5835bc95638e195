//! WAL checkpoints in quiet moments.

use std::time::Duration;

use belfry::scheduler::checkpoint::Checkpoint;
use belfry::storage::{Database, Synchronous, secret};

#[tokio::test]
async fn checkpoint_runs_once_the_wal_is_quiet() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.expect("open the database");
    let mut checkpoint = Checkpoint::new(database.clone());
    let now = chrono::DateTime::UNIX_EPOCH;
    let mut tx = database.write().await.expect("write a file");
    secret::put(&mut tx, "a", &"x".repeat(512 * 1024), "a", now).await.expect("store a secret");
    tx.commit().await.expect("commit");
    let status = database.wal_status().await.expect("poll").expect("SQLite");
    assert!(status.checkpointed < status.pages, "{status:?}");
    let mut polls = 0;
    while !checkpoint.run_once().await.expect("poll") {
        polls += 1;
        assert!(polls < 100, "no checkpoint");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = database.wal_status().await.expect("poll").expect("SQLite");
    assert_eq!(status.checkpointed, status.pages);
    assert!(!checkpoint.run_once().await.expect("poll"), "nothing left to checkpoint");
}
