//! A kill and a restart with a backlog of waiting executions.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::StatusCode;
use serde_json::json;

use crate::ledger::scheduled_times;
use crate::server::{Server, until};

/// How long a backlog may take after the restart, with a debug build on a busy machine: a minute for each begun ten thousand.
const LIMIT: Duration = Duration::from_secs(60);
/// What the limit is for.
const TASKS_PER_LIMIT: usize = 10_000;
/// How long after the beginning of their import tasks are due: five seconds, and one for each thousand.
fn lead(tasks: usize) -> Duration {
    Duration::from_secs(5) + Duration::from_secs(1) * u32::try_from(tasks.div_ceil(1_000)).expect("a small number")
}

/// A kill in the middle of as many due tasks.
pub async fn backlog_runs_after_a_kill(tasks: usize) {
    let limit = LIMIT * u32::try_from(tasks.div_ceil(TASKS_PER_LIMIT)).expect("a small number");
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    import_due_tasks(&server, tasks).await;
    until("the first executions", || async { (server.count("succeeded").await > 0).then_some(()) }).await;
    server.kill();

    let started = Instant::now();
    let server = Server::start(folder.path());
    let listening = started.elapsed();
    let waiting = server.count("queued").await;
    while server.count("succeeded").await < tasks as i64 {
        assert!(started.elapsed() < limit, "{:?}", started.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("listening after {listening:?}, {waiting} waiting executions ended after {:?}", started.elapsed());
    let recorded = server.executions().await;
    assert_eq!((scheduled_times(&recorded).len(), recorded.len()), (tasks, tasks), "tasks and executions");
}

/// Tasks that are all due shortly, and whose interrupted runs are tried again.
async fn import_due_tasks(server: &Server, tasks: usize) {
    #[expect(clippy::disallowed_methods, reason = "the server under test uses the real clock")]
    let due = DateTime::<Utc>::from(SystemTime::now()) + lead(tasks);
    let task = |number: usize| {
        json!({"id": format!("due-{number}"), "type": "echo", "params": {"sleep_ms": 1},
            "trigger": {"type": "date", "run_date": due.to_rfc3339_opts(SecondsFormat::Millis, true)},
            "policy": {"retry": {"max_attempts": 3, "delay_seconds": 0.1, "backoff": "fixed"}}})
    };
    for first in (0..tasks).step_by(2_000) {
        let document = json!({"version": 1, "tasks": (first..tasks.min(first + 2_000)).map(task).collect::<Vec<_>>()});
        let answer = server.post("/api/v1/import", &document).send().await.expect("get a response");
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap_or_default());
    }
}
