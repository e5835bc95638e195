//! Job stores created by APScheduler 3.10 and 3.11 on each database: every job is read, and its firings match APScheduler's.

use std::collections::BTreeMap;
use std::process::Command;

use belfry::migrate::apscheduler::Job;
use belfry::migrate::job_store;
use belfry::migrate::{firings, mapping::Mapping};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::support::{TestDatabase, at, venv::venv};

const NOW: &str = "2026-11-21T08:00:00.250000+00:00";
/// Firings compared per trigger.
const COUNT: usize = 60;
const DRIVERS: [&str; 3] = ["sqlalchemy", "psycopg2-binary", "pymysql"];
const LOCAL: Tz = Tz::Asia__Shanghai;

/// Triggers and arguments without an equivalent, with part of the reason.
const UNSUPPORTED: [(&str, &str); 4] = [
    ("and", "AndTrigger has no equivalent"),
    ("custom", "__main__.Custom cannot be migrated"),
    ("interval-odd", "1.5 s is not a whole number of seconds"),
    ("or-interval", "OrTrigger with triggers other than cron"),
];

/// Creates a store and returns APScheduler's firings by job id; `None` if Python or APScheduler is missing.
fn create_store(version: &str, url: &str, protocol: &str) -> Option<BTreeMap<String, Vec<f64>>> {
    let packages = [&[version], &DRIVERS[..]].concat();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/storage/make_job_store.py");
    let output = Command::new(venv(&packages)?).args([script, url, NOW, &COUNT.to_string(), protocol]).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("is JSON"))
}

fn micros(times: &[DateTime<Utc>]) -> Vec<i64> {
    times.iter().map(|at| at.timestamp_micros()).collect()
}

fn micros_from_seconds(seconds: &[f64]) -> Vec<i64> {
    seconds.iter().map(|at| (at * 1e6).round() as i64).collect()
}

async fn check(url: &str, firings_by_job: &BTreeMap<String, Vec<f64>>) {
    let stored = job_store::jobs(url, "apscheduler_jobs").await.expect("reads");
    assert_eq!(stored.len(), firings_by_job.len() + 3);
    let mapping = |jobs: &[&Job]| Mapping::parse(&Mapping::draft(jobs.iter().copied())).expect("the draft is a mapping");
    let mut unsupported = Vec::new();
    for (id, state) in &stored {
        let job = match Job::read(state, LOCAL) {
            Ok(job) => job,
            Err(reason) => {
                unsupported.push((id.as_str(), reason));
                continue;
            }
        };
        let tasks = match mapping(&[&job]).tasks(&job) {
            Ok(tasks) => tasks.expect("is not skipped"),
            Err(reason) => {
                unsupported.push((id.as_str(), reason));
                continue;
            }
        };
        if let Some(theirs) = firings_by_job.get(id) {
            compare(&job, &tasks, theirs);
        }
        match id.as_str() {
            "my job #1" => check_arguments(&job, &tasks[0]),
            "paused" => {
                assert_eq!((&tasks[0]["enabled"], &tasks[0]["policy"]["misfire_grace_seconds"]), (&json!(false), &json!(90)));
            }
            "or" => assert_eq!(tasks.len(), 2),
            _ => assert_eq!(tasks.len(), 1),
        }
    }
    assert_eq!(unsupported.len(), UNSUPPORTED.len(), "{unsupported:?}");
    for ((id, reason), (expected, word)) in unsupported.iter().zip(UNSUPPORTED) {
        assert!(*id == expected && reason.contains(word), "{id}: {reason}");
    }
}

/// Compares APScheduler's firings with the preview of the old trigger and with the migrated tasks, except near clock changes.
fn compare(job: &Job, tasks: &[serde_json::Value], theirs: &[f64]) {
    let theirs = micros_from_seconds(theirs);
    let near_a_change = |zone: &str| job.id.ends_with(zone) && !job.id.starts_with("daily");
    // Before 3.11 Python's time zones take the second occurrence of an ambiguous time; the preview follows 3.11.
    if !near_a_change("New_York") && !near_a_change("Berlin") && !near_a_change("Lord_Howe") {
        assert_eq!(micros(&job.firings(at("2026-11-21T08:00:00Z"), COUNT)), theirs, "{} as APScheduler", job.id);
        let from = DateTime::from_timestamp_micros(theirs[0] / 1000 * 1000).expect("a valid time");
        let mut ours = Vec::new();
        for task in tasks {
            ours.extend(firings(&task["trigger"], LOCAL, from, COUNT).expect("the trigger reads"));
        }
        ours.sort();
        ours.dedup();
        ours.truncate(COUNT);
        let to_millis = |times: &[i64]| times.iter().map(|at| at.div_euclid(1000)).collect::<Vec<_>>();
        assert_eq!(to_millis(&micros(&ours)), to_millis(&theirs), "{} as Belfry", job.id);
    }
}

