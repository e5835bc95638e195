//! Killed in the middle of a burst, started again: every instant has exactly one execution, and all of them come to an end.

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
async fn a_kill_in_the_middle_of_a_burst_loses_and_doubles_nothing_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    kill_in_a_burst(folder.path(), &[]).await;
    let url = format!("sqlite://{}", folder.path().join("data/task.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.expect("opens");
    let told: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut database).await.expect("answers");
    assert_eq!(told, "ok");
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_burst_loses_and_doubles_nothing_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    kill_in_a_burst(folder.path(), &[("BELFRY_DATABASE_URL", &db.url())]).await;
    db.remove().await;
}

async fn kill_in_a_burst(folder: &Path, variables: &[(&str, &str)]) {
    let server = Server::start_with(folder, variables);
    let due = create_burst(&server).await;
    until("the burst to begin", || async { (count(&server, "succeeded").await > 0).then_some(()) }).await;
    server.kill();

    let server = Server::start_with(folder, variables);
    until("the burst to end", || async { ended(&server).await.then_some(()) }).await;
    let executions = all(&server).await;
    let mut of_instant: HashMap<(String, String), usize> = HashMap::new();
    for execution in &executions {
        let text = |name: &str| execution[name].as_str().unwrap_or_default().to_owned();
        *of_instant.entry((text("task_id"), text("scheduled_at"))).or_default() += 1;
    }
    assert_eq!(of_instant.len(), TASKS, "each task has its instant on record; due {due}");
    assert!(of_instant.values().all(|count| *count == 1), "no instant has two executions");
    assert!(executions.iter().any(|execution| execution["attempt"].as_i64() > Some(1)), "the kill cut runs off");
    let failed: Vec<&Value> = executions.iter().filter(|execution| execution["status"] != "succeeded").collect();
    assert!(failed.is_empty(), "with attempts left every run succeeds in the end: {failed:?}");
}

/// Tasks that are all due at one instant a little ahead, and each run of which takes a moment.
async fn create_burst(server: &Server) -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the server under test goes by the real clock")]
    let now = DateTime::<Utc>::from(SystemTime::now());
    let due = now + Duration::from_secs(4);
    for number in 0..TASKS {
        let task = json!({
            "id": format!("burst-{number}"), "type": "echo",
            "trigger": {"type": "date", "run_date": due.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)},
            "params": {"message": "ding", "sleep_ms": 200},
            "policy": {"retry": {"max_attempts": 5, "delay_seconds": 0.1, "backoff": "fixed"}},
        });
        let answer = server.post("/api/v1/tasks", &task).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap_or_default());
    }
    due
}

async fn count(server: &Server, status: &str) -> i64 {
    let page = server.json(&format!("/api/v1/executions?status={status}&page_size=1")).await;
    page["total"].as_i64().unwrap_or_default()
}

/// Every task has a last result, and nothing waits or runs any more.
async fn ended(server: &Server) -> bool {
    count(server, "queued").await == 0 && count(server, "running").await == 0 && all(server).await.len() >= TASKS
}

async fn all(server: &Server) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.json(&format!("/api/v1/executions?page_size=500{cursor}")).await;
        found.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}
