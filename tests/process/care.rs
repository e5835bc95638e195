//! Setting up, copying, putting back and looking after an installation.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::caller::{local, remote, run};
use crate::server::{Server, belfry};

#[test]
fn init_sets_up_and_stays_out_of_the_way_of_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let init = |arguments: &[&str], input: &str| run(belfry(folder.path()).arg("init").args(arguments), input);
    let said = init(&["--admin", "alice"], "correct battery\n").ok();
    assert!(said.contains("belfry.toml is written") && said.contains("alice is the administrator"), "{said}");
    assert!(folder.path().join("data/task.db").is_file());
    let settings = std::fs::read_to_string(folder.path().join("belfry.toml")).expect("is there");
    assert!(settings.contains("# Address and port of the pages"), "each setting is explained");
    assert!(local(folder.path(), &["user", "list"]).ok().contains("alice"));
    std::fs::write(folder.path().join("belfry.toml"), "[workers]\nlimit = 8\n").expect("writes");
    assert!(init(&[], "").ok().contains("stays as it is"));
    assert!(init(&["--admin", "bob"], "another battery\n").refused(5).contains("belfry user add bob"));
    assert_eq!(std::fs::read_to_string(folder.path().join("belfry.toml")).expect("is there"), "[workers]\nlimit = 8\n");
}

#[test]
fn a_copy_made_while_the_server_runs_is_put_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    local(folder.path(), &["task", "add", "kept", "--type", "echo", "--every", "1h"]).ok();
    let made = local(folder.path(), &["backup", "copy.db"]).ok();
    assert!(made.starts_with("copy.db: ") && made.contains("checked"), "{made}");
    assert!(local(folder.path(), &["backup", "copy.db"]).refused(5).contains("is there already"));
    local(folder.path(), &["task", "rm", "kept", "--yes"]).ok();
    let message = local(folder.path(), &["restore", "copy.db", "--yes"]).refused(5);
    assert!(message.contains("stop it, then restore"), "{message}");
    assert!(remote(&server, &["backup"]).refused(2).contains("--server"));
    server.kill();
    std::fs::write(folder.path().join("letter.db"), "not a database".repeat(100)).expect("writes");
    local(folder.path(), &["restore", "letter.db", "--yes"]).refused(2);
    local(folder.path(), &["restore", "copy.db"]).refused(2);
    let restored = local(folder.path(), &["restore", "copy.db", "--yes"]).ok();
    assert!(restored.contains("What was there is in"), "{restored}");
    assert!(local(folder.path(), &["task", "list"]).ok().contains("kept"));
    let names = std::fs::read_dir(folder.path().join("data")).expect("lists");
    let aside = names.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().starts_with("task.db.before-"));
    assert!(aside, "nothing is deleted");
}

#[cfg(unix)]
#[test]
fn a_copy_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    local(folder.path(), &["backup", "copy.db"]).ok();
    let mode = std::fs::metadata(folder.path().join("copy.db")).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn doctor_tells_what_is_wrong_and_how_to_mend_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let listening = [("BELFRY_SERVER_LISTEN", "127.0.0.1:0")];
    let doctor = |variables: &[(&str, &str)], arguments: &[&str]| {
        run(belfry(folder.path()).arg("doctor").args(arguments).envs(variables.iter().copied()), "")
    };
    let well = doctor(&listening, &[]);
    assert_eq!(well.status, 0, "{well:?}");
    assert!(well.out.contains("ok   Database: SQLite") && well.out.contains("All is well"), "{}", well.out);
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    let found = doctor(&listening, &["--json"]).json();
    let checks: Vec<&str> = found.as_array().into_iter().flatten().filter_map(|check| check["check"].as_str()).collect();
    for check in ["settings", "folder", "disk", "zone", "database", "accounts", "nodes", "clock", "listen"] {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let port = free.port().to_string();
    let sick = doctor(&[("BELFRY_SMTP_OFFICE_HOST", "127.0.0.1"), ("BELFRY_SMTP_OFFICE_PORT", &port)], &[]);
    assert_eq!(sick.status, 1, "{sick:?}");
    assert!(sick.out.contains("FAIL Mail: office at 127.0.0.1") && sick.out.contains("[smtp.office]"), "{}", sick.out);
    let wrong = doctor(&[("BELFRY_WORKERS_LIMIT", "many")], &["--lang", "zh"]);
    assert!(wrong.status == 1 && wrong.out.contains("故障 配置") && wrong.out.contains("BELFRY_WORKERS_LIMIT"), "{wrong:?}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = tempfile::tempdir().expect("a folder");
    let address = taken.local_addr().expect("an address").to_string();
    let busy = run(belfry(other.path()).arg("doctor").env("BELFRY_SERVER_LISTEN", &address), "");
    assert!(busy.status == 1 && busy.out.contains("does not exist yet") && busy.out.contains(&address), "{busy:?}");
    assert!(std::fs::read_dir(other.path()).expect("lists").next().is_none(), "it only looks");
    assert!(remote(&server, &["doctor"]).ok().contains("ok   Server: answers; signed in as admin, admin"));
}

#[test]
fn shells_and_man_know_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = local(folder.path(), &["completions", shell]).ok();
        assert!(text.contains("executions") && text.contains("wait-for"), "{shell}");
        let interpreter = if shell == "powershell" { "pwsh" } else { shell };
        let file = folder.path().join("completions");
        std::fs::write(&file, &text).expect("writes");
        // Each that is there reads its own.
        let read = Command::new(interpreter).arg("-n").arg(&file).stdin(Stdio::null()).status();
        if shell != "powershell"
            && let Ok(status) = read
        {
            assert!(status.success(), "{shell}");
        }
    }
    let page = local(folder.path(), &["man"]).ok();
    assert!(page.contains(".TH BELFRY 1") && page.contains("BELFRY TASK ADD"), "{}", &page[..400]);
    assert!(local(folder.path(), &["man", "task", "add"]).ok().contains("BELFRY-TASK-ADD"));
    local(folder.path(), &["man", "tusk"]).refused(3);
}

#[test]
fn the_log_is_shown_from_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    local(folder.path(), &["task", "pause", "a"]).ok();
    let last = local(folder.path(), &["logs", "-n", "1"]).ok();
    assert!(last.lines().count() == 1 && last.contains("paused"), "{last}");
    assert!(local(folder.path(), &["logs", "a"]).refused(3).contains("has not run yet"));
}
