//! Imports from the databases of XXL-JOB, gocron and qinglong, with their public schemas, and from exports of the Windows Task Scheduler.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, sqlite::SqliteConnectOptions};

use crate::import::{exported, run};
use crate::support::{TestDatabase, mariadb::MariaDb};

fn task<'t>(tasks: &'t [Value], id: &str) -> &'t Value {
    tasks.iter().find(|task| task["id"] == id).unwrap_or_else(|| panic!("{id} is missing"))
}

/// Creates a database file of SQLite.
async fn sqlite(file: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut connection = options.connect().await.expect("connects");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs the statements");
}

const XXL_JOB: &str = "
create table xxl_job_group (id int not null auto_increment primary key, app_name varchar(64) not null, title varchar(12) not null,
    address_type tinyint not null default 0, address_list text, update_time datetime);
create table xxl_job_info (id int not null auto_increment primary key, job_group int not null, job_desc varchar(255) not null,
    add_time datetime, update_time datetime, author varchar(64), alarm_email varchar(255),
    schedule_type varchar(50) not null default 'NONE', schedule_conf varchar(128), misfire_strategy varchar(50) not null default 'DO_NOTHING',
    executor_route_strategy varchar(50), executor_handler varchar(255), executor_param varchar(512), executor_block_strategy varchar(50),
    executor_timeout int not null default 0, executor_fail_retry_count int not null default 0, glue_type varchar(50) not null,
    glue_source mediumtext, glue_remark varchar(128), glue_updatetime datetime, child_jobid varchar(255),
    trigger_status tinyint not null default 0, trigger_last_time bigint not null default 0, trigger_next_time bigint not null default 0);
insert into xxl_job_group (id, app_name, title) values (1, 'report-executor', '报表');
insert into xxl_job_info (id, job_group, job_desc, author, alarm_email, schedule_type, schedule_conf, misfire_strategy, executor_route_strategy,
    executor_handler, executor_param, executor_block_strategy, executor_timeout, executor_fail_retry_count, glue_type, glue_source, child_jobid,
    trigger_status, trigger_next_time) values
  (1, 1, '日报', '张三', '', 'CRON', '0 30 2 ? * 2-6', 'FIRE_ONCE_NOW', 'FIRST', '', '', 'DISCARD_LATER', 120, 2, 'GLUE_SHELL',
    '#!/bin/bash\\r\\necho done\\r\\n', '4,9', 1, 0),
  (2, 1, 'sync', 'li', '', 'FIX_RATE', '30', 'DO_NOTHING', 'SHARDING_BROADCAST', '', 'x=1', 'SERIAL_EXECUTION', 0, 0, 'GLUE_PYTHON',
    'import sys\\nprint(sys.argv[1:])', '', 0, 1767225600000),
  (3, 1, 'bean', 'li', '', 'CRON', '0 0 1 * * ?', 'DO_NOTHING', 'ROUND', 'reportHandler', '', '', 0, 0, 'BEAN', '', '', 1, 0),
  (4, 1, 'after', 'li', 'a@example.com', 'NONE', '', 'DO_NOTHING', '', '', 'day', '', 0, 0, 'GLUE_SHELL', 'echo $1', '', 0, 0);
";

