//! Tasks from files and from the editor: errors with their line, and changes before they are applied.

use serde_json::json;

use crate::cli::{local, run};
use crate::server::belfry;

const TASK: &str = "id: report\ntype: echo\ntrigger:\n  type: cron\n  hour: 8\nparams:\n  message: hello\n";

#[test]
fn task_add_shows_errors_with_their_line() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("task.yaml");
    let add = |text: &str| {
        std::fs::write(&file, text).expect("write a file");
        local(folder.path(), &["task", "add", "-f", "task.yaml"])
    };
    let message = add(&TASK.replace("hour: 8", "hour: 25")).failed_with(2);
    assert!(message.starts_with("task.yaml:5:9: ") && message.contains("\n5 |   hour: 25\n  |         ^^"), "{message}");
    let message = add(&TASK.replace("  message", "  mesage")).failed_with(2);
    assert!(message.starts_with("task.yaml:7:"), "{message}");
    let message = add("id: [a\ntype: echo\n").failed_with(2);
    assert!(message.starts_with("task.yaml:2:"), "{message}");
    add(TASK).ok();
    let shown = local(folder.path(), &["task", "show", "report", "--json"]).ok();
    let copied = run(belfry(folder.path()).args(["task", "add", "copy", "-f", "-"]), &shown);
    assert!(copied.ok().starts_with("task copy created"));
    let yaml = local(folder.path(), &["task", "show", "report", "--yaml"]).ok();
    assert!(yaml.contains("id: report\n") && !yaml.contains("created_at"), "{yaml}");
}

#[test]
fn task_edit_sets_fields_and_shows_the_change() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    run(belfry(folder.path()).args(["task", "add", "-f", "-"]), TASK).ok();
    let edit = |arguments: &[&str]| local(folder.path(), &[&["task", "edit", "report"], arguments].concat());
    let shown = edit(&["--set", "trigger.hour=9", "--set", "params.message=7", "--dry-run"]);
    let change = shown.err.clone();
    shown.ok();
    assert!(change.contains("- trigger.hour: 8\n+ trigger.hour: 9\n"), "{change}");
    assert!(change.contains("+ params.message: 7\n") && change.contains("09:00:00"), "{change}");
    let task = local(folder.path(), &["task", "show", "report", "--json"]).json();
    assert_eq!(task["version"], 1, "nothing was changed");
    assert!(edit(&["--set", "trigger.hour=9", "--cron", "0 9 * * *", "--set", "policy.timeout_seconds=60"]).status == 2);
    assert!(edit(&["--cron", "30 9 * * *", "--set", "policy.timeout_seconds=60", "--yes"]).ok().contains("version 2"));
    let task = local(folder.path(), &["task", "show", "report", "--json"]).json();
    assert_eq!((&task["trigger"]["expression"], &task["policy"]["timeout_seconds"]), (&json!("30 9 * * *"), &json!(60)));
    let message = edit(&["--set", "policy.timeout_seconds=-1"]).failed_with(2);
    assert!(message.contains("--> --set policy.timeout_seconds=-1"), "{message}");
}

#[cfg(unix)]
#[test]
fn task_edit_opens_the_editor() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("create a temporary folder");
    run(belfry(folder.path()).args(["task", "add", "-f", "-"]), TASK).ok();
    let editor = folder.path().join("editor");
    let with = |script: &str| {
        std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).expect("write a file");
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).expect("set the mode");
        run(belfry(folder.path()).args(["task", "edit", "report"]).env("VISUAL", &editor).env("TMPDIR", folder.path()), "")
    };
    assert_eq!(with("true").ok(), "task report is unchanged\n");
    assert!(with("sed -i 's/message: hello/message: bye/' \"$1\"").ok().contains("version 2"));
    let task = local(folder.path(), &["task", "show", "report", "--json"]).json();
    assert_eq!(task["params"]["message"], "bye");
    let refused = with("sed -i 's/hour: 8/hour: 99/' \"$1\"").failed_with(2);
    assert!(refused.contains("hour: 99"), "{refused}");
    assert!(with("exit 1").failed_with(1).contains("VISUAL"));
}
