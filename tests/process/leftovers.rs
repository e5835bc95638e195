//! Processes of runs: none is left when a run or the server ends, however the server ends.

use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, until};

/// A command that starts a process of its own session and one that also has an empty environment and no parent, and writes all ids into
/// a file of its attempt. Of the processes in the file `before` it writes those that are left.
const COMMAND: &str =
    "for pid in $(cat before 2>/dev/null); do grep -qs 'State:.[RSD]' /proc/$pid/status && echo $pid >> left; done
    setsid sh -c 'echo $$ >> pids.'$BELFRY_ATTEMPT'; exec sleep 300 >/dev/null 2>&1' &
    (env -i setsid sh -c 'echo $$ >> pids.'$BELFRY_ATTEMPT'; exec sleep 300 >/dev/null 2>&1' &)
    echo $$ >> pids.$BELFRY_ATTEMPT
    sleep 300";

async fn start_run(server: &Server, folder: &Path, more: &Value) -> String {
    let mut task = json!({"id": "long", "type": "send_cmd", "trigger": {"type": "date", "run_date": "2099-01-01 00:00:00"},
        "params": {"command": COMMAND, "cwd": folder}});
    task.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    let run = server.post("/api/v1/tasks/long/run", &json!({})).send().await.expect("get a response");
    run.json::<Value>().await.expect("valid JSON")["id"].as_str().expect("an id").to_owned()
}

/// The ids of the three processes of an attempt, once all run.
async fn processes(folder: &Path, attempt: u32) -> Vec<String> {
    until("the processes to start", || async {
        let ids = std::fs::read_to_string(folder.join(format!("pids.{attempt}"))).unwrap_or_default();
        let ids: Vec<String> = ids.lines().map(str::to_owned).collect();
        (ids.len() == 3).then_some(ids)
    })
    .await
}

/// Whether a process runs; a zombie does not.
fn is_alive(pid: &String) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

async fn all_gone(pids: &[String]) {
    until("the processes to end", || async { pids.iter().all(|pid| !is_alive(pid)).then_some(()) }).await;
}

async fn status(server: &Server, id: &str, wanted: &str) -> Value {
    until(wanted, || async {
        let run = server.json(&format!("/api/v1/executions/{id}")).await;
        (run["status"] == wanted).then_some(run)
    })
    .await
}

#[tokio::test]
async fn start_after_a_kill_ends_what_is_left_before_it_tries_again() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let retry = json!({"policy": {"retry": {"max_attempts": 2, "delay_seconds": 0.1, "backoff": "fixed"}}});
    let id = start_run(&server, folder.path(), &retry).await;
    let first = processes(folder.path(), 1).await;
    std::fs::write(folder.path().join("before"), first.join("\n")).expect("write");
    server.kill();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(first.iter().all(is_alive), "nobody has ended them yet");

    let server = Server::start(folder.path());
    let second = processes(folder.path(), 2).await;
    assert!(!folder.path().join("left").exists(), "the second attempt began while the first one ran");
    assert!(first.iter().all(|pid| !is_alive(pid)) && second.iter().all(is_alive));
    let cancelled = server.post(&format!("/api/v1/executions/{id}/cancel"), &json!({})).send().await.expect("get a response");
    assert_eq!(cancelled.status(), StatusCode::OK);
    status(&server, &id, "cancelled").await;
    all_gone(&second).await;
}

#[tokio::test]
async fn second_server_ends_what_a_killed_one_has_left() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let (first, second) = (Server::start(folder.path()), Server::start(folder.path()));
    start_run(&first, folder.path(), &json!({})).await;
    let pids = processes(folder.path(), 1).await;
    let workers = pids.iter().map(|pid| parent_of(pid)).collect::<Vec<_>>();
    // Either server may have taken the run.
    if workers.contains(&first.id()) {
        first.kill();
    } else {
        second.kill();
    }
    all_gone(&pids).await;
}

fn parent_of(pid: &str) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn time_limit_and_stop_end_every_process() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start_with(folder.path(), &[("BELFRY_WORKERS_SHUTDOWN_TIMEOUT_SECONDS", "1")]);
    let retry = json!({"policy": {"timeout_seconds": 1, "retry": {"max_attempts": 2, "delay_seconds": 0.1, "backoff": "fixed"}}});
    let id = start_run(&server, folder.path(), &retry).await;
    let first = processes(folder.path(), 1).await;
    all_gone(&first).await;
    let second = processes(folder.path(), 2).await;
    status(&server, &id, "timed_out").await;
    all_gone(&second).await;

    let patched = server.patch("/api/v1/tasks/long", &json!({"policy": {"timeout_seconds": null}})).send().await;
    assert_eq!(patched.expect("get a response").status(), StatusCode::OK);
    std::fs::remove_file(folder.path().join("pids.1")).expect("remove");
    server.post("/api/v1/tasks/long/run", &json!({})).send().await.expect("get a response");
    let last = processes(folder.path(), 1).await;
    server.signal("TERM");
    assert_eq!(server.ended().0.code(), Some(0));
    assert!(last.iter().all(|pid| !is_alive(pid)), "the server has ended them");
}

#[tokio::test]
async fn adopted_processes_leave_no_zombies() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let command = "setsid sh -c 'sleep 0.2' & echo $! > pids.1; echo 1 >> pids.1; echo 1 >> pids.1";
    start_run(&server, folder.path(), &json!({"params": {"command": command, "cwd": folder.path(), "leave": true}})).await;
    let pid = processes(folder.path(), 1).await.remove(0);
    until("the process to be collected", || async { (!Path::new(&format!("/proc/{pid}")).exists()).then_some(()) }).await;
}