#[tokio::test]
async fn import_xxl_job_converts_scripts_and_schedules() {
    let Some(mut database) = MariaDb::create().await else { return };
    database.execute(XXL_JOB).await;
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let url = database.url();
    let import = |more: &[&str], status| {
        run(folder.path(), &[&["import", "xxl-job", "--url", &url, "--tz", "Asia/Shanghai", "--yes"], more].concat(), "", status)
    };
    let (out, err) = import(&["--dry-run"], 3);
    assert!(out.contains("3 to create") && !err.contains("the fire times differ"), "{out}{err}");
    let (out, err) = import(&[], 3);
    assert!(out.contains("3 created") && err.contains("the handler reportHandler is Java code"), "{out}{err}");
    for reason in ["its child job 9 is not migrated", "routing SHARDING_BROADCAST", "alarms to a@example.com"] {
        assert!(err.contains(reason), "{reason}: {err}");
    }
    let tasks = exported(folder.path());
    let report = task(&tasks, "xxl-job-1");
    assert_eq!(report["trigger"], json!({"type": "cron", "expression": "30 2 * * mon-fri", "timezone": "Asia/Shanghai"}));
    assert_eq!(report["params"], json!({"command": "#!/bin/bash\necho done\n", "shell": "bash"}));
    assert_eq!((&report["name"], &report["tags"][2]), (&json!("日报"), &json!("report-executor")));
    assert_eq!(report["chain"][0]["task"], "xxl-job-4");
    let policy = json!({"misfire_grace_seconds": null, "timeout_seconds": 120, "retry": {"max_attempts": 3, "delay_seconds": 0, "backoff": "fixed", "max_delay_seconds": 0}});
    assert_eq!(report["policy"], policy);
    let sync = task(&tasks, "xxl-job-2");
    assert_eq!((&sync["enabled"], &sync["trigger"]["seconds"]), (&json!(false), &json!(30)));
    assert_eq!(sync["params"]["command"], json!(["python3", "-c", "import sys\nprint(sys.argv[1:])", "x=1", "0", "1"]));
    assert_eq!(task(&tasks, "xxl-job-4")["params"]["command"], json!(["bash", "-c", "echo $1", "xxl-job", "day", "0", "1"]));

    assert!(import(&[], 3).0.contains("No changes; 3 tasks"));
    database
        .execute(
            "update xxl_job_info set schedule_conf = '0 45 2 ? * 2-6' where id = 1; delete from xxl_job_info where id in (2, 3)",
        )
        .await;
    let (out, _) = import(&["--prune"], 3);
    assert!(out.contains("0 created, 1 changed, 1 deleted, 1 unchanged"), "{out}");
    database.remove().await;
}

const GOCRON: &str = "
create table host (id smallint not null primary key, name varchar(64) not null, alias varchar(32) not null, port int not null,
    remark varchar(100) not null);
create table task_host (id int not null primary key, task_id int not null, host_id smallint not null);
create table task (id int not null primary key, name varchar(32) not null, level smallint not null, dependency_task_id varchar(64) not null,
    dependency_status smallint not null, spec varchar(64) not null, protocol smallint not null, command varchar(256) not null,
    http_method smallint not null, timeout int not null, multi smallint not null, retry_times smallint not null,
    retry_interval smallint not null, notify_status smallint not null, notify_type smallint not null,
    notify_receiver_id varchar(256) not null, notify_keyword varchar(128) not null, tag varchar(32) not null, remark varchar(100) not null,
    status smallint not null, created timestamp null, deleted timestamp null);
insert into host values (1, '10.0.0.5', 'db-1', 5921, '');
insert into task_host values (1, 1, 1);
insert into task values
  (1, 'backup', 1, '2', 2, '0 30 3 * * 1-5', 2, '/opt/backup.sh', 1, 600, 0, 1, 30, 0, 0, '', '', 'db', 'nightly', 1, null, null),
  (2, 'after', 2, '', 1, '', 2, 'echo after', 1, 0, 1, 0, 0, 0, 0, '', '', '', '', 1, null, null),
  (3, 'ping', 1, '', 1, '@every 90s', 1, 'https://example.com/hook?a=1&b=2', 2, 0, 1, 0, 0, 1, 0, '', '', '', '', 0, null, null),
  (4, 'five', 1, '', 1, '0 0 8 * *', 2, 'date', 1, 0, 1, 0, 0, 0, 0, '', '', '', '', 1, null, null),
  (5, 'odd', 1, '', 1, '0 0 8 * * 9', 2, 'date', 1, 0, 1, 0, 0, 0, 0, '', '', '', '', 1, null, null),
  (6, 'deleted', 1, '', 1, '0 0 8 * *', 2, 'date', 1, 0, 1, 0, 0, 0, 0, '', '', '', '', 1, null, '2026-01-01 00:00:00');
