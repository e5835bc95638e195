//! A server that starts, responds and ends, and commands without a server.

use std::path::Path;

use reqwest::StatusCode;

use crate::server::{Server, belfry};

#[tokio::test]
async fn serve_prints_its_address_and_responds() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    assert!(server.ready_line.starts_with("Belfry is ready at http://127.0.0.1:"), "{}", server.ready_line);
    assert!(!server.ready_line.contains(":0/"), "the actual port is shown: {}", server.ready_line);
    assert_eq!(server.get("/healthz").send().await.expect("get a response").status(), StatusCode::OK);
    for file in ["task.db", "scheduler.log"] {
        assert!(folder.path().join("data").join(file).is_file(), "{file} is in the data folder");
    }
}

#[tokio::test]
async fn log_contains_executions_and_no_secret() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let task = serde_json::json!({"id": "told", "type": "echo", "trigger": {"type": "interval", "hours": 1}, "params": {"message": "hello"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("get a response").status(), StatusCode::CREATED);
    let done = server.post("/api/v1/tasks/told/run", &serde_json::json!({})).send().await.expect("get a response");
    assert_eq!(done.status(), StatusCode::ACCEPTED);
    crate::server::until("the run in the log", || async { log(folder.path()).contains("succeeded").then_some(()) }).await;
    let text = log(folder.path());
    assert!(text.contains("told") && text.contains("started"), "{text}");
    assert!(!text.contains(crate::server::TOKEN));
}

#[tokio::test]
async fn commands_enabled_false_removes_dangerous_task_types() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start_with(folder.path(), &[("BELFRY_COMMANDS_ENABLED", "false")]);
    let types = server.json("/api/v1/task-types").await.to_string();
    assert!(types.contains("http_request") && !types.contains("send_cmd"), "{types}");
    let task = serde_json::json!({"id": "no", "type": "send_cmd", "trigger": {"type": "interval", "hours": 1}, "params": {"command": "date"}});
    let answer = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn commands_write_to_standard_output() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let stdout = |arguments: &[&str]| {
        let output = belfry(folder.path()).args(arguments).output().expect("run the program");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("valid UTF-8")
    };
    assert_eq!(stdout(&["version"]), format!("belfry {}\n", env!("CARGO_PKG_VERSION")));
    assert!(stdout(&["--help"]).contains("Examples:"));
    assert!(stdout(&["openapi"]).starts_with('{') && stdout(&["openapi", "--yaml"]).starts_with("openapi: "));
    let preview = stdout(&["preview", "0 8 * * mon-fri", "--tz", "Asia/Shanghai", "--n", "3"]);
    assert_eq!(preview.matches("T08:00:00.000+08:00").count(), 3, "{preview}");
    assert!(std::fs::read_dir(folder.path()).expect("list the folder").next().is_none(), "commands create no files");
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("data/scheduler.log")).unwrap_or_default()
}
