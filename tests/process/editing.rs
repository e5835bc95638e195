//! Tasks of files and in the editor: what is wrong is shown in its line, what will change before it does.

use serde_json::json;

use crate::caller::{local, run};
use crate::server::belfry;

const TASK: &str = "id: report\ntype: echo\ntrigger:\n  type: cron\n  hour: 8\nparams:\n  message: hello\n";

#[test]
fn a_file_is_read_and_its_faults_are_shown_in_their_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("task.yaml");
    let add = |text: &str| {
        std::fs::write(&file, text).expect("writes");
        local(folder.path(), &["task", "add", "-f", "task.yaml"])
    };
    let message = add(&TASK.replace("hour: 8", "hour: 25")).refused(2);
    assert!(message.starts_with("task.yaml:5:9: ") && message.contains("\n5 |   hour: 25\n  |         ^^"), "{message}");
    let message = add(&TASK.replace("  message", "  mesage")).refused(2);
    assert!(message.starts_with("task.yaml:7:"), "{message}");
    let message = add("id: [a\ntype: echo\n").refused(2);
    assert!(message.starts_with("task.yaml:2:"), "{message}");
    add(TASK).ok();
    let shown = local(folder.path(), &["task", "show", "report", "--json"]).ok();
    let copied = run(belfry(folder.path()).args(["task", "add", "copy", "-f", "-"]), &shown);
    assert!(copied.ok().starts_with("copy is made"));
    let yaml = local(folder.path(), &["task", "show", "report", "--yaml"]).ok();
    assert!(yaml.contains("id: report\n") && !yaml.contains("created_at"), "{yaml}");
}

#[test]
fn fields_are_set_and_the_change_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
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
    let message = edit(&["--set", "policy.timeout_seconds=-1"]).refused(2);
    assert!(message.contains("--> --set policy.timeout_seconds=-1"), "{message}");
}

#[cfg(unix)]
#[test]
fn the_editor_changes_a_task() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    run(belfry(folder.path()).args(["task", "add", "-f", "-"]), TASK).ok();
    let editor = folder.path().join("editor");
    let with = |script: &str| {
        std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).expect("writes");
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).expect("is allowed");
        run(belfry(folder.path()).args(["task", "edit", "report"]).env("VISUAL", &editor).env("TMPDIR", folder.path()), "")
    };
    assert_eq!(with("true").ok(), "report stays as it is\n");
    assert!(with("sed -i 's/message: hello/message: bye/' \"$1\"").ok().contains("version 2"));
    let task = local(folder.path(), &["task", "show", "report", "--json"]).json();
    assert_eq!(task["params"]["message"], "bye");
    let refused = with("sed -i 's/hour: 8/hour: 99/' \"$1\"").refused(2);
    assert!(refused.contains("hour: 99"), "{refused}");
    assert!(with("exit 1").refused(1).contains("VISUAL"));
}
