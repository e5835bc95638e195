//! A kill during a burst and a restart: every occurrence has exactly one execution, and all of them end.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::server::{Server, until};
use crate::support::TestDatabase;

const TASKS: usize = 300;

#[tokio::test]
async fn kill_during_a_burst_runs_every_occurrence_once_on_sqlite() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    kill_in_a_burst(folder.path(), &[]).await;
    let url = format!("sqlite://{}", folder.path().join("data/task.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.expect("open the database");
    let result: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut database).await.expect("get a response");
    assert_eq!(result, "ok");
}

#[tokio::test]
async fn kill_during_a_burst_runs_every_occurrence_once_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    kill_in_a_burst(folder.path(), &[("BELFRY_DATABASE_URL", &db.url())]).await;
    db.remove().await;
}

async fn kill_in_a_burst(folder: &Path, variables: &[(&str, &str)]) {
    let server = Server::start_with(folder, variables);
    let due = create_burst(&server).await;
    until("the burst to start", || async { (server.count("succeeded").await > 0).then_some(()) }).await;
    server.kill();

    let server = Server::start_with(folder, variables);
    until("the burst to end", || async { ended(&server).await.then_some(()) }).await;
    let executions = server.executions().await;
    let mut per_occurrence: HashMap<(String, String), usize> = HashMap::new();
    for execution in &executions {
        let text = |name: &str| execution[name].as_str().unwrap_or_default().to_owned();
        *per_occurrence.entry((text("task_id"), text("scheduled_at"))).or_default() += 1;
    }
    assert_eq!(per_occurrence.len(), TASKS, "each task has its occurrence recorded; due {due}");
    assert!(per_occurrence.values().all(|count| *count == 1), "no occurrence has two executions");
    assert!(executions.iter().any(|execution| execution["attempt"].as_i64() > Some(1)), "the kill interrupted executions");
    let failed: Vec<&Value> = executions.iter().filter(|execution| execution["status"] != "succeeded").collect();
    assert!(failed.is_empty(), "every execution succeeds in the end: {failed:?}");
}

/// Creates tasks that are all due at the same time in a few seconds, with runs of 200 ms.
async fn create_burst(server: &Server) -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the server under test uses the real clock")]
    let now = DateTime::<Utc>::from(SystemTime::now());
    let due = now + Duration::from_secs(4);
    let task = |number: usize| {
        json!({
            "id": format!("burst-{number}"), "type": "echo",
            "trigger": {"type": "date", "run_date": due.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)},
            "params": {"message": "ding", "sleep_ms": 200},
            "policy": {"retry": {"max_attempts": 5, "delay_seconds": 0.1, "backoff": "fixed"}},
        })
    };
    // One request, so that all of them exist before they are due, however busy the machine is.
    let document = json!({"version": 1, "tasks": (0..TASKS).map(task).collect::<Vec<_>>()});
    let answer = server.post("/api/v1/import", &document).send().await.expect("get a response");
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
    due
}

/// Whether every task has a result and nothing is queued or running.
async fn ended(server: &Server) -> bool {
    server.count("queued").await == 0 && server.count("running").await == 0 && server.executions().await.len() >= TASKS
}

#[cfg(unix)]
#[tokio::test]
async fn run_that_kills_the_process_twice_fails_and_is_not_tried_again() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let task = json!({"id": "killer", "type": "send_cmd", "trigger": {"type": "interval", "hours": 1},
        "params": {"command": "kill -9 $PPID"},
        "policy": {"retry": {"max_attempts": 9, "delay_seconds": 2, "backoff": "fixed"}}});
    let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(created.status(), StatusCode::CREATED);
    let _ = server.post("/api/v1/tasks/killer/run", &json!({})).send().await; // the server may die before it answers
    assert!(!server.ended().0.success(), "the first attempt kills the server");
    assert!(!Server::start(folder.path()).ended().0.success(), "and so does the second");

    let server = Server::start(folder.path());
    let executions = server.executions().await;
    let execution = executions.first().expect("an execution");
    assert_eq!((&execution["status"], &execution["attempt"]), (&json!("failed"), &json!(2)), "{execution}");
    let error = execution["error"].as_str().unwrap_or_default();
    assert!(error.contains("died 2 times") && error.contains("not tried again"), "{error}");
}

/// The most memory that the server has had, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("the server runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn templates_with_large_values_use_bounded_memory() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let before = peak_memory(&server);
    let large = "{% set a = 'x' | indent(first=true, width=1000) %}{% set b = a | replace(from=' ', to=a) %}{% set c = b ~ b %}";
    let ampersands =
        "{% set a = '&' | indent(first=true, width=1000) | replace(from=' ', to='&') %}{% set b = a | replace(from='&', to=a) %}";
    let templates = [
        format!("{large}{{{{ c{} }}}}", " ~ c".repeat(16)),
        format!("{large}{{{{ [c | upper{}] | length }}}}", ", c | upper".repeat(22)),
        format!("{large}{{{{ c | replace(from='x', to=a){} }}}}", " ~ c | upper".repeat(14)),
        format!("{ampersands}{{{{ b{} }}}}", " | escape_xml".repeat(46)),
        format!("{ampersands}{{{{ b{} }}}}", " | escape".repeat(46)),
        format!("{large}{{{{ range(end=49999) | join(sep=c) }}}}"),
    ];
    for (number, message) in templates.iter().enumerate() {
        for copy in 0..4 {
            let id = format!("large-{number}-{copy}");
            let task =
                json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 1}, "params": {"message": message}});
            let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
            assert_eq!(created.status(), StatusCode::CREATED, "{message:.200}");
            let started = server.post(&format!("/api/v1/tasks/{id}/run"), &json!({})).send().await.expect("get a response");
            assert_eq!(started.status(), StatusCode::ACCEPTED);
        }
    }
    let all = i64::try_from(templates.len()).expect("few") * 4;
    until("all runs to end", || async { (server.count("failed").await + server.count("succeeded").await == all).then_some(()) })
        .await;
    let grown = (peak_memory(&server) - before) >> 20;
    assert!(grown < 768, "{grown} MiB");
}

#[tokio::test]
async fn run_with_an_endless_template_fails_and_the_server_goes_on() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let doubling = format!("{{% set a = 'text' %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(60));
    let nested =
        "{% for i in range(end=9999) %}{% for j in range(end=9999) %}{% if now | upper %}{% endif %}{% endfor %}{% endfor %}";
    for (id, message) in [("doubling", doubling.as_str()), ("nested", nested)] {
        let task = json!({"id": id, "type": "echo", "trigger": {"type": "interval", "hours": 1}, "params": {"message": message}});
        let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
        assert_eq!(created.status(), StatusCode::CREATED);
        let started = server.post(&format!("/api/v1/tasks/{id}/run"), &json!({})).send().await.expect("get a response");
        assert_eq!(started.status(), StatusCode::ACCEPTED);
    }
    until("both runs to end", || async { (server.count("failed").await == 2).then_some(()) }).await;
    assert!(
        server
            .executions()
            .await
            .iter()
            .all(|execution| execution["error"].as_str().is_some_and(|error| error.contains("message")))
    );
}
