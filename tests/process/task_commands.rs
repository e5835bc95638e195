//! Tasks and runs at the command line, on the local database beside a running server and on a server: the same each time.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use crate::caller::{Said, local, remote, run};
use crate::server::{Server, TOKEN, belfry};

/// Does the same at the local database and at its server.
fn each_way(test: impl Fn(&dyn Fn(&[&str]) -> Said)) {
    for way in ["local", "remote"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(folder.path());
        let by = |arguments: &[&str]| if way == "local" { local(folder.path(), arguments) } else { remote(&server, arguments) };
        test(&by);
    }
}

#[test]
fn a_task_is_made_shown_changed_and_deleted() {
    each_way(|belfry| {
        let made = belfry(&[
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
        let made = made.ok();
        assert!(made.starts_with("daily is made; next run ") && made.contains("08:00:00 +08:00"), "{made}");
        let task = belfry(&["task", "show", "daily", "--json"]).json();
        assert_eq!((&task["params"], &task["enabled"]), (&json!({"message": 5}), &json!(true)), "the schema takes anything");
        let listed = belfry(&["task", "list"]).ok();
        assert!(listed.starts_with("ID") && listed.contains("\ndaily  echo  0 8 * * mon-fri  "), "{listed}");
        let shown = belfry(&["task", "show", "daily", "--lang", "zh"]).ok();
        assert!(shown.contains("下次运行") && shown.contains("周一至周五"), "{shown}");
        assert_eq!(belfry(&["task", "pause", "daily"]).ok(), "daily is paused\n");
        assert!(belfry(&["task", "list", "--paused"]).ok().contains("paused"));
        assert!(belfry(&["task", "resume", "daily"]).ok().starts_with("daily is resumed; next run 2"));
        assert!(belfry(&["task", "copy", "daily", "weekly", "--paused"]).ok().starts_with("weekly is made; paused"));
        assert!(belfry(&["task", "rm", "weekly"]).refused(2).contains("--yes"));
        assert_eq!(belfry(&["task", "rm", "weekly", "--yes"]).ok(), "weekly is deleted\n");
        let audit = belfry(&["audit", "--target", "task:weekly", "--json"]).json();
        assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "{audit}");
    });
}

#[tokio::test]
async fn json_is_what_the_api_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--at", "2099-12-10 08:00"]).ok();
    let answer = server.json("/api/v1/tasks").await;
    assert_eq!(local(folder.path(), &["task", "list", "--json"]).json(), answer);
    assert_eq!(remote(&server, &["task", "list", "--json"]).json(), answer);
    let types = server.json("/api/v1/task-types").await;
    assert_eq!(local(folder.path(), &["types", "--json"]).json(), types);
    let audit = server.json("/api/v1/audit?target=task:a").await;
    assert_eq!(audit["items"][0]["via"], "command_line", "who works on the database itself is told apart");
}

#[cfg(unix)]
#[test]
fn a_run_is_followed_and_ends_with_the_status_of_its_command() {
    each_way(|belfry| {
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
        let ended: serde_json::Value = serde_json::from_str(&waited.out).expect("is JSON");
        assert_eq!((&ended["status"], &ended["result"]["exit_code"]), (&json!("failed"), &json!(3)));
        belfry(&["task", "add", "says", "--type", "echo", "--every", "1h", "-p", "message=hello"]).ok();
        let other = belfry(&["run", "says", "--wait", "-p", "message=ho", "--json"]).json();
        assert_eq!(other["result"]["message"], "ho");
        let listed = belfry(&["executions", "list", "--task", "says"]).ok();
        assert!(listed.contains("says") && listed.contains("Succeeded"), "{listed}");
        let id = other["id"].as_str().expect("an id").to_owned();
        assert!(belfry(&["executions", "show", &id]).ok().contains("Result"));
        assert_eq!(belfry(&["executions", "rerun", &id, "--wait", "--json"]).json()["result"]["message"], "ho");
        assert!(belfry(&["logs", "fails"]).ok().contains("one\n"));
        assert_eq!(belfry(&["executions", "cancel", &id]).status, 5, "it has ended");
    });
}

#[cfg(unix)]
#[test]
fn a_run_that_goes_on_is_cancelled() {
    each_way(|belfry| {
        belfry(&["task", "add", "long", "--type", "send_cmd", "--every", "1h", "-p", "command=exec sleep 600"]).ok();
        let id = belfry(&["run", "long", "--json"]).json()["id"].as_str().expect("an id").to_owned();
        let waited = belfry(&["executions", "list", "--json"]).json();
        assert_eq!(waited["items"][0]["id"], id.as_str());
        belfry(&["executions", "cancel", &id]).ok();
        let ended = belfry(&["executions", "output", &id, "--follow"]);
        assert_eq!(ended.status, 130, "{ended:?}");
    });
}