";

/// Imports the tasks of a gocron database and checks them.
fn check_gocron(source: &[&str]) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let import = [&["import", "gocron"], source, &["--tz", "Asia/Shanghai", "--yes"]].concat();
    let (out, err) = run(folder.path(), &import, "", 3);
    assert!(out.contains("4 created") && err.contains("job 5, odd: day_of_week: cannot read '9'"), "{out}{err}");
    assert!(err.contains("it ran on db-1") && !err.contains("the fire times differ"), "{err}");
    let tasks = exported(folder.path());
    let backup = task(&tasks, "gocron-1");
    assert_eq!(backup["trigger"]["expression"], "30 3 * * mon-fri");
    assert_eq!((&backup["chain"][0]["task"], &backup["chain"][0]["on"]), (&json!("gocron-2"), &json!("always")));
    assert_eq!((&backup["policy"]["timeout_seconds"], &backup["policy"]["retry"]["max_attempts"]), (&json!(600), &json!(2)));
    assert_eq!((&backup["tags"][2], &backup["description"]), (&json!("db"), &json!("nightly")));
    let ping = task(&tasks, "gocron-3");
    assert_eq!(
        (&ping["type"], &ping["enabled"], &ping["trigger"]["seconds"]),
        (&json!("http_request"), &json!(false), &json!(90))
    );
    assert_eq!((&ping["params"]["url"], &ping["params"]["text"]), (&json!("https://example.com/hook"), &json!("a=1&b=2")));
    assert_eq!(task(&tasks, "gocron-4")["trigger"]["expression"], "0 8 * * *");
    assert!(run(folder.path(), &import, "", 3).0.contains("No changes; 4 tasks"));
}

#[tokio::test]
async fn import_gocron_reads_mariadb() {
    let Some(mut database) = MariaDb::create().await else { return };
    database.execute(GOCRON).await;
    check_gocron(&["--url", &database.url()]);
    database.remove().await;
}

#[tokio::test]
async fn import_gocron_reads_postgresql() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let url = database.url();
    let mut connection = url.parse::<sqlx::postgres::PgConnectOptions>().expect("a URL").connect().await.expect("connects");
    sqlx::raw_sql(GOCRON).execute(&mut connection).await.expect("runs the statements");
    check_gocron(&["--url", &url]);
    database.remove().await;
}

#[tokio::test]
async fn import_gocron_reads_sqlite() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let file = folder.path().join("gocron.db");
    sqlite(&file, GOCRON).await;
    check_gocron(&[&file.display().to_string()]);
}

const QINGLONG: &str = "
create table Crontabs (id integer primary key autoincrement, name varchar(255), command varchar(255), schedule varchar(255),
    timestamp varchar(255), saved tinyint(1), status number, isSystem number, pid number, isDisabled number, isPinned number,
    log_path varchar(255), labels json, last_running_time number, last_execution_time number, sub_id number, extra_schedules json,
    task_before varchar(255), task_after varchar(255), createdAt datetime, updatedAt datetime);
create table Envs (id integer primary key autoincrement, value varchar(255), timestamp varchar(255), status number, position number,
    name varchar(255), remarks varchar(255), createdAt datetime, updatedAt datetime);
insert into Crontabs (id, name, command, schedule, isDisabled, labels, extra_schedules, task_before) values
  (1, '签到', 'task sign.js', '5 8 * * *', 0, '[\"daily\",\"no good\"]', '[{\"schedule\":\"0 20 * * *\"}]', 'export A=1'),
  (2, 'seconds', 'curl -fsS https://example.com', '*/30 * * * * *', 1, null, null, null),
  (3, 'update', 'ql update', '0 0 * * *', 0, null, null, null);
