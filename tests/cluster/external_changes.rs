//! Detection of changes to a SQLite file by another process.

use std::path::Path;

use belfry::cluster::external_changes::ExternalChangeWatcher;
use belfry::domain::event::Event;
use belfry::events::EventBus;
use belfry::signals::Signals;
use belfry::storage::{Database, Synchronous};
use serde_json::json;

use crate::support::context::TestContext;

async fn open(file: &Path) -> Database {
    Database::open_sqlite(file, Synchronous::Normal).await.expect("open the database")
}

#[tokio::test]
async fn change_by_another_process_wakes_scheduler_and_workers() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("task.db");
    // Two connection pools on one file, as in two processes.
    let (own, other) = (open(&file).await, open(&file).await);
    let signals = Signals::default();
    let events = EventBus::default();
    let mut received = events.subscribe();
    let queues = vec!["default".to_owned(), "slow".to_owned()];
    let mut watcher = ExternalChangeWatcher::new(own.clone(), events, signals.clone(), queues);
    assert!(!watcher.run_once().await.expect("poll"), "the first poll has nothing to compare with");
    TestContext::new(&own).create("own", json!({"type": "interval", "hours": 1})).await;
    assert!(!watcher.run_once().await.expect("poll"), "own changes do not count");
    TestContext::new(&other).create("other", json!({"type": "interval", "hours": 1})).await;
    let changes = own.changes();
    assert!(watcher.run_once().await.expect("poll"));
    assert_ne!(own.changes(), changes, "what was read before is read again");
    signals.schedule.notified().await;
    signals.external_change.notified().await;
    assert_eq!(received.recv().await.expect("an event").as_ref(), [Event::Resync]);
    assert_eq!(signals.jobs.wait().await.into_iter().collect::<Vec<_>>(), ["default", "slow"]);
    assert!(!watcher.run_once().await.expect("poll"), "each change is reported once");
}
