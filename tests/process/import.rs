//! Imports on the command line and the managed task file, with real processes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, belfry, until};
use crate::support::venv::venv;

/// Standard output and error of a command, after checking its exit code.
pub fn run(folder: &Path, arguments: &[&str], input: &str, status: i32) -> (String, String) {
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

/// The exported tasks.
pub fn exported(folder: &Path) -> Vec<Value> {
    let (exported, _) = run(folder, &["export", "--format", "json"], "", 0);
    let exported: Value = serde_json::from_str(&exported).expect("valid JSON");
    exported["tasks"].as_array().expect("a list").clone()
}

#[test]
fn import_crontab_touches_only_its_own_tasks() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let here = folder.path();
    let import = |more: &[&str], crontab: &str, status| {
        run(here, &[&["import", "crontab", "-", "--tz", "Asia/Shanghai", "--no-system", "--yes"], more].concat(), crontab, status)
    };
    let crontab = "PATH=/usr/bin:/bin\n@reboot /opt/start\n0 8 * * 1-5 /opt/report.sh\n0 0 13 * 5 /opt/friday\n";
    let (out, err) = import(&["--home", "/srv"], crontab, 3);
    assert!(out.contains("2 created") && err.contains("line 2: @reboot has no equivalent"), "{out}{err}");
    assert!(err.contains("the next 10 fire times are the same") && !err.contains("the fire times differ"), "{err}");
    assert!(err.contains("runs have no time limit") && err.contains("/opt/report.sh"), "{err}");
    let tasks = exported(here);
    assert_eq!(tasks[0]["trigger"], json!({"type": "cron", "expression": "0 0 13 * 5", "timezone": "Asia/Shanghai"}));
    let params = &tasks[1]["params"];
    assert_eq!(
        (&params["command"], &params["cwd"], &params["env"]["PATH"]),
        (&json!("/opt/report.sh"), &json!("/srv"), &json!("/usr/bin:/bin"))
    );
    assert_eq!((&tasks[1]["policy"]["timeout_seconds"], &tasks[1]["policy"]["on_overlap"]), (&Value::Null, &json!("allow")));
    assert_eq!(tasks[1]["tags"][0], "crontab");

    assert!(import(&["--home", "/srv"], crontab, 3).0.contains("No changes; 2 tasks"));
    // A line that is gone is deleted on request only; the other keeps its task.
    let shorter = "0 8 * * 1-5 /opt/report.sh\n";
    assert!(import(&["--home", "/srv"], shorter, 0).0.contains("No changes"));
    let (out, _) = import(&["--home", "/srv", "--prune"], shorter, 0);
    assert!(out.contains("0 created, 0 changed, 1 deleted"), "{out}");
    // A task of the same id that does not come from the import is not touched.
    let id = tasks[1]["id"].as_str().expect("an id");
    let task = format!("tasks: [{{id: {id}, type: send_cmd, trigger: {{type: idle}}, params: {{command: date}}}}]");
    run(here, &["import", "-", "--yes", "--prune"], &task, 0);
    let (_, err) = import(&[], shorter, 5);
    assert!(err.contains(id) && err.contains("does not come from this import"), "{err}");
    let (out, _) = import(&["--prefix", "web-"], shorter, 0);
    assert!(out.contains("1 created"), "{out}");
    assert!(exported(here).iter().any(|task| task["id"].as_str().is_some_and(|id| id.starts_with("web-report.sh-"))));
    let (_, err) = import(&["--prefix", "-"], shorter, 2);
    assert!(err.contains("--prefix"), "{err}");
}

#[cfg(unix)]
#[test]
fn imported_crontab_entry_runs_as_under_cron() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let here = folder.path();
    let home = here.join("home");
    std::fs::create_dir(&home).expect("create a folder");
    let home = home.canonicalize().expect("a path").display().to_string();
    let crontab = "A=a b\nSHELL=/bin/bash\n0 3 * * * cat > input; echo \"$A|$0|$BASH\" > seen; echo \"$PATH\" >> seen%one%two\n";
    run(here, &["import", "crontab", "-", "--home", &home, "--no-system", "--yes"], crontab, 0);
    let id = exported(here)[0]["id"].as_str().expect("an id").to_owned();
    let _server = Server::start(here);
    run(here, &["run", &id, "--wait"], "", 0);
    let file = |name: &str| std::fs::read_to_string(Path::new(&home).join(name)).expect("written in the home folder");
    assert_eq!(file("input"), "one\ntwo\n");
    let seen = file("seen");
    assert!(seen.starts_with("a b|") && seen.contains("bash") && seen.ends_with("\n/usr/bin:/bin\n"), "{seen}");
}

#[test]
fn import_crontab_reads_other_encodings() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let text = "# 日报\r\n0 8 * * * /opt/日报.sh\r\n";
    let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    std::fs::write(folder.path().join("utf16.cron"), utf_16).expect("write a file");
    std::fs::write(folder.path().join("gbk.cron"), encoding_rs::GBK.encode(text).0).expect("write a file");
    std::fs::write(folder.path().join("odd.cron"), b"0 8 * * * /opt/caf\xe9 \xff\n").expect("write a file");
    for file in ["utf16.cron", "gbk.cron"] {
        let (out, err) = run(folder.path(), &["import", "crontab", file, "--yes"], "", 0);
        assert!(out.contains("1 created") && err.contains("it was read as"), "{out}{err}");
    }
    let tasks = exported(folder.path());
    assert_eq!((&tasks[0]["params"]["command"], &tasks[0]["description"]), (&json!("/opt/日报.sh"), &json!("日报")));
    let (_, err) = run(folder.path(), &["import", "crontab", "odd.cron", "--yes"], "", 2);
    assert!(err.contains("odd.cron") && err.contains("--encoding"), "{err}");
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

