//! Task and execution commands, locally beside a running server and through a server, with the same results.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use crate::cli::{CommandResult, local, remote, run};
use crate::server::{Server, TOKEN, belfry};

/// Runs a test on the local database and through its server.
fn local_and_remote(test: impl Fn(&dyn Fn(&[&str]) -> CommandResult)) {
    for way in ["local", "remote"] {
        let folder = tempfile::tempdir().expect("create a temporary folder");
        let server = Server::start(folder.path());
        let by = |arguments: &[&str]| if way == "local" { local(folder.path(), arguments) } else { remote(&server, arguments) };
        test(&by);
    }
}

#[test]
fn task_commands_create_show_change_and_delete() {
    local_and_remote(|belfry| {
        let created = belfry(&[
            "task",
            "add",
            "daily",
            "--type",
            "echo",
            "--cron",
            "0 8 * * mon-fri",
            "--tz",
            "Asia/Shanghai",
            "-p",
            "message=5",
        ]);
        let created = created.ok();
        assert!(created.starts_with("task daily created; next run ") && created.contains("08:00:00 +08:00"), "{created}");
        let task = belfry(&["task", "show", "daily", "--json"]).json();
        assert_eq!((&task["params"], &task["enabled"]), (&json!({"message": 5}), &json!(true)), "the schema accepts any type");
        let listed = belfry(&["task", "list"]).ok();
        assert!(listed.starts_with("ID") && listed.contains("\ndaily  echo  0 8 * * mon-fri  "), "{listed}");
        let shown = belfry(&["task", "show", "daily", "--lang", "zh"]).ok();
        assert!(shown.contains("下次运行") && shown.contains("周一至周五"), "{shown}");
        let missing = belfry(&["task", "show", "nothing", "--lang", "zh"]).failed_with(3);
        assert!(missing.contains("没有任务“nothing”"), "{missing}");
        assert_eq!(belfry(&["task", "pause", "daily"]).ok(), "task daily paused\n");
        assert!(belfry(&["task", "list", "--paused"]).ok().contains("paused"));
        assert!(belfry(&["task", "resume", "daily"]).ok().starts_with("task daily resumed; next run 2"));
        assert!(belfry(&["task", "copy", "daily", "weekly", "--paused"]).ok().starts_with("task weekly created; paused"));
        assert!(belfry(&["task", "rm", "weekly"]).failed_with(2).contains("--yes"));
        assert_eq!(belfry(&["task", "rm", "weekly", "--yes"]).ok(), "task weekly deleted\n");
        let audit = belfry(&["audit", "--target", "task:weekly", "--json"]).json();
        assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "{audit}");
    });
}

#[tokio::test]
async fn json_output_equals_the_api_response() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--at", "2099-12-10 08:00"]).ok();
    let answer = server.json("/api/v1/tasks").await;
    assert_eq!(local(folder.path(), &["task", "list", "--json"]).json(), answer);
    assert_eq!(remote(&server, &["task", "list", "--json"]).json(), answer);
    let types = server.json("/api/v1/task-types").await;
    assert_eq!(local(folder.path(), &["types", "--json"]).json(), types);
    let audit = server.json("/api/v1/audit?target=task:a").await;
    assert_eq!(audit["items"][0]["via"], "command_line", "local commands are recorded as such");
}

#[cfg(unix)]
#[test]
fn run_follow_exits_with_the_exit_code_of_the_command() {
    local_and_remote(|belfry| {
        let command = "command=echo one; echo two >&2; exit 3";
        belfry(&["task", "add", "fails", "--type", "send_cmd", "--every", "1h", "-p", command]).ok();
        let followed = belfry(&["run", "fails", "--follow"]);
        assert_eq!(followed.status, 3, "{followed:?}");
        assert!(
            followed.out.contains("one\n") && followed.out.contains("two\n") && followed.out.contains("exit code 3"),
            "{followed:?}"
        );
        let waited = belfry(&["task", "run", "fails", "--wait", "--json"]);
        assert_eq!(waited.status, 3);
        let ended: serde_json::Value = serde_json::from_str(&waited.out).expect("valid JSON");
        assert_eq!((&ended["status"], &ended["result"]["exit_code"]), (&json!("failed"), &json!(3)));
        belfry(&["task", "add", "says", "--type", "echo", "--every", "1h", "-p", "message=hello"]).ok();
        let other = belfry(&["run", "says", "--wait", "-p", "message=ho", "--json"]).json();
        assert_eq!(other["result"]["message"], "ho");
        let listed = belfry(&["executions", "list", "--task", "says"]).ok();
        assert!(listed.contains("says") && listed.contains("Succeeded"), "{listed}");
        let id = other["id"].as_str().expect("an ID").to_owned();
        assert!(belfry(&["executions", "show", &id]).ok().contains("Result"));
        assert_eq!(belfry(&["executions", "rerun", &id, "--wait", "--json"]).json()["result"]["message"], "ho");
        assert!(belfry(&["logs", "fails"]).ok().contains("one\n"));
        assert_eq!(belfry(&["executions", "cancel", &id]).status, 5, "it has ended already");
    });
}

