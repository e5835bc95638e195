//! WAL checkpoints in quiet moments.

use std::time::Duration;

use belfry::domain::secret::SecretLimits;
use belfry::maintenance::checkpoint::Checkpoint;
use belfry::storage::secret::{self, EncryptedSecret};
use belfry::storage::{Database, Synchronous};

fn large_secret() -> EncryptedSecret {
    EncryptedSecret { name: "a".into(), ciphertext: "x".repeat(512 * 1024), limits: SecretLimits::default() }
}

#[tokio::test]
async fn checkpoint_runs_once_the_wal_is_quiet() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.expect("open the database");
    let mut checkpoint = Checkpoint::new(database.clone());
    let now = chrono::DateTime::UNIX_EPOCH;
    let mut tx = database.write().await.expect("write a file");
    secret::put(&mut tx, &large_secret(), "a", now).await.expect("store a secret");
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
