//! `belfry secret`, also while a server runs on the same database.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::server::{Server, belfry};

/// What the command answers, after its exit status was checked.
fn secret(folder: &Path, arguments: &[&str], input: &str, status: i32) -> String {
    let mut command = belfry(folder);
    command.arg("secret").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    child.stdin.take().expect("is piped").write_all(input.as_bytes()).expect("reads");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{said}");
    String::from_utf8(output.stdout).expect("is UTF-8") + &said
}

#[tokio::test]
async fn a_secret_set_at_the_command_line_is_used_and_hidden_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    assert_eq!(secret(folder.path(), &["set", "token"], "hunter2-and-more\n", 0), "token is set\n");
    assert!(secret(folder.path(), &["list"], "", 0).starts_with("token "));
    let task =
        json!({"id": "say", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "<{{ secret('token') }}>"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("answers").status(), 201);
    let run = server.post("/api/v1/tasks/say/run", &json!({})).send().await.expect("answers");
    let run: serde_json::Value = run.json().await.expect("is JSON");
    let path = format!("/api/v1/executions/{}", run["id"].as_str().expect("an id"));
    let mut shown = server.json(&path).await;
    for _ in 0..500 {
        if shown["finished_at"].is_string() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        shown = server.json(&path).await;
    }
    assert_eq!((&shown["status"], &shown["result"]["message"]), (&json!("succeeded"), &json!("<***>")), "{shown}");
    assert_eq!(shown["filled_params"]["message"], "<***>");
    let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).expect("is there");
    assert!(!log.contains("hunter2") && log.contains("secret set"), "{log}");
    assert_eq!(secret(folder.path(), &["rm", "token"], "", 0), "token is deleted\n");
    assert!(secret(folder.path(), &["rm", "token"], "", 1).contains("there is no secret 'token'"));
    assert!(secret(folder.path(), &["set", "a b"], "x", 2).contains("name: must have"));
}
