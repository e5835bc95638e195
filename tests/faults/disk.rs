//! A full disk that is freed again, and a data folder that is removed.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::inject::{EROFS, Injection, SYNCS, WRITES};
use crate::ledger::{lost_and_doubled, scheduled_times};
use crate::mount::SmallDisk;
use crate::server::{Server, until};

const TASKS: usize = 5;
/// How long a stop waits for running executions, and what it may take beyond.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
const STOP_MARGIN: Duration = Duration::from_secs(15);

pub async fn full_disk_stops_no_schedule_for_longer_than_it_is_full() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start(folder.path(), &disk.path().join("data")).await;
    until("the first executions", || async { (server.count("succeeded").await > 20).then_some(()) }).await;

    fill(&disk, &server).await;
    until("the readiness check to fail", || ready(&server, StatusCode::SERVICE_UNAVAILABLE)).await;

    disk.free();
    until("the readiness check to succeed", || ready(&server, StatusCode::OK)).await;
    let ended = server.count("succeeded").await;
    until("more executions", || async { (server.count("succeeded").await > ended + 20).then_some(()) }).await;

    assert_every_occurrence_is_recorded(&server).await;
}

pub async fn stop_on_a_full_disk_ends_in_time() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let data = disk.path().join("data");
    let server = start(folder.path(), &data).await;
    until("the first executions", || async { (server.count("succeeded").await > 20).then_some(()) }).await;
    fill(&disk, &server).await;
    assert_stops_in_time(server);

    disk.free();
    let server = server_on(folder.path(), &data);
    until("more executions", || async { (server.count("succeeded").await > 60).then_some(()) }).await;
    assert_every_occurrence_is_recorded(&server).await;
}

pub async fn stop_on_a_read_only_disk_ends_in_time() {
    let Some(injection) = Injection::compile() else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start_with(folder.path(), &folder.path().join("data"), &injection.variables()).await;
    until("the first executions", || async { (server.count("succeeded").await > 20).then_some(()) }).await;
    injection.arm(WRITES | SYNCS, 1, EROFS);
    until("a refused write", || async { refused_write(&server).await }).await;
    assert_stops_in_time(server);
}

fn assert_stops_in_time(server: Server) {
    let started = Instant::now();
    server.signal("TERM");
    let (status, _) = server.ended();
    println!("stopped after {:?} with {status}", started.elapsed());
    assert!(started.elapsed() < SHUTDOWN_TIMEOUT + STOP_MARGIN, "{:?}", started.elapsed());
}

pub async fn removed_data_folder_ends_the_server() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let data = folder.path().join("data");
    let server = start(folder.path(), &data).await;
    std::fs::rename(&data, folder.path().join("elsewhere")).expect("rename the folder");
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(1), "{status}");
}

/// The disk becomes read-only for a while, as after an I/O error.
pub async fn read_only_disk_is_survived() {
    let Some(injection) = Injection::compile() else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = start_with(folder.path(), &folder.path().join("data"), &injection.variables()).await;
    until("the first executions", || async { (server.count("succeeded").await > 20).then_some(()) }).await;
    // A disk with files that are open for writing cannot be remounted; its calls answer as if it were.
    injection.arm(WRITES | SYNCS, 1, EROFS);
    until("a refused write", || async { refused_write(&server).await }).await;
    until("the readiness check to fail", || ready(&server, StatusCode::SERVICE_UNAVAILABLE)).await;
    let since = Instant::now();
    injection.disarm();
    until("the readiness check to succeed", || ready(&server, StatusCode::OK)).await;
    println!("ready {:.2} s after the disk could be written again", since.elapsed().as_secs_f64());
    let ended = server.count("succeeded").await;
    until("more executions", || async { (server.count("succeeded").await > ended + 20).then_some(()) }).await;
    assert_every_occurrence_is_recorded(&server).await;
}

fn server_on(folder: &Path, data: &Path) -> Server {
    server_on_with(folder, data, &[])
}

fn server_on_with(folder: &Path, data: &Path, variables: &[(&str, String)]) -> Server {
    let timeout = SHUTDOWN_TIMEOUT.as_secs().to_string();
    let data = data.to_str().expect("a path in UTF-8");
    let own = [("BELFRY_DATA_DIR", data), ("BELFRY_WORKERS_SHUTDOWN_TIMEOUT_SECONDS", timeout.as_str())];
    let all: Vec<(&str, &str)> = own.into_iter().chain(variables.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    Server::start_with(folder, &all)
}

/// A server with tasks that are due once a second and fill the database.
async fn start(folder: &Path, data: &Path) -> Server {
    start_with(folder, data, &[]).await
}

async fn start_with(folder: &Path, data: &Path, variables: &[(&str, String)]) -> Server {
    let server = server_on_with(folder, data, variables);
    for number in 0..TASKS {
        let task = json!({"id": format!("second-{number}"), "type": "echo", "trigger": {"type": "interval", "seconds": 1}, "policy": {"on_overlap": "allow"},
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
        (server.count("queued").await == 0 && server.count("running").await == 0).then_some(())
    })
    .await;
    let recorded = server.executions().await;
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
