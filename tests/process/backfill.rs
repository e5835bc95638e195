//! A kill during a backfill and a restart: every chosen occurrence has exactly one run, and the command line explains them.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, belfry, until};
use crate::support::TestDatabase;

const OCCURRENCES: usize = 60;

#[tokio::test]
async fn kill_during_a_backfill_runs_every_occurrence_once_on_sqlite() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    kill_in_a_backfill(folder.path(), &[]).await;
}

#[tokio::test]
async fn kill_during_a_backfill_runs_every_occurrence_once_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    kill_in_a_backfill(folder.path(), &[("BELFRY_DATABASE_URL", &db.url())]).await;
    db.remove().await;
}

async fn create(server: &Server) {
    let task = json!({"id": "report", "type": "echo", "params": {"message": "{{ business_date }}", "sleep_ms": 50},
        "trigger": {"type": "interval", "days": 1, "start_date": "2026-01-01 08:00", "timezone": "Asia/Shanghai"},
        "policy": {"max_instances": 4, "retry": {"max_attempts": 5, "delay_seconds": 0.1, "backoff": "fixed"}}});
    let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
}

async fn kill_in_a_backfill(folder: &Path, variables: &[(&str, &str)]) {
    let server = Server::start_with(folder, variables);
    create(&server).await;
    let span = json!({"from": "2026-01-01", "to": "2026-03-02", "concurrency": 3});
    let started = server.post("/api/v1/tasks/report/backfill", &span).send().await.expect("get a response");
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    let started: Value = started.json().await.expect("valid JSON");
    assert_eq!(started["planned"], OCCURRENCES);
    until("the backfill to begin", || async { (server.count("succeeded").await > 5).then_some(()) }).await;
    server.kill();

    let server = Server::start_with(folder, variables);
    let path = format!("/api/v1/backfills/{}", started["id"].as_str().expect("an id"));
    until("the backfill to end", || async { (server.json(&path).await["status"] == "finished").then_some(()) }).await;
    let mut runs: BTreeMap<String, usize> = BTreeMap::new();
    for execution in server.executions().await.iter().filter(|one| one["cause"] == "backfill") {
        assert_eq!(execution["status"], "succeeded", "{execution}");
        *runs.entry(execution["scheduled_at"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    assert_eq!((runs.len(), runs.values().sum::<usize>()), (OCCURRENCES, OCCURRENCES), "{runs:?}");
    let newest = server.json("/api/v1/executions?cause=backfill&page_size=1").await;
    let id = newest["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(server.json(&format!("/api/v1/executions/{id}")).await["result"]["message"], "2026-03-01", "its own date");
}

#[tokio::test]
async fn commands_pause_backfill_and_explain() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    create(&server).await;
    let run = |arguments: &[&str]| {
        let mut command = belfry(folder.path());
        command.args(arguments).args(["--server", server.base(), "--lang", "en"]).env("BELFRY_TOKEN", crate::server::TOKEN);
        let output = command.output().expect("run the program");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (status, text) = run(&["task", "pause", "report", "--until", "2035-01-01", "--reason", "stocktaking"]);
    assert!(status == Some(0) && text.contains("until"), "{text}");
    let (_, text) = run(&["task", "show", "report"]);
    assert!(text.contains("stocktaking"), "{text}");
    let (status, text) = run(&["task", "pause", "report", "--until", "2020-01-01"]);
    assert!(status == Some(2) && text.contains("until"), "{text}");
    let (status, text) = run(&["why", "report", "2026-01-05 08:00"]);
    assert!(status == Some(0) && text.contains("interval"), "{text}");
    let (_, text) = run(&["backfill", "occurrences", "report", "--from", "2026-01-01", "--to", "2026-01-03"]);
    assert!(text.contains("before the task existed"), "{text}");
    let (status, text) = run(&["backfill", "start", "report", "--time", "2026-01-01 08:00", "--yes"]);
    assert!(status == Some(0) && text.contains("1 run"), "{text}");
    let id = text.split_whitespace().nth(1).unwrap_or_default().to_owned();
    until("the backfill to end", || async {
        (server.json(&format!("/api/v1/backfills/{id}")).await["status"] == "finished").then_some(())
    })
    .await;
    let (status, text) =
        run(&["backfill", "start", "report", "--from", "2026-01-01", "--to", "2026-01-03", "--only", "all", "--yes"]);
    assert!(status == Some(0) && text.contains("2 runs"), "{text}");
    let id = text.split_whitespace().nth(1).unwrap_or_default().to_owned();
    until("the backfill to end", || async {
        (server.json(&format!("/api/v1/backfills/{id}")).await["status"] == "finished").then_some(())
    })
    .await;
    let (_, text) = run(&["backfill", "show", &id]);
    assert!(text.contains("2 / 2"), "{text}");
    let (_, text) = run(&["backfill", "list", "report"]);
    assert!(text.contains(&id), "{text}");
    let (status, _) = run(&["backfill", "cancel", &id]);
    assert_eq!(status, Some(5), "it has ended");
}
