//! Imports on the command line and the managed task file, with real processes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, belfry, until};
use crate::support::venv::venv;

/// Standard output and error of a command, after checking its exit code.
fn run(folder: &Path, arguments: &[&str], input: &str, status: i32) -> (String, String) {
    let mut command = belfry(folder);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start the program");
    // A command that needs no input may have ended already.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("wait for the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {out}{err}");
    (out, err)
}

const TASKS: &str = "tasks:
  - id: hello
    type: echo
    trigger: {type: cron, hour: 8, timezone: Asia/Shanghai}
    params: {message: hi}
  - id: world
    type: echo
    trigger: {type: interval, minutes: 5}
    params: {message: ho}
";

#[tokio::test]
async fn import_and_export_work_locally_and_on_a_server() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let here = folder.path();
    std::fs::write(here.join("tasks.yaml"), TASKS).expect("write a file");
    let (out, err) = run(here, &["import", "tasks.yaml", "--dry-run"], "", 0);
    assert!(out.contains("+ hello (echo): create") && out.contains("Nothing was saved"), "{out}{err}");
    let (_, err) = run(here, &["import", "tasks.yaml"], "", 2);
    assert!(err.contains("--yes"), "{err}");
    let (out, _) = run(here, &["import", "tasks.yaml", "--yes"], "", 0);
    assert!(out.contains("2 created, 0 changed, 0 deleted"), "{out}");
    let (out, _) = run(here, &["import", "tasks.yaml", "--yes"], "", 0);
    assert!(out.contains("No changes; 2 tasks"), "{out}");
    let (exported, _) = run(here, &["export"], "", 0);
    assert!(exported.starts_with("version: 1\ntasks:\n  - id: hello\n"), "{exported}");

    let elsewhere = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(elsewhere.path());
    let url = server.ready_line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
    let there = ["--server", &url, "--token", TOKEN];
    run(here, &[&["import", "-", "--yes", "--prune"], &there[..]].concat(), &exported, 0);
    let (again, _) = run(here, &[&["export"], &there[..]].concat(), "", 0);
    assert_eq!(again, exported);
    run(here, &["export", "-o", "out.json"], "", 0);
    let written: Value = serde_json::from_slice(&std::fs::read(here.join("out.json")).expect("read")).expect("valid JSON");
    assert_eq!(written["tasks"][1]["id"], "world");
    std::fs::write(here.join("bad.yaml"), "tasks:\n  - id: a\n    type: echo\n    trigger: {type: cron, hour: 25}\n")
        .expect("write a file");
    let (_, err) = run(here, &["import", "bad.yaml", "--yes"], "", 2);
    assert!(err.contains("bad.yaml:4:") && err.contains("hour: 25 is not between 0 and 23"), "{err}");
}

#[test]
fn import_crontab_creates_tasks() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let crontab = "PATH=/usr/bin:/bin\n@reboot /opt/start\n0 8 * * 1-5 /opt/report.sh\n0 0 13 * 5 /opt/friday\n";
    let (out, err) = run(folder.path(), &["import", "crontab", "-", "--tz", "Asia/Shanghai", "--yes"], crontab, 0);
    assert!(out.contains("2 created") && err.contains("line 2: @reboot has no equivalent"), "{out}{err}");
    let (exported, _) = run(folder.path(), &["export", "--format", "json"], "", 0);
    let exported: Value = serde_json::from_str(&exported).expect("valid JSON");
    assert_eq!(exported["tasks"][0]["trigger"], json!({"type": "cron", "expression": "0 0 13 * 5", "timezone": "Asia/Shanghai"}));
    let params = json!({"command": "/opt/report.sh", "env": {"PATH": "/usr/bin:/bin"}});
    assert_eq!(exported["tasks"][1]["params"], params);
}

#[test]
fn import_history_is_idempotent() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let history = json!([{"任务ID": "日报", "开始时间": "2026-01-02 08:00:00", "耗时": 1.5, "状态": "成功"},
        {"task_id": "b", "start_time": "2026-01-03 08:00:00", "duration": 2, "status": "failed", "error": "x"}]);
    std::fs::write(folder.path().join("task_history.json"), history.to_string()).expect("write a file");
    let import = ["import", "history", "task_history.json", "--tz", "Asia/Shanghai", "--yes"];
    let (out, err) = run(folder.path(), &import, "", 0);
    assert!(
        out.contains("2 executions imported") && err.contains("2 executions of 2 tasks, 2026-01-02 to 2026-01-03"),
        "{out}{err}"
    );
    assert!(run(folder.path(), &import, "", 0).0.contains("0 executions imported, 2 already existed"));
    std::fs::write(folder.path().join("bad.json"), "[\n {\"task_id\": \"a\"}\n]").expect("write a file");
    let (_, err) = run(folder.path(), &["import", "history", "bad.json", "--yes"], "", 2);
    assert!(err.contains("bad.json:2:") && err.contains("started_at: is required"), "{err}");
}

