//! A full disk that is freed again, and a data folder that is removed.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::ledger::{count, executions, lost_and_doubled, scheduled_times};
use crate::mount::SmallDisk;
use crate::server::{Server, until};

const TASKS: usize = 5;
/// How long a stop waits for running executions, and what it may take beyond.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
const STOP_MARGIN: Duration = Duration::from_secs(15);

#[tokio::test]
async fn full_disk_stops_no_schedule_for_longer_than_it_is_full() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start(folder.path(), &disk.path().join("data")).await;
    until("the first executions", || async { (count(&server, "succeeded").await > 20).then_some(()) }).await;

    fill(&disk, &server).await;
    until("the readiness check to fail", || ready(&server, StatusCode::SERVICE_UNAVAILABLE)).await;

    disk.free();
    until("the readiness check to succeed", || ready(&server, StatusCode::OK)).await;
    let ended = count(&server, "succeeded").await;
    until("more executions", || async { (count(&server, "succeeded").await > ended + 20).then_some(()) }).await;

    assert_every_occurrence_is_recorded(&server).await;
}

#[tokio::test]
async fn stop_on_a_full_disk_ends_in_time() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let data = disk.path().join("data");
    let server = start(folder.path(), &data).await;
    until("the first executions", || async { (count(&server, "succeeded").await > 20).then_some(()) }).await;
    fill(&disk, &server).await;
    let started = Instant::now();
    server.signal("TERM");
    let (status, _) = server.ended();
    println!("stopped after {:?} with {status}", started.elapsed());
    assert!(started.elapsed() < SHUTDOWN_TIMEOUT + STOP_MARGIN, "{:?}", started.elapsed());

    disk.free();
    let server = server_on(folder.path(), &data);
    until("more executions", || async { (count(&server, "succeeded").await > 60).then_some(()) }).await;
    assert_every_occurrence_is_recorded(&server).await;
}

#[tokio::test]
async fn removed_data_folder_ends_the_server() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let data = folder.path().join("data");
    let server = start(folder.path(), &data).await;
    std::fs::rename(&data, folder.path().join("elsewhere")).expect("rename the folder");
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(1), "{status}");
}

fn server_on(folder: &Path, data: &Path) -> Server {
    let timeout = SHUTDOWN_TIMEOUT.as_secs().to_string();
    let data = data.to_str().expect("a path in UTF-8");
    Server::start_with(folder, &[("BELFRY_DATA_DIR", data), ("BELFRY_WORKERS_SHUTDOWN_TIMEOUT_SECONDS", &timeout)])
}

/// A server with tasks that are due once a second and fill the database.
async fn start(folder: &Path, data: &Path) -> Server {
    let server = server_on(folder, data);
    for number in 0..TASKS {
        let task = json!({"id": format!("second-{number}"), "type": "echo", "trigger": {"type": "interval", "seconds": 1},
            "params": {"message": "x".repeat(4_000)}});
        let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
        assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    }
    server
}

async fn stop_tasks(server: &Server) {
    for number in 0..TASKS {
        let paused = server.post(&format!("/api/v1/tasks/second-{number}/pause"), &json!({})).send().await;
        assert!(paused.expect("get a response").status().is_success());
    }
}

/// Fills the disk and waits until a write fails.
async fn fill(disk: &SmallDisk, server: &Server) {
    disk.fill();
    let refused = until("a refused write", || async { refused_write(server).await }).await;
    assert!(refused.is_server_error(), "{refused}");
}

/// Pauses the tasks, waits for the end of what runs, and compares what is on record with what was due.
async fn assert_every_occurrence_is_recorded(server: &Server) {
    stop_tasks(server).await;
    until("all executions to end", || async {
        (count(server, "queued").await == 0 && count(server, "running").await == 0).then_some(())
    })
    .await;
    let recorded = executions(server).await;
    let recorded: Vec<_> = recorded.into_iter().filter(|execution| execution["cause"] != "api").collect();
    println!("{} occurrences of {TASKS} tasks", recorded.len());
    assert_eq!(scheduled_times(&recorded).len(), TASKS);
    assert_eq!(lost_and_doubled(&recorded), (0, 0), "lost and doubled of {} occurrences", recorded.len());
}

/// The status of a write, if it failed.
async fn refused_write(server: &Server) -> Option<StatusCode> {
    let answer = server.post("/api/v1/tasks/second-0/run", &json!({})).send().await.expect("get a response");
    (!answer.status().is_success()).then(|| answer.status())
}

async fn ready(server: &Server, status: StatusCode) -> Option<()> {
    (server.get("/readyz").send().await.expect("get a response").status() == status).then_some(())
}