#[cfg(unix)]
#[test]
fn executions_cancel_stops_a_running_execution() {
    local_and_remote(|belfry| {
        belfry(&["task", "add", "long", "--type", "send_cmd", "--every", "1h", "-p", "command=exec sleep 600"]).ok();
        let id = belfry(&["run", "long", "--json"]).json()["id"].as_str().expect("an ID").to_owned();
        let waited = belfry(&["executions", "list", "--json"]).json();
        assert_eq!(waited["items"][0]["id"], id.as_str());
        belfry(&["executions", "cancel", &id]).ok();
        let ended = belfry(&["executions", "output", &id, "--follow"]);
        assert_eq!(ended.status, 130, "{ended:?}");
    });
}

#[test]
fn errors_have_distinct_exit_codes() {
    local_and_remote(|belfry| {
        belfry(&["task", "add", "daily-report", "--type", "echo", "--every", "1h"]).ok();
        let message = belfry(&["task", "show", "dayly-report"]).failed_with(3);
        assert!(message.contains("there is no task 'dayly-report'; did you mean 'daily-report'?"), "{message}");
        let message = belfry(&["task", "add", "x", "--type", "echo", "--cron", "0 25 * * *"]).failed_with(2);
        assert!(message.contains("25") && message.contains("--> --cron \"0 25 * * *\""), "{message}");
        let message = belfry(&["task", "add", "x", "--type", "ecko", "--every", "1h"]).failed_with(2);
        assert!(message.contains("--> --type \"ecko\""), "{message}");
        let message = belfry(&["task", "add", "x", "--type", "echo", "--every", "5x"]).failed_with(2);
        assert!(message.contains("'5x' is not a time span") && message.contains("1h30m"), "{message}");
        let message = belfry(&["task", "add", "daily-report", "--type", "echo", "--every", "1h"]).failed_with(5);
        assert!(message.contains("daily-report"), "{message}");
        belfry(&["task", "add", "x", "--type", "echo"]).failed_with(2);
        belfry(&["executions", "show", "nothing"]).failed_with(3);
    });
}

#[test]
fn remote_commands_report_rejected_tokens_and_unreachable_servers() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let ask = |address: &str, token: Option<&str>| {
        let mut command = belfry(folder.path());
        command.args(["task", "list"]).env("BELFRY_SERVER_URL", address);
        command.envs(token.map(|token| ("BELFRY_TOKEN", token)));
        run(&mut command, "")
    };
    assert!(ask(server.base(), Some("blf_wrong-token")).failed_with(4).contains("BELFRY_TOKEN"));
    let message = ask(server.base(), None).failed_with(2);
    assert!(message.contains("BELFRY_SERVER_URL") && message.contains("BELFRY_TOKEN") && !message.contains(TOKEN), "{message}");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let message = ask(&format!("http://{free}"), Some(TOKEN)).failed_with(6);
    assert!(message.contains(&free.to_string()) && !message.contains(TOKEN), "{message}");
    assert!(ask("localhost:8398", Some(TOKEN)).failed_with(2).contains("http://host:8398"));
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("write a file");
    let by_file = ["task", "list", "--server", server.base(), "--token-file", &file.display().to_string()].map(str::to_owned);
    run(belfry(folder.path()).args(by_file), "").ok();
}

#[test]
fn token_created_locally_authenticates_a_remote_command() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    assert!(local(folder.path(), &["token", "add", "ci"]).failed_with(2).contains("--user"));
    let created = local(folder.path(), &["token", "add", "ci", "--user", "admin", "--role", "viewer", "--expires", "90d"]);
    assert!(created.err.contains("shown only once"));
    let token = created.ok().trim().to_owned();
    let ask = |arguments: &[&str]| {
        run(belfry(folder.path()).args(arguments).args(["--server", server.base()]).env("BELFRY_TOKEN", &token), "")
    };
    ask(&["task", "list"]).ok();
    ask(&["task", "add", "a", "--type", "echo", "--every", "1h"]).failed_with(4);
    let listed = local(folder.path(), &["token", "list", "--json"]).json();
    let id = listed.as_array().and_then(|all| all.iter().find(|known| known["name"] == "ci")).expect("listed")["id"].clone();
    local(folder.path(), &["token", "rm", id.as_str().expect("an ID"), "--yes"]).ok();
    std::thread::sleep(std::time::Duration::from_millis(1_100)); // the server sees another process's change within a second
    ask(&["task", "list"]).failed_with(4);
}

#[tokio::test]
async fn run_without_a_server_stays_queued() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h", "-p", "message=later"]).ok();
    let message = local(folder.path(), &["run", "a", "--wait"]).failed_with(6);
    assert!(message.contains("no server is running on this database") && message.contains("belfry serve"), "{message}");
    let server = Server::start(folder.path());
    crate::server::until("the run that waited", || async {
        let page = server.json("/api/v1/executions?status=succeeded").await;
        (page["total"] == 1).then_some(())
    })
    .await;
}

#[test]
fn read_commands_create_no_database() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let message = local(folder.path(), &["task", "list"]).failed_with(3);
    assert!(message.contains("does not exist") && message.contains("--data-dir"), "{message}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("list the folder")
        .map(|entry| entry.expect("read an entry").file_name().to_string_lossy().into_owned())
        .collect()
}