insert into Envs (value, status, position, name) values ('second', 0, 10, 'COOKIE'), ('first', 0, 20, 'COOKIE'), ('x', 1, 5, 'OFF');
";

#[tokio::test]
async fn import_qinglong_runs_scripts_with_its_variables() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    sqlite(&folder.path().join("database.sqlite"), QINGLONG).await;
    let import = ["import", "qinglong", "database.sqlite", "--scripts", "/srv/scripts", "--tz", "Asia/Shanghai", "--yes"];
    let (out, err) = run(folder.path(), &import, "", 3);
    assert!(out.contains("3 created") && err.contains("ql update is a command of qinglong itself"), "{out}{err}");
    assert!(!err.contains("the fire times differ"), "{err}");
    let tasks = exported(folder.path());
    let sign = task(&tasks, "qinglong-1");
    assert_eq!(
        sign["params"],
        json!({"command": "export A=1\nnode sign.js", "shell": "bash", "cwd": "/srv/scripts", "env": {"COOKIE": "first&second"}})
    );
    assert_eq!((&sign["name"], &sign["tags"][2], &sign["tags"][3]), (&json!("签到"), &json!("daily"), &json!("no-good")));
    assert_eq!(task(&tasks, "qinglong-1-2")["trigger"]["expression"], "0 20 * * *");
    let seconds = task(&tasks, "qinglong-2");
    assert_eq!((&seconds["enabled"], &seconds["trigger"]["expression"]), (&json!(false), &json!("*/30 * * * * *")));
    assert!(run(folder.path(), &import, "", 3).0.contains("No changes; 3 tasks"));
    let (out, _) = run(folder.path(), &[&import[..], &["--no-env"]].concat(), "", 3);
    assert!(out.contains("3 changed"), "{out}");
}

#[test]
fn import_schtasks_reads_utf_16() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let xml = r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><URI>\运维\夜间备份</URI></RegistrationInfo>
  <Triggers>
    <CalendarTrigger><StartBoundary>2026-01-05T02:30:00</StartBoundary>
      <ScheduleByWeek><DaysOfWeek><Monday /><Thursday /></DaysOfWeek><WeeksInterval>1</WeeksInterval></ScheduleByWeek></CalendarTrigger>
    <BootTrigger><Enabled>true</Enabled></BootTrigger>
  </Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId></Principal></Principals>
  <Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><ExecutionTimeLimit>PT0S</ExecutionTimeLimit></Settings>
  <Actions Context="Author"><Exec><Command>cmd.exe</Command><Arguments>/c "D:\备份\run.bat" full</Arguments></Exec></Actions>
</Task>"#;
    let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(xml.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    std::fs::write(folder.path().join("task.xml"), bytes).expect("write a file");
    let import = ["import", "schtasks", "task.xml", "--tz", "Asia/Shanghai", "--yes"];
    let (out, err) = run(folder.path(), &import, "", 3);
    assert!(
        out.contains("1 created") && err.contains("BootTrigger has no equivalent") && err.contains("it ran as S-1-5-18"),
        "{out}{err}"
    );
    assert!(err.contains("the next 10 fire times are the same"), "{err}");
    let tasks = exported(folder.path());
    let backup = task(&tasks, "schtasks-运维-夜间备份");
    assert_eq!((&backup["name"], &backup["policy"]["timeout_seconds"]), (&json!("夜间备份"), &Value::Null));
    assert_eq!(backup["params"], json!({"command": "\"D:\\备份\\run.bat\" full", "shell": "cmd"}));
    assert_eq!((&backup["trigger"]["day_of_week"], &backup["trigger"]["hour"]), (&json!("mon,thu"), &json!("2")));
    assert!(run(folder.path(), &import, "", 3).0.contains("No changes; 1 task"));
    let (_, err) = run(folder.path(), &["import", "schtasks", "-"], "<html/>", 2);
    assert!(err.contains("not an export of the Task Scheduler"), "{err}");
}
