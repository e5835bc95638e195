//! The write-ahead log is folded in quiet moments, and what was in it is in the file then.

use std::time::Duration;

use belfry::scheduler::checkpoint::Checkpoint;
use belfry::storage::{Database, Synchronous, secret};

#[tokio::test]
async fn the_log_is_folded_once_it_is_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.expect("opens");
    let mut checkpoint = Checkpoint::new(database.clone());
    let now = chrono::DateTime::UNIX_EPOCH;
    let mut tx = database.write().await.expect("writes");
    secret::put(&mut tx, "a", &"x".repeat(512 * 1024), "a", now).await.expect("a secret");
    tx.commit().await.expect("commits");
    let log = database.log().await.expect("looks").expect("it is SQLite");
    assert!(log.folded < log.pages, "{log:?}");
    let mut looks = 0;
    while !checkpoint.run_once().await.expect("looks") {
        looks += 1;
        assert!(looks < 100, "never folded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let log = database.log().await.expect("looks").expect("it is SQLite");
    assert_eq!(log.folded, log.pages, "all of it");
    assert!(!checkpoint.run_once().await.expect("looks"), "nothing is left to fold");
}
