//! Executables as task types of a running server.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::server::{Server, until};

/// Writes an executable atomically.
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("create the folder");
    let temporary = folder.join(".aside");
    std::fs::write(&temporary, text).expect("write a file");
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o755)).expect("set the mode");
    std::fs::rename(&temporary, folder.join(name)).expect("rename");
}

async fn has_type(server: &Server, name: &str) -> bool {
    server.json("/api/v1/task-types").await.to_string().contains(&format!("\"{name}\""))
}

#[tokio::test]
async fn executables_are_added_and_removed_without_a_restart() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let tasks = folder.path().join("data/tasks");
    let server = Server::start(folder.path());
    assert!(!has_type(&server, "shout").await);
    write(&tasks, "shout.sh", "#!/bin/sh\n[ \"$1\" ] && exit 1\ntr a-z A-Z\n");
    until("the new task type", || async { has_type(&server, "shout").await.then_some(()) }).await;
    let task = json!({"id": "loud", "type": "shout", "trigger": {"type": "interval", "hours": 1}, "params": {"钟": "bell"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("get a response").status(), 201);
    let run: Value =
        server.post("/api/v1/tasks/loud/run", &json!({})).send().await.expect("get a response").json().await.expect("valid JSON");
    let id = run["id"].as_str().expect("an ID").to_owned();
    let done = until("the run", || async {
        let execution = server.json(&format!("/api/v1/executions/{id}")).await;
        (execution["status"] == "succeeded").then_some(execution)
    })
    .await;
    assert_eq!(done["result"], json!({"钟": "BELL"}));
    std::fs::remove_file(tasks.join("shout.sh")).expect("remove the file");
    until("the end of the task type", || async { (!has_type(&server, "shout").await).then_some(()) }).await;
}

#[tokio::test]
async fn executables_are_registered_at_the_start_unless_commands_are_disabled() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let other = folder.path().join("other");
    write(&other, "one", "#!/bin/sh\nexit 1\n");
    let settings = [("BELFRY_TASKS_FOLDER", "other")];
    assert!(has_type(&Server::start_with(folder.path(), &settings), "one").await, "before the first request");
    let off = [settings[0], ("BELFRY_COMMANDS_ENABLED", "false")];
    assert!(!has_type(&Server::start_with(folder.path(), &off), "one").await);
}
