//! Commands that set up and maintain an installation: init, backup, restore, doctor, completions, logs.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::cli::{local, remote, run};
use crate::server::{Server, belfry, until};

#[test]
fn init_creates_an_installation_and_keeps_existing_files() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let init = |arguments: &[&str], input: &str| run(belfry(folder.path()).arg("init").args(arguments), input);
    let output = init(&["--admin", "alice"], "correct battery\n").ok();
    assert!(output.contains("belfry.toml written") && output.contains("Administrator alice created"), "{output}");
    assert!(folder.path().join("data/task.db").is_file());
    let settings = std::fs::read_to_string(folder.path().join("belfry.toml")).expect("read the file");
    assert!(settings.contains("# Address and port of the web pages"), "each setting has its help text");
    assert!(local(folder.path(), &["user", "list"]).ok().contains("alice"));
    std::fs::write(folder.path().join("belfry.toml"), "[workers]\nlimit = 8\n").expect("write a file");
    assert!(init(&[], "").ok().contains("is left unchanged"));
    assert!(init(&["--admin", "bob"], "another battery\n").failed_with(5).contains("belfry user add bob"));
    assert_eq!(std::fs::read_to_string(folder.path().join("belfry.toml")).expect("read the file"), "[workers]\nlimit = 8\n");
}

#[tokio::test]
async fn init_adds_example_tasks_that_run_at_the_start() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let output = run(belfry(folder.path()).args(["init", "--no-admin", "--demo"]), "").ok();
    assert!(output.contains("Example tasks added: 6"), "{output}");
    let server = Server::start(folder.path());
    for task in ["demo-hello", "demo-command", "demo-tests", "demo-search", "demo-idle"] {
        until(task, || async {
            let found = server.json(&format!("/api/v1/executions?task_id={task}&status=succeeded")).await;
            found["items"].as_array().is_some_and(|items| !items.is_empty()).then_some(())
        })
        .await;
    }
    until("the example of a failure", || async { (server.count("failed").await == 1).then_some(()) }).await;
}

#[cfg(not(windows))]
#[test]
fn service_command_names_what_this_system_has() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    for arguments in [vec!["install"], vec!["start"], vec!["run", "--name", "x", "--folder", "."]] {
        let message = run(belfry(folder.path()).arg("service").args(&arguments), "").failed_with(2);
        assert!(message.contains("systemd"), "{message}");
    }
    let help = run(belfry(folder.path()).arg("--help"), "").ok();
    assert!(!help.lines().any(|line| line.trim().starts_with("service ")), "hidden where it is of no use: {help}");
}

#[test]
fn backup_of_a_running_server_is_restored() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    local(folder.path(), &["task", "add", "kept", "--type", "echo", "--every", "1h"]).ok();
    let output = local(folder.path(), &["backup", "copy.db"]).ok();
    assert!(output.starts_with("copy.db: ") && output.contains("verified"), "{output}");
    assert!(local(folder.path(), &["backup", "copy.db"]).failed_with(5).contains("already exists"));
    local(folder.path(), &["task", "rm", "kept", "--yes"]).ok();
    let message = local(folder.path(), &["restore", "copy.db", "--yes"]).failed_with(5);
    assert!(message.contains("stop it, then restore"), "{message}");
    assert!(remote(&server, &["backup"]).failed_with(2).contains("--server"));
    server.kill();
    std::fs::write(folder.path().join("letter.db"), "not a database".repeat(100)).expect("write a file");
    local(folder.path(), &["restore", "letter.db", "--yes"]).failed_with(2);
    local(folder.path(), &["restore", "copy.db"]).failed_with(2);
    let restored = local(folder.path(), &["restore", "copy.db", "--yes"]).ok();
    assert!(restored.contains("The previous database is"), "{restored}");
    assert!(local(folder.path(), &["task", "list"]).ok().contains("kept"));
    let names = std::fs::read_dir(folder.path().join("data")).expect("list the folder");
    let aside = names.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().starts_with("task.db.before-"));
    assert!(aside, "the previous database is kept");
}

#[test]
fn start_refuses_a_lost_database() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    local(folder.path(), &["task", "add", "kept", "--type", "echo", "--every", "1h"]).ok();
    local(folder.path(), &["backup", "copy.db"]).ok();
    let database = folder.path().join("data/task.db");
    std::fs::write(&database, "").expect("empty the file");
    let message = local(folder.path(), &["task", "list"]).failed_with(6);
    assert!(message.contains("belfry restore") && message.contains("database.in-use"), "{message}");
    for _ in ["empty", "missing"] {
        let serve = run(belfry(folder.path()).arg("serve"), "");
        assert!(serve.status == 1 && serve.err.contains("database.in-use"), "{serve:?}");
        let _ = std::fs::remove_file(&database); // gone in the second round
    }
    local(folder.path(), &["restore", "copy.db", "--yes"]).ok();
    assert!(local(folder.path(), &["task", "list"]).ok().contains("kept"));
    for file in ["task.db", "database.in-use"] {
        std::fs::remove_file(folder.path().join("data").join(file)).expect("remove the file");
    }
    assert!(
        !local(folder.path(), &["task", "add", "new", "--type", "echo", "--every", "1h"]).ok().is_empty(),
        "a new start on purpose"
    );
}

