//! What another process changes in a SQLite file is noticed, and what this one changes itself is not taken for that.

use std::path::Path;

use belfry::domain::event::Event;
use belfry::events::EventBus;
use belfry::scheduler::outside::Outside;
use belfry::signals::Signals;
use belfry::storage::{Database, Synchronous};
use serde_json::json;

use crate::support::parts::TestParts;

async fn open(file: &Path) -> Database {
    Database::open_sqlite(file, Synchronous::Normal).await.expect("opens")
}

#[tokio::test]
async fn a_change_of_another_process_wakes_scheduler_and_workers() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("task.db");
    // Two sets of connections to one file, as two processes have.
    let (ours, theirs) = (open(&file).await, open(&file).await);
    let signals = Signals::default();
    let events = EventBus::default();
    let mut heard = events.subscribe();
    let queues = vec!["default".to_owned(), "slow".to_owned()];
    let mut outside = Outside::new(ours.clone(), events, signals.clone(), queues);
    assert!(!outside.run_once().await.expect("looks"), "the first look has nothing to compare with");
    TestParts::new(&ours).create("own", json!({"type": "interval", "hours": 1})).await;
    assert!(!outside.run_once().await.expect("looks"), "one's own changes are known already");
    TestParts::new(&theirs).create("other", json!({"type": "interval", "hours": 1})).await;
    assert!(outside.run_once().await.expect("looks"));
    signals.schedule.notified().await;
    signals.outside.notified().await;
    assert_eq!(heard.recv().await.expect("open pages are told").as_ref(), [Event::Missed]);
    assert_eq!(signals.jobs.wait().await.into_iter().collect::<Vec<_>>(), ["default", "slow"]);
    assert!(!outside.run_once().await.expect("looks"), "each change once");
}
