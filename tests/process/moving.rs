//! Moving in by the command line, and the file that keeps tasks, with real processes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, belfry, until};
use crate::support::venv::venv;

/// What a command answered and said, after its exit status was checked.
fn run(folder: &Path, arguments: &[&str], input: &str, status: i32) -> (String, String) {
    let mut command = belfry(folder);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    // A command that needs no input may have ended already.
    let _read_or_not = child.stdin.take().expect("is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {out}{said}");
    (out, said)
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
async fn a_document_is_imported_and_exported_here_and_on_a_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    std::fs::write(here.join("tasks.yaml"), TASKS).expect("writes");
    let (out, said) = run(here, &["import", "tasks.yaml", "--dry-run"], "", 0);
    assert!(out.contains("+ hello (echo): create") && out.contains("Nothing was saved"), "{out}{said}");
    let (_, said) = run(here, &["import", "tasks.yaml"], "", 2);
    assert!(said.contains("--yes"), "{said}");
    let (out, _) = run(here, &["import", "tasks.yaml", "--yes"], "", 0);
    assert!(out.contains("2 created, 0 changed, 0 deleted"), "{out}");
    let (out, _) = run(here, &["import", "tasks.yaml", "--yes"], "", 0);
    assert!(out.contains("Nothing changes; 2 tasks"), "{out}");
    let (exported, _) = run(here, &["export"], "", 0);
    assert!(exported.starts_with("version: 1\ntasks:\n  - id: hello\n"), "{exported}");

    let elsewhere = tempfile::tempdir().expect("a folder");
    let server = Server::start(elsewhere.path());
    let url = server.ready_line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address").to_owned();
    let there = ["--server", &url, "--token", TOKEN];
    run(here, &[&["import", "-", "--yes", "--prune"], &there[..]].concat(), &exported, 0);
    let (again, _) = run(here, &[&["export"], &there[..]].concat(), "", 0);
    assert_eq!(again, exported);
    run(here, &["export", "-o", "out.json"], "", 0);
    let written: Value = serde_json::from_slice(&std::fs::read(here.join("out.json")).expect("reads")).expect("is JSON");
    assert_eq!(written["tasks"][1]["id"], "world");
    std::fs::write(here.join("bad.yaml"), "tasks:\n  - id: a\n    type: echo\n    trigger: {type: cron, hour: 25}\n")
        .expect("writes");
    let (_, said) = run(here, &["import", "bad.yaml", "--yes"], "", 2);
    assert!(said.contains("bad.yaml:4:") && said.contains("hour: 25 is not between 0 and 23"), "{said}");
}

#[test]
fn a_crontab_becomes_tasks() {
    let folder = tempfile::tempdir().expect("a folder");
    let crontab = "PATH=/usr/bin:/bin\n@reboot /opt/start\n0 8 * * 1-5 /opt/report.sh\n0 0 13 * 5 /opt/friday\n";
    let (out, said) = run(folder.path(), &["import", "crontab", "-", "--tz", "Asia/Shanghai", "--yes"], crontab, 0);
    assert!(out.contains("2 created") && said.contains("line 2: @reboot has no equal"), "{out}{said}");
    let (exported, _) = run(folder.path(), &["export", "--format", "json"], "", 0);
    let exported: Value = serde_json::from_str(&exported).expect("is JSON");
    assert_eq!(exported["tasks"][0]["trigger"], json!({"type": "cron", "expression": "0 0 13 * 5", "timezone": "Asia/Shanghai"}));
    let params = json!({"command": "/opt/report.sh", "env": {"PATH": "/usr/bin:/bin"}});
    assert_eq!(exported["tasks"][1]["params"], params);
}

