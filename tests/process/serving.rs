//! A server that starts, answers and ends.

use std::path::Path;

use reqwest::StatusCode;

use crate::server::{Server, belfry};

#[tokio::test]
async fn it_says_where_it_answers_and_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    assert!(server.ready_line.starts_with("Belfry is ready at http://127.0.0.1:"), "{}", server.ready_line);
    assert!(!server.ready_line.contains(":0/"), "the real port is shown: {}", server.ready_line);
    assert_eq!(server.get("/healthz").send().await.expect("answers").status(), StatusCode::OK);
    for file in ["task.db", "scheduler.log"] {
        assert!(folder.path().join("data").join(file).is_file(), "{file} is in the data folder");
    }
}

#[tokio::test]
async fn its_log_tells_what_happened_and_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let task = serde_json::json!({"id": "told", "type": "echo", "trigger": {"type": "interval", "hours": 1}, "params": {"message": "hello"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("answers").status(), StatusCode::CREATED);
    let done = server.post("/api/v1/tasks/told/run", &serde_json::json!({})).send().await.expect("answers");
    assert_eq!(done.status(), StatusCode::ACCEPTED);
    crate::server::until("the run in the log", || async { log(folder.path()).contains("succeeded").then_some(()) }).await;
    let text = log(folder.path());
    assert!(text.contains("told") && text.contains("started"), "{text}");
    assert!(!text.contains(crate::server::TOKEN));
}

#[tokio::test]
async fn dangerous_task_types_can_be_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(folder.path(), &[("BELFRY_COMMANDS_ENABLED", "false")]);
    let types = server.json("/api/v1/task-types").await.to_string();
    assert!(types.contains("http_request") && !types.contains("send_cmd"), "{types}");
    let task = serde_json::json!({"id": "no", "type": "send_cmd", "trigger": {"type": "interval", "hours": 1}, "params": {"command": "date"}});
    let answer = server.post("/api/v1/tasks", &task).send().await.expect("answers");
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn commands_answer_on_the_output_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |arguments: &[&str]| {
        let output = belfry(folder.path()).args(arguments).output().expect("runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("is UTF-8")
    };
    assert_eq!(told(&["version"]), format!("belfry {}\n", env!("CARGO_PKG_VERSION")));
    assert!(told(&["--help"]).contains("Examples:"));
    assert!(told(&["openapi"]).starts_with('{') && told(&["openapi", "--yaml"]).starts_with("openapi: "));
    let preview = told(&["preview", "0 8 * * mon-fri", "--tz", "Asia/Shanghai", "--n", "3"]);
    assert_eq!(preview.matches("T08:00:00.000+08:00").count(), 3, "{preview}");
    assert!(std::fs::read_dir(folder.path()).expect("lists").next().is_none(), "commands leave nothing behind");
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("data/scheduler.log")).unwrap_or_default()
}
