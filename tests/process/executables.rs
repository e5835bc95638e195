//! Executables of the user's own in a server that runs.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::server::{Server, until};

/// Written aside and moved into place, as one should.
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("makes a folder");
    let aside = folder.join(".aside");
    std::fs::write(&aside, text).expect("writes");
    std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o755)).expect("sets the mode");
    std::fs::rename(&aside, folder.join(name)).expect("moves");
}

async fn has_type(server: &Server, name: &str) -> bool {
    server.json("/api/v1/task-types").await.to_string().contains(&format!("\"{name}\""))
}

#[tokio::test]
async fn they_come_run_and_go_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let tasks = folder.path().join("data/tasks");
    let server = Server::start(folder.path());
    assert!(!has_type(&server, "shout").await);
    write(&tasks, "shout.sh", "#!/bin/sh\n[ \"$1\" ] && exit 1\ntr a-z A-Z\n");
    until("the new task type", || async { has_type(&server, "shout").await.then_some(()) }).await;
    let task = json!({"id": "loud", "type": "shout", "trigger": {"type": "interval", "hours": 1}, "params": {"钟": "bell"}});
    assert_eq!(server.post("/api/v1/tasks", &task).send().await.expect("answers").status(), 201);
    let run: Value =
        server.post("/api/v1/tasks/loud/run", &json!({})).send().await.expect("answers").json().await.expect("is JSON");
    let id = run["id"].as_str().expect("an id").to_owned();
    let done = until("the run", || async {
        let execution = server.json(&format!("/api/v1/executions/{id}")).await;
        (execution["status"] == "succeeded").then_some(execution)
    })
    .await;
    assert_eq!(done["result"], json!({"钟": "BELL"}));
    std::fs::remove_file(tasks.join("shout.sh")).expect("removes");
    until("the end of the task type", || async { (!has_type(&server, "shout").await).then_some(()) }).await;
}

#[tokio::test]
async fn they_are_there_from_the_start_in_the_folder_of_the_settings_unless_commands_are_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other");
    write(&other, "one", "#!/bin/sh\nexit 1\n");
    let settings = [("BELFRY_TASKS_FOLDER", "other")];
    assert!(has_type(&Server::start_with(folder.path(), &settings), "one").await, "before the first request");
    let off = [settings[0], ("BELFRY_COMMANDS_ENABLED", "false")];
    assert!(!has_type(&Server::start_with(folder.path(), &off), "one").await);
}
