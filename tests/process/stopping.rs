//! How a server ends when it is asked to.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::server::{Server, until};

#[tokio::test]
async fn an_idle_server_ends_in_order() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(folder.path());
        server.signal(signal);
        let (status, rest) = server.ended();
        assert_eq!((status.code(), rest.as_str()), (Some(0), ""), "{signal}");
        let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).expect("reads");
        assert!(log.contains("stopped"), "{log}");
        let left: Vec<_> = std::fs::read_dir(folder.path().join("data/nodes")).expect("lists").collect();
        assert!(left.is_empty(), "its lock has gone: {left:?}");
    }
}

#[tokio::test]
async fn running_work_is_let_to_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = with_a_run(folder.path(), 1_000, "30").await;
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
    assert_eq!(last_status(folder.path()).await, "succeeded");
}

#[tokio::test]
async fn work_that_takes_too_long_is_interrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = with_a_run(folder.path(), 600_000, "1").await;
    let begun = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(last_status(folder.path()).await, "interrupted");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = with_a_run(folder.path(), 600_000, "600").await;
    server.signal("INT");
    until("the stop in the log", || async {
        let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).unwrap_or_default();
        log.contains("stopping").then_some(())
    })
    .await;
    server.signal("INT");
    assert_eq!(server.ended().0.code(), Some(130));
}

/// A server on which one run goes on for so long.
async fn with_a_run(folder: &Path, sleep_ms: u64, timeout: &str) -> Server {
    let server = Server::start_with(folder, &[("BELFRY_WORKERS_SHUTDOWN_TIMEOUT_SECONDS", timeout)]);
    let task = json!({"id": "long", "type": "echo", "trigger": {"type": "interval", "hours": 1},
        "params": {"message": "ding", "sleep_ms": sleep_ms}});
    let made = server.post("/api/v1/tasks", &task).send().await.expect("answers");
    assert_eq!(made.status(), StatusCode::CREATED);
    let asked = server.post("/api/v1/tasks/long/run", &json!({})).send().await.expect("answers");
    assert_eq!(asked.status(), StatusCode::ACCEPTED);
    until("the run to begin", || async {
        let page = server.json("/api/v1/executions?status=running").await;
        page["items"].as_array().is_some_and(|items| items.len() == 1).then_some(())
    })
    .await;
    server
}

/// What stands on record of the run, read by the next server.
async fn last_status(folder: &Path) -> String {
    let server = Server::start(folder);
    let page = server.json("/api/v1/executions").await;
    page["items"][0]["status"].as_str().unwrap_or_default().to_owned()
}