fn check_arguments(job: &Job, task: &serde_json::Value) {
    assert_eq!(
        job.args,
        json!([1, 2.5, null, true, "日报 {{ x }}", [1, [2, 3]], {"a": [1]}, "2026-01-02", "2026-01-02T08:00:00+08:00", "1.50",
        "ffcbf18d-720b-4dc2-a510-8bb0f452d162", 1_000_000_000_000_u64, -5])
        .as_array()
        .cloned()
        .unwrap_or_default()
    );
    assert_eq!(job.kwargs.get("to"), Some(&json!("ops@example.com")));
    assert_eq!((&task["id"], &task["name"]), (&json!("my-job-1"), &json!("My job")));
    assert_eq!(task["policy"], json!({"max_instances": 4, "coalesce": false, "misfire_grace_seconds": null}));
    assert_eq!(job.function, "logging:log");
}

async fn on_sqlite(version: &str, protocol: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:///{}", folder.path().join("jobs.sqlite").display());
    if let Some(firings_by_job) = create_store(version, &url, protocol) {
        check(&url, &firings_by_job).await;
        assert!(job_store::jobs(&url, "no_jobs").await.expect_err("is refused").contains("no_jobs"));
    }
}

#[tokio::test]
async fn apscheduler_3_10_store_on_sqlite() {
    on_sqlite("apscheduler==3.10.4", "5").await;
    on_sqlite("apscheduler==3.10.4", "2").await;
}

#[tokio::test]
async fn apscheduler_3_11_store_on_sqlite() {
    on_sqlite("apscheduler==3.11.0", "5").await;
    on_sqlite("apscheduler==3.11.0", "2").await;
}

#[tokio::test]
async fn apscheduler_stores_on_postgresql() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let url = database.url();
    let theirs = url.replacen("postgres://", "postgresql+psycopg2://", 1);
    for version in ["apscheduler==3.10.4", "apscheduler==3.11.0"] {
        if let Some(firings_by_job) = create_store(version, &theirs, "4") {
            check(&theirs, &firings_by_job).await;
            let mut connection =
                url.parse::<sqlx::postgres::PgConnectOptions>().expect("a URL").connect().await.expect("connects");
            sqlx::raw_sql("drop table apscheduler_jobs").execute(&mut connection).await.expect("drops");
        }
    }
    database.remove().await;
}

#[tokio::test]
async fn apscheduler_stores_on_mariadb() {
    let server = std::env::var("BELFRY_TEST_MYSQL_URL").unwrap_or_else(|_| "mysql://root@127.0.0.1:3306/test".to_owned());
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    let options = format!("{base}/").parse::<sqlx::mysql::MySqlConnectOptions>().expect("a URL");
    let mut admin = match options.connect().await {
        Ok(admin) => admin,
        Err(error) if std::env::var_os("CI").is_none() => return eprintln!("skipped: MariaDB is unreachable ({error})"),
        Err(error) => panic!("MariaDB is required in CI: {error}"),
    };
    for version in ["apscheduler==3.10.4", "apscheduler==3.11.0"] {
        let name = format!("belfry_test_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let create = AssertSqlSafe(format!("create database {name} character set utf8mb4"));
        sqlx::raw_sql(create).execute(&mut admin).await.expect("creates");
        let url = format!("{}/{name}?charset=utf8mb4", base.replacen("mysql://", "mysql+pymysql://", 1));
        if let Some(firings_by_job) = create_store(version, &url, "5") {
            check(&url, &firings_by_job).await;
        }
        let drop = AssertSqlSafe(format!("drop database {name}"));
        sqlx::raw_sql(drop).execute(&mut admin).await.expect("drops");
    }
}