const JOBS: &str = "
async def touch(path):
    open(path, 'w').close()
";

const MAKE: &str = "
import datetime, os, sys
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
def local(): pass
s = BackgroundScheduler(jobstores={'default': SQLAlchemyJobStore(url=sys.argv[1])}, timezone='Asia/Shanghai')
s.start(paused=True)
s.add_job('json:dumps', 'cron', day_of_week='0-4', hour=8, id='report', args=['日报'], kwargs={'indent': 2})
s.add_job('json:dumps', 'interval', minutes=10, id='tick', args=[[1]])
if len(sys.argv) > 2:
    past = datetime.datetime(2026, 1, 2, 8, tzinfo=datetime.timezone.utc)
    s.add_job('jobs:touch', 'cron', hour=8, id='a b', args=['touched'], jitter=60)
    s.add_job('jobs:touch', 'cron', hour=9, id='a-b', args=[('x', 1)], next_run_time=past)
    s.add_job('jobs:touch', 'date', run_date='2020-01-01 00:00:00', id='gone', args=['x'], next_run_time=past)
    s.add_job(local, 'cron', hour=9, id='main')
os._exit(0)  # a shutdown would run the jobs that are due
";

/// A folder with a job store; `None` without Python.
fn job_store(more: &[&str]) -> Option<tempfile::TempDir> {
    let python = venv(&["apscheduler==3.11.0", "sqlalchemy", "psycopg2-binary", "pymysql", "pytz", "python-dateutil"])?;
    let folder = tempfile::tempdir().expect("create a temporary folder");
    std::fs::write(folder.path().join("jobs.py"), JOBS).expect("write a file");
    let mut command = Command::new(python);
    let status = command.current_dir(folder.path()).args(["-c", MAKE, "sqlite:///jobs.sqlite"]).args(more).status();
    assert!(status.expect("run the program").success());
    Some(folder)
}

#[test]
fn import_apscheduler_compares_fire_times() {
    let Some(folder) = job_store(&[]) else { return };
    let here = folder.path();
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
    assert!(import(&["--mapping", "mapping.yaml", "--yes"], 0).0.contains("No changes"));
    let report = &exported(here)[0];
    let trigger = json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "timezone": "Asia/Shanghai"});
    assert_eq!(report["trigger"], trigger);
    assert_eq!(report["params"]["command"][3], "[\"日报\"]");
    run_command(here, report);
    assert_eq!(std::fs::read(here.join("jobs.sqlite")).expect("read"), before, "the job store is not changed");
    std::fs::write(here.join("other.yaml"), "functions:\n  other:f: {type: echo}\n").expect("write a file");
    let (_, err) = import(&["--mapping", "other.yaml", "--yes"], 1);
    assert!(err.contains("report: the mapping has no entry for its function json:dumps"), "{err}");
    assert!(err.contains("2 could not be migrated"), "{err}");
}

/// Runs the command of a task as the server does.
fn run_command(folder: &Path, task: &Value) {
    let command: Vec<String> = serde_json::from_value(task["params"]["command"].clone()).expect("texts");
    let status = Command::new(&command[0]).current_dir(folder).args(&command[1..]).status().expect("run the program");
    assert!(status.success(), "{command:?}");
}

#[test]
fn import_apscheduler_reports_what_cannot_move() {
    let Some(folder) = job_store(&["more"]) else { return };
    let here = folder.path();
    let import = |more: &[&str], status| {
        run(here, &[&["import", "apscheduler", "--url", "sqlite:///jobs.sqlite"], more].concat(), "", status)
    };
    import(&["--draft", "mapping.yaml"], 0);
    let draft = std::fs::read_to_string(here.join("mapping.yaml")).expect("read");
    assert!(draft.contains("__main__:local") && draft.contains("no other process can import"), "{draft}");
    let (_, err) = import(&["--mapping", "mapping.yaml", "--yes"], 1);
    assert!(err.contains("job gone: its time 2020-01-01") && err.contains("1 could not be migrated"), "{err}");
    assert!(err.contains("job main: skipped by the mapping: its function __main__:local"), "{err}");
    let (out, err) = import(&["--mapping", "mapping.yaml", "--yes", "--partial"], 0);
    assert!(out.contains("4 created"), "{out}{err}");
    assert!(err.contains("the id a-b is taken by another job of this import; its task is a-b-2"), "{err}");
    assert!(err.contains("it has been due since 2026-01-02") && err.contains("args[0]: a tuple becomes a list"), "{err}");
    assert!(!err.contains("the fire times differ"), "{err}");
    let tasks = exported(here);
    let touching = tasks.iter().find(|task| task["params"]["command"][3] == "[\"touched\"]").expect("is imported");
    assert_eq!(touching["trigger"]["jitter"], 60);
    // The coroutine is awaited.
    run_command(here, touching);
    assert!(here.join("touched").exists());
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
