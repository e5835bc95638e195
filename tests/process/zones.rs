//! A server whose time zone changes between its starts: each occurrence is where the zone in force at that time put it, and
//! `belfry verify` agrees, in whatever zone it runs itself.

use std::path::Path;

use belfry::clock::{Clock, SystemClock};
use chrono::{DateTime, Timelike, Utc};
use serde_json::{Value, json};

use crate::cli::run;
use crate::server::{Server, belfry, until};
use crate::support::TestDatabase;

/// Zones twelve hours apart; POSIX turns the signs around.
const EAST: (&str, i64) = ("Etc/GMT-9", 9);
const WEST: (&str, i64) = ("Etc/GMT+3", -3);
/// Runs to wait for.
const RUNS: usize = 3;

/// Fires each second of the present hour and the next one, as clocks show them in a zone.
fn rule((_, offset): (&str, i64)) -> String {
    let hour = |ahead: i64| (i64::from(SystemClock.now().hour()) + offset + ahead).rem_euclid(24);
    format!("* * {},{} * * *", hour(0), hour(1))
}

fn variables<'v>(url: Option<&'v str>, more: &[(&'v str, &'v str)]) -> Vec<(&'v str, &'v str)> {
    url.map(|url| ("BELFRY_DATABASE_URL", url)).into_iter().chain(more.iter().copied()).collect()
}

async fn create(server: &Server, id: &str, trigger: Value) {
    let task = json!({"id": id, "type": "echo", "trigger": trigger, "policy": {"on_overlap": "allow"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("get a response").status(), 201, "{id}");
}

/// The scheduled times of a task, in order.
async fn times(server: &Server, task: &str) -> Vec<DateTime<Utc>> {
    let page = server.json(&format!("/api/v1/tasks/{task}/executions?page_size=500")).await;
    let at = |one: &Value| one["scheduled_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let mut times: Vec<DateTime<Utc>> = page["items"].as_array().expect("executions").iter().map(at).collect();
    times.sort();
    times
}

async fn fires_after(server: &Server, task: &str, from: DateTime<Utc>) {
    until(&format!("runs of {task}"), || async {
        (times(server, task).await.iter().filter(|at| **at > from).count() >= RUNS).then_some(())
    })
    .await;
}

fn stop(server: Server) {
    server.signal("TERM");
    assert!(server.ended().0.success());
}

#[tokio::test]
async fn occurrences_follow_the_zone_of_the_server_from_start_to_start_on_sqlite() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    zone_of_the_server_changes(folder.path(), None).await;
}

#[tokio::test]
async fn occurrences_follow_the_zone_of_the_server_from_start_to_start_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    zone_of_the_server_changes(folder.path(), Some(&db.url())).await;
    db.remove().await;
}

async fn zone_of_the_server_changes(folder: &Path, url: Option<&str>) {
    let (east, west) = (rule(EAST), rule(WEST));
    let first = SystemClock.now();
    let server = Server::start_with(folder, &variables(url, &[("TZ", EAST.0)]));
    create(&server, "east", json!({"type": "cron", "expression": east})).await;
    create(&server, "west", json!({"type": "cron", "expression": west})).await;
    create(&server, "always-east", json!({"type": "cron", "expression": east, "timezone": EAST.0})).await;
    create(&server, "paused-east", json!({"type": "cron", "expression": east})).await;
    server.post("/api/v1/tasks/paused-east/pause", &json!({})).send().await.expect("get a response");
    fires_after(&server, "east", first).await;
    stop(server);

    // A command in another zone than the server's changes nothing about what its rules mean.
    let command =
        |zone: &str, arguments: &[&str]| run(belfry(folder).args(arguments).envs(variables(url, &[])).env("TZ", zone), "");
    command(WEST.0, &["task", "add", "added-west", "--type", "echo", "--cron", &west]).ok();
    command(WEST.0, &["task", "add", "added-east", "--type", "echo", "--cron", &east]).ok();
    let server = Server::start_with(folder, &variables(url, &[("TZ", EAST.0)]));
    fires_after(&server, "added-east", first).await;
    assert!(times(&server, "added-west").await.is_empty(), "planned by the zone of the command");
    server.kill();

    let second = SystemClock.now();
    let server = Server::start_with(folder, &variables(url, &[("TZ", WEST.0)]));
    let moved = SystemClock.now();
    fires_after(&server, "west", moved).await;
    server.post("/api/v1/tasks/paused-east/resume", &json!({})).send().await.expect("get a response");
    let resumed = SystemClock.now();
    fires_after(&server, "always-east", resumed).await;
    stop(server);

    // The setting counts more than the environment.
    let third = SystemClock.now();
    let server = Server::start_with(folder, &variables(url, &[("TZ", WEST.0), ("BELFRY_SERVER_ZONE", EAST.0)]));
    let back = SystemClock.now();
    fires_after(&server, "east", back).await;
    let (of_east, of_west) = (times(&server, "east").await, times(&server, "west").await);
    let paused = times(&server, "paused-east").await;
    stop(server);

    let between = |times: &[DateTime<Utc>], from, to| times.iter().filter(|at| (from..to).contains(*at)).count();
    assert_eq!(between(&of_east, moved, third), 0, "in the west: {of_east:?}");
    assert_eq!(between(&of_west, first, second) + between(&of_west, back, SystemClock.now()), 0, "in the east: {of_west:?}");
    assert!(between(&of_east, first, second) >= RUNS && between(&of_east, back, SystemClock.now()) >= RUNS, "{of_east:?}");
    assert_eq!(between(&paused, resumed, third), 0, "in the west: {paused:?}");
    for zone in [EAST.0, WEST.0, "Asia/Kathmandu"] {
        let ended = command(zone, &["verify", "--json"]);
        let found: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        assert_eq!(ended.status, 0, "{zone}: {found}");
        assert!(found["expected"].as_u64() > Some(20), "{zone}: {found}");
    }
}