#[test]
fn what_cannot_be_is_told_with_its_own_exit_status() {
    each_way(|belfry| {
        belfry(&["task", "add", "daily-report", "--type", "echo", "--every", "1h"]).ok();
        let message = belfry(&["task", "show", "dayly-report"]).refused(3);
        assert!(message.contains("there is no task 'dayly-report'; did you mean 'daily-report'?"), "{message}");
        let message = belfry(&["task", "add", "x", "--type", "echo", "--cron", "0 25 * * *"]).refused(2);
        assert!(message.contains("25") && message.contains("--> --cron \"0 25 * * *\""), "{message}");
        let message = belfry(&["task", "add", "x", "--type", "ecko", "--every", "1h"]).refused(2);
        assert!(message.contains("--> --type \"ecko\""), "{message}");
        let message = belfry(&["task", "add", "x", "--type", "echo", "--every", "5x"]).refused(2);
        assert!(message.contains("'5x' is not a span of time") && message.contains("1h30m"), "{message}");
        let message = belfry(&["task", "add", "daily-report", "--type", "echo", "--every", "1h"]).refused(5);
        assert!(message.contains("daily-report"), "{message}");
        belfry(&["task", "add", "x", "--type", "echo"]).refused(2);
        belfry(&["executions", "show", "nothing"]).refused(3);
    });
}

#[test]
fn a_server_that_refuses_or_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let ask = |address: &str, token: Option<&str>| {
        let mut command = belfry(folder.path());
        command.args(["task", "list"]).env("BELFRY_SERVER_URL", address);
        command.envs(token.map(|token| ("BELFRY_TOKEN", token)));
        run(&mut command, "")
    };
    assert!(ask(server.base(), Some("blf_wrong-token")).refused(4).contains("BELFRY_TOKEN"));
    let message = ask(server.base(), None).refused(2);
    assert!(message.contains("BELFRY_SERVER_URL") && message.contains("BELFRY_TOKEN") && !message.contains(TOKEN), "{message}");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let message = ask(&format!("http://{free}"), Some(TOKEN)).refused(6);
    assert!(message.contains(&free.to_string()) && !message.contains(TOKEN), "{message}");
    assert!(ask("localhost:8398", Some(TOKEN)).refused(2).contains("http://host:8398"));
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("writes");
    let by_file = ["task", "list", "--server", server.base(), "--token-file", &file.display().to_string()].map(str::to_owned);
    run(belfry(folder.path()).args(by_file), "").ok();
}

#[test]
fn a_token_made_at_the_machine_lets_a_program_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    assert!(local(folder.path(), &["token", "add", "ci"]).refused(2).contains("--user"));
    let made = local(folder.path(), &["token", "add", "ci", "--user", "admin", "--role", "viewer", "--expires", "90d"]);
    assert!(made.err.contains("shown this once"));
    let token = made.ok().trim().to_owned();
    let ask = |arguments: &[&str]| {
        run(belfry(folder.path()).args(arguments).args(["--server", server.base()]).env("BELFRY_TOKEN", &token), "")
    };
    ask(&["task", "list"]).ok();
    ask(&["task", "add", "a", "--type", "echo", "--every", "1h"]).refused(4);
    let listed = local(folder.path(), &["token", "list", "--json"]).json();
    let id = listed.as_array().and_then(|all| all.iter().find(|known| known["name"] == "ci")).expect("is listed")["id"].clone();
    local(folder.path(), &["token", "rm", id.as_str().expect("an id"), "--yes"]).ok();
    ask(&["task", "list"]).refused(4);
}

#[tokio::test]
async fn a_run_without_a_server_waits_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    local(folder.path(), &["task", "add", "a", "--type", "echo", "--every", "1h", "-p", "message=later"]).ok();
    let message = local(folder.path(), &["run", "a", "--wait"]).refused(6);
    assert!(message.contains("no server runs on this database") && message.contains("belfry serve"), "{message}");
    let server = Server::start(folder.path());
    crate::server::until("the run that waited", || async {
        let page = server.json("/api/v1/executions?status=succeeded").await;
        (page["total"] == 1).then_some(())
    })
    .await;
}

#[test]
fn a_question_makes_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = local(folder.path(), &["task", "list"]).refused(3);
    assert!(message.contains("there is no database") && message.contains("--data-dir"), "{message}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("lists")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect()
}
