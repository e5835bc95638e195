//! A kill and a restart with a backlog of waiting executions.

use std::ops::Range;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::StatusCode;
use serde_json::json;

use crate::fire::now;
use crate::ledger::scheduled_times;
use crate::server::{Server, until};

/// How long a backlog may take after the restart, with a debug build on a busy machine: a minute for each begun ten thousand.
const LIMIT: Duration = Duration::from_secs(60);
/// What the limit is for.
const TASKS_PER_LIMIT: usize = 10_000;
/// Tasks imported at once.
const PART: usize = 2_000;

/// A kill in the middle of as many due tasks.
pub async fn backlog_runs_after_a_kill(tasks: usize) {
    let limit = LIMIT * u32::try_from(tasks.div_ceil(TASKS_PER_LIMIT)).expect("a small number");
    let mut lead = lead_of(tasks).await;
    let (folder, server) = loop {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let server = Server::start(folder.path());
        if import_due_tasks(&server, tasks, lead).await {
            break (folder, server);
        }
        lead *= 2;
    };
    until("the first executions", || async { (server.count("succeeded").await > 0).then_some(()) }).await;
    server.kill();

    let started = Instant::now();
    let server = Server::start(folder.path());
    let listening = started.elapsed();
    // Counts end at ten thousand, so that they do not tell how many have ended.
    let waiting = server.count("queued").await;
    let recorded = loop {
        let is_idle = server.count("queued").await + server.count("running").await == 0;
        let ended = started.elapsed();
        let recorded = if is_idle { server.executions().await } else { Vec::new() };
        if recorded.len() >= tasks {
            println!("listening after {listening:?}, {waiting} or more waiting executions ended after {ended:?}");
            break recorded;
        }
        assert!(ended < limit, "{ended:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((scheduled_times(&recorded).len(), recorded.len()), (tasks, tasks), "tasks and executions");
    let succeeded = recorded.iter().filter(|one| one["status"] == "succeeded").count();
    assert_eq!(succeeded, tasks, "succeeded executions");
}

/// How long the import of the tasks takes here, with a margin, by the first ones.
async fn lead_of(tasks: usize) -> Duration {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let (first, started) = (tasks.min(PART), Instant::now());
    import(&server, 0..first, now() + Duration::from_secs(3600)).await;
    let each = started.elapsed().div_f64(first as f64);
    println!("{:.0} tasks a second by import", 1.0 / each.as_secs_f64());
    Duration::from_secs(2) + each.mul_f64(tasks as f64 * 1.5)
}

/// Imports tasks that are all due at one time, and whose interrupted runs are tried again. Returns whether the import ended before.
async fn import_due_tasks(server: &Server, tasks: usize, lead: Duration) -> bool {
    let due = now() + lead;
    for first in (0..tasks).step_by(PART) {
        import(server, first..tasks.min(first + PART), due).await;
        if now() >= due {
            return false;
        }
    }
    true
}

async fn import(server: &Server, numbers: Range<usize>, due: DateTime<Utc>) {
    let task = |number: usize| {
        json!({"id": format!("due-{number}"), "type": "echo", "params": {"sleep_ms": 1},
            "trigger": {"type": "date", "run_date": due.to_rfc3339_opts(SecondsFormat::Millis, true)},
            "policy": {"retry": {"max_attempts": 3, "delay_seconds": 0.1, "backoff": "fixed"}}})
    };
    let document = json!({"version": 1, "tasks": numbers.map(task).collect::<Vec<_>>()});
    let answer = server.post("/api/v1/import", &document).send().await.expect("get a response");
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
}
