//! A kill and a restart with a backlog of waiting executions.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::StatusCode;
use serde_json::json;

use crate::ledger::scheduled_times;
use crate::server::{Server, until};

const TASKS: usize = 10_000;
/// How long the backlog may take after the restart, with a debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

pub async fn backlog_runs_within_a_minute_after_a_kill() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    import_due_tasks(&server).await;
    until("the first executions", || async { (server.count("succeeded").await > 0).then_some(()) }).await;
    server.kill();

    let started = Instant::now();
    let server = Server::start(folder.path());
    let listening = started.elapsed();
    let waiting = server.count("queued").await;
    until("all executions to end", || async { (server.count("succeeded").await >= TASKS as i64).then_some(()) }).await;
    println!("listening after {listening:?}, {waiting} waiting executions ended after {:?}", started.elapsed());
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    let recorded = server.executions().await;
    assert_eq!((scheduled_times(&recorded).len(), recorded.len()), (TASKS, TASKS), "tasks and executions");
}

/// Tasks that are all due shortly, and whose interrupted runs are tried again.
async fn import_due_tasks(server: &Server) {
    #[expect(clippy::disallowed_methods, reason = "the server under test uses the real clock")]
    let due = DateTime::<Utc>::from(SystemTime::now()) + Duration::from_secs(15);
    let task = |number: usize| {
        json!({"id": format!("due-{number}"), "type": "echo", "params": {"sleep_ms": 1},
            "trigger": {"type": "date", "run_date": due.to_rfc3339_opts(SecondsFormat::Millis, true)},
            "policy": {"retry": {"max_attempts": 3, "delay_seconds": 0.1, "backoff": "fixed"}}})
    };
    for first in (0..TASKS).step_by(2_000) {
        let document = json!({"version": 1, "tasks": (first..first + 2_000).map(task).collect::<Vec<_>>()});
        let answer = server.post("/api/v1/import", &document).send().await.expect("get a response");
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
    }
}
