//! A restore that is killed at each of its steps.

use std::path::Path;
use std::process::Output;

use crate::inject::{Injection, KILL, RENAMES, SYNCS, WRITES};
use crate::server::{Server, belfry};

/// Of the many writes only every so many-th ends a restore.
const WRITE_STRIDE: usize = 25;
/// More calls than a restore makes.
const CALLS_MAX: i64 = 100_000;

pub async fn killed_restore_leaves_the_old_or_the_new_database() {
    let Some(injection) = Injection::compile() else { return };
    let template = tempfile::tempdir().expect("create a temporary folder");
    prepare(template.path());
    for kinds in [RENAMES | SYNCS, WRITES] {
        let trial = copy_of(template.path());
        injection.arm(kinds, CALLS_MAX, KILL);
        assert!(restore(trial.path(), &injection).status.success(), "a restore that nobody kills");
        let calls = CALLS_MAX - injection.left();
        let stride = if kinds == WRITES { WRITE_STRIDE } else { 1 };
        for nth in (1..=calls).step_by(stride) {
            let trial = copy_of(template.path());
            injection.arm(kinds, nth, KILL);
            restore(trial.path(), &injection);
            injection.disarm();
            let left = tasks(trial.path());
            assert!(left == "new" || left == "old, newest", "killed at call {nth} of {kinds}: {left}");
            assert!(restore(trial.path(), &injection).status.success(), "killed at call {nth} of {kinds}: again");
            assert_eq!(tasks(trial.path()), "new", "killed at call {nth} of {kinds}");
        }
        println!("killed at {} of {calls} calls", (calls as usize).div_ceil(stride));
    }
}

/// A folder with a backup that has the task `new`, and a database with `old`, and `newest` in its `-wal` file alone.
fn prepare(folder: &Path) {
    let run = |arguments: &[&str]| assert!(belfry(folder).args(arguments).output().expect("run the program").status.success());
    let add = |id: &str| run(&["task", "add", id, "--type", "echo", "--every", "1h"]);
    add("new");
    run(&["backup", "copy.db"]);
    run(&["task", "rm", "new", "--yes"]);
    add("old");
    let server = Server::start(folder);
    add("newest");
    server.kill();
}

fn copy_of(template: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let copied = std::process::Command::new("cp").arg("-a").arg(template.join(".")).arg(folder.path()).status();
    assert!(copied.expect("run cp").success());
    folder
}

fn restore(folder: &Path, injection: &Injection) -> Output {
    belfry(folder).args(["restore", "copy.db", "--yes"]).envs(injection.variables()).output().expect("run the program")
}

/// The ids of the tasks, in order of their creation.
fn tasks(folder: &Path) -> String {
    let listed = belfry(folder).args(["task", "list", "--json"]).output().expect("run the program");
    let list: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {listed:?}"));
    let items = list["items"].as_array().or(list.as_array()).cloned().unwrap_or_default();
    let mut ids: Vec<&str> = items.iter().filter_map(|task| task["id"].as_str()).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(*id));
    ids.join(", ")
}
