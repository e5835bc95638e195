//! `belfry secret` and `belfry user`, also while a server runs on the same database.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;

use crate::server::{Server, belfry};

fn secret(folder: &Path, arguments: &[&str], input: &str, status: i32) -> String {
    run_command(folder, "secret", arguments, input, status)
}

/// The output of a command, after checking its exit code.
fn run_command(folder: &Path, command: &str, arguments: &[&str], input: &str, status: i32) -> String {
    let mut called = belfry(folder);
    called.arg(command).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = called.spawn().expect("start the program");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
    let output = child.wait_with_output().expect("wait for the program");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    String::from_utf8(output.stdout).expect("valid UTF-8") + &stderr
}

#[tokio::test]
async fn secret_set_takes_effect_in_a_running_server() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    assert_eq!(secret(folder.path(), &["set", "token"], "hunter2-and-more\n", 0), "secret token saved\n");
    assert!(secret(folder.path(), &["list"], "", 0).contains("\ntoken "));
    let task =
        json!({"id": "say", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "<{{ secret('token') }}>"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("get a response").status(), 201);
    let run = server.post("/api/v1/tasks/say/run", &json!({})).send().await.expect("get a response");
    let run: serde_json::Value = run.json().await.expect("valid JSON");
    let path = format!("/api/v1/executions/{}", run["id"].as_str().expect("an ID"));
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
    let log = std::fs::read_to_string(folder.path().join("data/scheduler.log")).expect("read the file");
    assert!(!log.contains("hunter2") && log.contains("secret set"), "{log}");
    assert_eq!(secret(folder.path(), &["rm", "token"], "", 0), "secret token deleted\n");
    assert!(secret(folder.path(), &["rm", "token"], "", 3).contains("there is no secret 'token'"));
    assert!(secret(folder.path(), &["set", "a b"], "x", 2).contains("name: must have"));
}

#[tokio::test]
async fn user_commands_manage_accounts() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let user = |arguments: &[&str], input: &str, status| run_command(folder.path(), "user", arguments, input, status);
    assert_eq!(user(&["add", "bob", "--role", "editor"], "correct battery\n", 0), "account bob created with role editor\n");
    assert!(user(&["add", "carl"], "short", 2).contains("password: must have at least"));
    let set = user(&["set", "bob", "--grant", "send_cmd", "--disable"], "", 0);
    assert!(set.contains("send_cmd") && set.contains("disabled"), "{set}");
    assert_eq!(server.json("/api/v1/users/bob").await["grants"], json!(["send_cmd"]));
    assert!(user(&["set", "bob", "--enable", "--grant", ""], "", 0).contains("\nbob "));
    assert_eq!(user(&["passwd", "bob"], "staple of another kind", 0), "password of bob changed\n");
    assert!(user(&["list"], "", 0).lines().count() == 3);
    assert_eq!(user(&["sign-out", "bob"], "", 0), "all sessions of bob ended\n");
    assert!(user(&["reset-2fa", "bob"], "", 3).contains("the account 'bob' has no second factor"));
    assert!(user(&["rm", "bob"], "", 2).contains("--yes"), "no terminal to confirm on");
    assert_eq!(user(&["rm", "bob", "--yes"], "", 0), "account bob deleted\n");
    assert!(user(&["rm", "admin", "--yes"], "", 5).contains("no administrator would be left"));
    let audit = server.json("/api/v1/audit?target=user:bob").await;
    assert_eq!(audit["items"][0]["via"], "command_line", "{audit}");
}