#[test]
fn restore_takes_over_what_is_only_in_the_log_of_the_backup() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    local(folder.path(), &["task", "add", "fresh", "--type", "echo", "--every", "1h"]).ok();
    // The files of a server that was killed: the newest changes are in the -wal file.
    server.kill();
    let copies = folder.path().join("copies");
    std::fs::create_dir(&copies).expect("create a folder");
    for name in ["task.db", "task.db-wal"] {
        std::fs::copy(folder.path().join("data").join(name), copies.join(name)).expect("copy a file");
    }
    let other = tempfile::tempdir().expect("create a temporary folder");
    let copy = copies.join("task.db");
    local(other.path(), &["restore", copy.to_str().expect("a path in UTF-8"), "--yes"]).ok();
    assert!(local(other.path(), &["task", "list"]).ok().contains("fresh"));
    assert!(copies.join("task.db-wal").metadata().is_ok_and(|wal| wal.len() > 0), "the backup is left as it is");
}

#[cfg(unix)]
#[test]
fn backup_file_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("create a temporary folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    local(folder.path(), &["backup", "copy.db"]).ok();
    let mode = std::fs::metadata(folder.path().join("copy.db")).expect("read the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn doctor_reports_problems_and_fixes() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let listening = [("BELFRY_SERVER_LISTEN", "127.0.0.1:0")];
    let doctor = |variables: &[(&str, &str)], arguments: &[&str]| {
        run(belfry(folder.path()).arg("doctor").args(arguments).envs(variables.iter().copied()), "")
    };
    let well = doctor(&listening, &[]);
    assert_eq!(well.status, 0, "{well:?}");
    assert!(well.out.contains("ok   Database: SQLite") && well.out.contains("All checks passed"), "{}", well.out);
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    let found = doctor(&listening, &["--json"]).json();
    let checks: Vec<&str> = found.as_array().into_iter().flatten().filter_map(|check| check["check"].as_str()).collect();
    for check in ["settings", "folder", "disk", "zone", "database", "accounts", "nodes", "clock", "listen"] {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let port = free.port().to_string();
    let sick = doctor(&[("BELFRY_SMTP_OFFICE_HOST", "127.0.0.1"), ("BELFRY_SMTP_OFFICE_PORT", &port)], &[]);
    assert_eq!(sick.status, 1, "{sick:?}");
    assert!(sick.out.contains("FAIL Mail: office at 127.0.0.1") && sick.out.contains("[smtp.office]"), "{}", sick.out);
    let wrong = doctor(&[("BELFRY_WORKERS_LIMIT", "many")], &["--lang", "zh"]);
    assert!(wrong.status == 1 && wrong.out.contains("故障 配置") && wrong.out.contains("BELFRY_WORKERS_LIMIT"), "{wrong:?}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let other = tempfile::tempdir().expect("create a temporary folder");
    let address = taken.local_addr().expect("an address").to_string();
    let busy = run(belfry(other.path()).arg("doctor").env("BELFRY_SERVER_LISTEN", &address), "");
    assert!(busy.status == 1 && busy.out.contains("does not exist yet") && busy.out.contains(&address), "{busy:?}");
    assert!(std::fs::read_dir(other.path()).expect("list the folder").next().is_none(), "doctor creates nothing");
    assert!(remote(&server, &["doctor"]).ok().contains("ok   Server: reachable; signed in as admin, admin"));
}

#[test]
fn completions_and_man_pages_cover_every_command() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = local(folder.path(), &["completions", shell]).ok();
        assert!(text.contains("executions") && text.contains("wait-for"), "{shell}");
        let interpreter = if shell == "powershell" { "pwsh" } else { shell };
        let file = folder.path().join("completions");
        std::fs::write(&file, &text).expect("write a file");
        // Each installed shell checks its own script.
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
    local(folder.path(), &["man", "tusk"]).failed_with(3);
}

#[test]
fn logs_shows_the_last_lines() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h"]).ok();
    local(folder.path(), &["task", "pause", "a"]).ok();
    let last = local(folder.path(), &["logs", "-n", "1"]).ok();
    assert!(last.lines().count() == 1 && last.contains("paused"), "{last}");
    assert!(local(folder.path(), &["logs", "a"]).failed_with(3).contains("has not run yet"));
}
