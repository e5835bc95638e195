//! Shutdown of a server by signals.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::server::{Server, belfry, until};

#[tokio::test]
async fn idle_server_shuts_down_cleanly() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let server = Server::start(folder.path());
        server.signal(signal);
        let (status, rest) = server.ended();
        assert_eq!((status.code(), rest.as_str()), (Some(0), ""), "{signal}");
        let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).expect("read");
        assert!(log.contains("stopped"), "{log}");
        let left: Vec<_> = std::fs::read_dir(folder.path().join("data/nodes")).expect("list the folder").collect();
        assert!(left.is_empty(), "its lock is removed: {left:?}");
    }
}

#[tokio::test]
async fn shutdown_waits_for_running_executions() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start_with_running_execution(folder.path(), 1_000, "30").await;
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
    assert_eq!(recorded_status(folder.path()).await, "succeeded");
}

#[tokio::test]
async fn shutdown_timeout_interrupts_running_executions() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start_with_running_execution(folder.path(), 600_000, "1").await;
    let started = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(recorded_status(folder.path()).await, "interrupted");
}

#[tokio::test]
async fn second_signal_exits_at_once() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start_with_running_execution(folder.path(), 600_000, "600").await;
    server.signal("INT");
    until("the shutdown in the log", || async {
        let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).unwrap_or_default();
        log.contains("shutting down").then_some(())
    })
    .await;
    server.signal("INT");
    assert_eq!(server.ended().0.code(), Some(130));
}

/// A blocking call that never returns: here the read of a tasks file that is a pipe without an end.
#[tokio::test]
async fn signal_ends_a_server_with_a_blocked_thread() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("tasks.yaml");
    std::fs::write(&file, "tasks: []\n").expect("write");
    let server = Server::start_with(folder.path(), &[("BELFRY_TASKS_FILE", "tasks.yaml")]);
    std::fs::remove_file(&file).expect("remove");
    assert!(std::process::Command::new("mkfifo").arg(&file).status().expect("run mkfifo").success());
    // Opening the pipe for writing succeeds once the server reads it, and keeps the read waiting.
    let _writer = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(file)).await.expect("a thread");
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
}

/// A server that waits for a pipe before it is ready cannot stop by itself.
#[tokio::test]
async fn second_signal_ends_a_server_that_cannot_stop() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("tasks.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&file).status().expect("run mkfifo").success());
    let mut command = belfry(folder.path());
    command.env("BELFRY_TASKS_FILE", "tasks.yaml").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("start the program");
    let _writer = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(file)).await.expect("a thread");
    let interrupt = |id: u32| std::process::Command::new("kill").args(["-INT", &id.to_string()]).status().expect("run kill");
    assert!(interrupt(child.id()).success());
    until("the shutdown in the log", || async {
        let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).unwrap_or_default();
        log.contains("shutting down").then_some(())
    })
    .await;
    assert!(interrupt(child.id()).success());
    let status = tokio::task::spawn_blocking(move || child.wait()).await.expect("a thread").expect("ends");
    assert_eq!(status.code(), Some(130));
}

/// A server with one running execution of `sleep_ms`.
async fn start_with_running_execution(folder: &Path, sleep_ms: u64, timeout: &str) -> Server {
    let server = Server::start_with(folder, &[("BELFRY_WORKERS_SHUTDOWN_TIMEOUT_SECONDS", timeout)]);
    let task = json!({"id": "long", "type": "echo", "trigger": {"type": "interval", "hours": 1},
        "params": {"message": "ding", "sleep_ms": sleep_ms}, "policy": {"retry": {"on_interruption": false}}});
    let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(created.status(), StatusCode::CREATED);
    let response = server.post("/api/v1/tasks/long/run", &json!({})).send().await.expect("get a response");
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    until("the run to start", || async {
        let page = server.json("/api/v1/executions?status=running").await;
        page["items"].as_array().is_some_and(|items| items.len() == 1).then_some(())
    })
    .await;
    server
}

/// The recorded status of the execution, read through a new server.
async fn recorded_status(folder: &Path) -> String {
    let server = Server::start(folder);
    let page = server.json("/api/v1/executions").await;
    page["items"][0]["status"].as_str().unwrap_or_default().to_owned()
}