#[test]
fn a_history_is_put_on_record_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = json!([{"任务ID": "日报", "开始时间": "2026-01-02 08:00:00", "耗时": 1.5, "状态": "成功"},
        {"task_id": "b", "start_time": "2026-01-03 08:00:00", "duration": 2, "status": "failed", "error": "x"}]);
    std::fs::write(folder.path().join("task_history.json"), history.to_string()).expect("writes");
    let import = ["import", "history", "task_history.json", "--tz", "Asia/Shanghai", "--yes"];
    let (out, said) = run(folder.path(), &import, "", 0);
    assert!(out.contains("2 runs are new") && said.contains("2 runs of 2 tasks, 2026-01-02 to 2026-01-03"), "{out}{said}");
    assert!(run(folder.path(), &import, "", 0).0.contains("0 runs are new on record, 2 were there already"));
    std::fs::write(folder.path().join("bad.json"), "[\n {\"task_id\": \"a\"}\n]").expect("writes");
    let (_, said) = run(folder.path(), &["import", "history", "bad.json", "--yes"], "", 2);
    assert!(said.contains("bad.json:2:") && said.contains("started_at: is required"), "{said}");
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
fn a_job_store_is_moved_with_its_firings_side_by_side() {
    let Some(python) = venv(&["apscheduler==3.11.0", "sqlalchemy", "psycopg2-binary", "pymysql"]) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let made = Command::new(python).current_dir(here).args(["-c", MAKE, "sqlite:///jobs.sqlite"]).status().expect("runs");
    assert!(made.success());
    let before = std::fs::read(here.join("jobs.sqlite")).expect("reads");
    let import = |more: &[&str], status| {
        run(here, &[&["import", "apscheduler", "--url", "sqlite:///jobs.sqlite"], more].concat(), "", status)
    };
    let (draft, _) = import(&[], 0);
    assert!(draft.contains("json:dumps") && draft.contains("send_cmd"), "{draft}");
    import(&["--draft", "mapping.yaml"], 0);
    assert!(import(&["--draft", "mapping.yaml"], 2).1.contains("mapping.yaml"), "a mapping is not overwritten");
    let (out, said) = import(&["--mapping", "mapping.yaml", "--dry-run"], 0);
    assert!(said.contains("the next 10 firings are the same") && !said.contains("the firings differ"), "{said}");
    assert!(out.contains("+ report (send_cmd): create") && out.contains("Nothing was saved"), "{out}");
    let (out, _) = import(&["--mapping", "mapping.yaml", "--yes"], 0);
    assert!(out.contains("2 created"), "{out}");
    let (exported, _) = run(here, &["export", "--format", "json"], "", 0);
    let exported: Value = serde_json::from_str(&exported).expect("is JSON");
    let report = &exported["tasks"][0];
    let trigger = json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "timezone": "Asia/Shanghai"});
    assert_eq!(report["trigger"], trigger);
    assert_eq!(report["params"]["command"][3], "[\"日报\"]");
    // What was drafted runs the function.
    let command: Vec<String> = serde_json::from_value(report["params"]["command"].clone()).expect("texts");
    assert!(Command::new(&command[0]).args(&command[1..]).status().expect("runs").success());
    assert_eq!(std::fs::read(here.join("jobs.sqlite")).expect("reads"), before, "the store is not touched");
    std::fs::write(here.join("other.yaml"), "functions:\n  other:f: {type: echo}\n").expect("writes");
    let (_, said) = import(&["--mapping", "other.yaml", "--yes"], 1);
    assert!(said.contains("report: the mapping does not name its function json:dumps"), "{said}");
    assert!(said.contains("2 could not be moved"), "{said}");
}

#[tokio::test]
async fn a_file_of_tasks_is_kept_in_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tasks.yaml");
    std::fs::write(&file, TASKS).expect("writes");
    let shown = file.display().to_string();
    let server = Server::start_with(folder.path(), &[("BELFRY_TASKS_FILE", &shown)]);
    let hello = server.json("/api/v1/tasks/hello").await;
    assert_eq!(hello["managed_by"], "tasks.yaml");
    let other = json!({"tasks": [{"id": "hello", "type": "echo", "trigger": {"type": "idle"}, "params": {"message": "x"}}]});
    let refused = server.post("/api/v1/import", &other).send().await.expect("answers");
    assert_eq!(refused.status(), 409);
    // What does not read changes nothing; then what does is done.
    std::fs::write(&file, "tasks: [").expect("writes");
    let log = folder.path().join("data/scheduler.log");
    until("the fault in the log", async || {
        std::fs::read_to_string(&log).ok().filter(|text| text.contains("the file of tasks was not done")).map(drop)
    })
    .await;
    assert_eq!(server.json("/api/v1/tasks").await["total"], 2);
    let later = TASKS.replace("hour: 8", "hour: 9");
    std::fs::write(&file, later.split("  - id: world").next().expect("the first")).expect("writes");
    until("the file to be done", async || {
        let list = server.json("/api/v1/tasks").await;
        (list["total"] == 1 && list["items"][0]["trigger"]["hour"] == 9).then_some(())
    })
    .await;
    server.kill();
    // Without the file the tasks are free again.
    let server = Server::start(folder.path());
    assert_eq!(server.json("/api/v1/tasks/hello").await["managed_by"], Value::Null);
}
