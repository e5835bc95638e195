//! Commands in a real terminal, created by `script` of util-linux: colours, width and confirmation.

use std::path::Path;
use std::process::Command;

use crate::cli::{local, run};
use crate::server::belfry;

/// The output of a command in a terminal of 60 columns. `None` with a message if `script` is not installed.
fn shown(folder: &Path, arguments: &str, typed: &str) -> Option<String> {
    if Command::new("script").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI requires `script` of util-linux");
        eprintln!("skipped: `script` of util-linux is not installed");
        return None;
    }
    let plain = belfry(folder);
    let program = plain.get_program().to_string_lossy().into_owned();
    let mut command = Command::new("script");
    command.current_dir(folder).env("TERM", "xterm-256color").env("LC_ALL", "C").env_remove("NO_COLOR");
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["-qec", &format!("stty cols 60 rows 20; '{program}' {arguments}"), "/dev/null"]);
    Some(run(&mut command, typed).out.replace('\r', ""))
}

/// The text without colour codes.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.map(|part| part.split_once('m').map_or("", |(_, rest)| rest)).collect::<String>()
}

#[test]
fn tables_use_colours_and_fit_the_terminal() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let id = "a-task-with-a-name-that-is-much-too-long-for-this-terminal";
    local(folder.path(), &["task", "add", id, "--type", "echo", "--cron", "0 8 * * mon-fri"]).ok();
    let Some(table) = shown(folder.path(), "task list", "") else { return };
    assert!(table.contains("\x1b[1m"), "{table:?}");
    let table = plain(&table);
    assert!(table.contains('…') && table.lines().all(|line| line.chars().count() <= 60), "{table}");
    let Some(table) = shown(folder.path(), "task list --color never", "") else { return };
    assert!(!table.contains('\x1b'), "{table:?}");
    assert!(!local(folder.path(), &["task", "list"]).ok().contains('\x1b'), "no colours without a terminal");
}

#[test]
fn task_rm_asks_for_confirmation() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    let Some(text) = shown(folder.path(), "task rm a", "n\n") else { return };
    assert!(text.contains("Delete a?") && text.contains("nothing was changed"), "{text}");
    local(folder.path(), &["task", "show", "a"]).ok();
    let Some(text) = shown(folder.path(), "task rm a --lang zh", "y\n") else { return };
    assert!(text.contains("删除 a？") && text.contains("任务 a 已删除"), "{text}");
    local(folder.path(), &["task", "show", "a"]).failed_with(3);
}