const MAKE: &str = "
import sys
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
s = BackgroundScheduler(jobstores={'default': SQLAlchemyJobStore(url=sys.argv[1])}, timezone='Asia/Shanghai')
s.start(paused=True)
s.add_job('json:dumps', 'cron', day_of_week='0-4', hour=8, id='report', args=['日报'], kwargs={'indent': 2})
s.add_job('json:dumps', 'interval', minutes=10, id='tick', args=[[1]])
s.shutdown(wait=False)
";

#[test]
fn import_apscheduler_compares_fire_times() {
    let Some(python) = venv(&["apscheduler==3.11.0", "sqlalchemy", "psycopg2-binary", "pymysql"]) else { return };
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let here = folder.path();
    let status =
        Command::new(python).current_dir(here).args(["-c", MAKE, "sqlite:///jobs.sqlite"]).status().expect("run the program");
    assert!(status.success());
    let before = std::fs::read(here.join("jobs.sqlite")).expect("read");
    let import = |more: &[&str], status| {
        run(here, &[&["import", "apscheduler", "--url", "sqlite:///jobs.sqlite"], more].concat(), "", status)
    };
    let (draft, _) = import(&[], 0);
    assert!(draft.contains("json:dumps") && draft.contains("send_cmd"), "{draft}");
    import(&["--draft", "mapping.yaml"], 0);
    assert!(import(&["--draft", "mapping.yaml"], 2).1.contains("mapping.yaml"), "a mapping is not overwritten");
    let (out, err) = import(&["--mapping", "mapping.yaml", "--dry-run"], 0);
    assert!(err.contains("the next 10 fire times are the same") && !err.contains("the fire times differ"), "{err}");
    assert!(out.contains("+ report (send_cmd): create") && out.contains("Nothing was saved"), "{out}");
    let (out, _) = import(&["--mapping", "mapping.yaml", "--yes"], 0);
    assert!(out.contains("2 created"), "{out}");
    let (exported, _) = run(here, &["export", "--format", "json"], "", 0);
    let exported: Value = serde_json::from_str(&exported).expect("valid JSON");
    let report = &exported["tasks"][0];
    let trigger = json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "timezone": "Asia/Shanghai"});
    assert_eq!(report["trigger"], trigger);
    assert_eq!(report["params"]["command"][3], "[\"日报\"]");
    // The drafted task runs the function.
    let command: Vec<String> = serde_json::from_value(report["params"]["command"].clone()).expect("texts");
    assert!(Command::new(&command[0]).args(&command[1..]).status().expect("run the program").success());
    assert_eq!(std::fs::read(here.join("jobs.sqlite")).expect("read"), before, "the job store is not changed");
    std::fs::write(here.join("other.yaml"), "functions:\n  other:f: {type: echo}\n").expect("write a file");
    let (_, err) = import(&["--mapping", "other.yaml", "--yes"], 1);
    assert!(err.contains("report: the mapping has no entry for its function json:dumps"), "{err}");
    assert!(err.contains("2 could not be migrated"), "{err}");
}

#[tokio::test]
async fn tasks_file_is_applied_on_change() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("tasks.yaml");
    std::fs::write(&file, TASKS).expect("write a file");
    let shown = file.display().to_string();
    let server = Server::start_with(folder.path(), &[("BELFRY_TASKS_FILE", &shown)]);
    let hello = server.json("/api/v1/tasks/hello").await;
    assert_eq!(hello["managed_by"], "tasks.yaml");
    let other = json!({"tasks": [{"id": "hello", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "x"}}]});
    let response = server.post("/api/v1/import", &other).send().await.expect("get a response");
    assert_eq!(response.status(), 409);
    // An invalid file changes nothing; a valid one is applied.
    std::fs::write(&file, "tasks: [").expect("write a file");
    let log = folder.path().join("data/scheduler.log");
    until("the error in the log", async || {
        std::fs::read_to_string(&log).ok().filter(|text| text.contains("failed to apply tasks file")).map(drop)
    })
    .await;
    assert_eq!(server.json("/api/v1/tasks").await["total"], 2);
    let later = TASKS.replace("hour: 8", "hour: 9");
    std::fs::write(&file, later.split("  - id: world").next().expect("the first task")).expect("write a file");
    until("the changed file to be applied", async || {
        let list = server.json("/api/v1/tasks").await;
        (list["total"] == 1 && list["items"][0]["trigger"]["hour"] == 9).then_some(())
    })
    .await;
    server.kill();
    // Without the file the tasks can be edited again.
    let server = Server::start(folder.path());
    assert_eq!(server.json("/api/v1/tasks/hello").await["managed_by"], Value::Null);
}
