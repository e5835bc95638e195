//! Job stores created by APScheduler 3.10 and 3.11 on each database: every job is read, and its firings match APScheduler's.

use std::collections::BTreeMap;
use std::process::Command;

use belfry::i18n::Message;
use belfry::migrate::apscheduler::Job;
use belfry::migrate::{TableSource, firings, job_store, mapping::Mapping};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use sqlx::ConnectOptions;

use crate::support::mariadb::MariaDb;
use crate::support::{TestDatabase, at, venv::venv};

const NOW: &str = "2026-11-21T08:00:00.250000+00:00";
/// Firings compared per trigger.
const COUNT: usize = 60;
const DRIVERS: [&str; 5] = ["sqlalchemy", "psycopg2-binary", "pymysql", "pytz", "python-dateutil"];
const LOCAL: Tz = Tz::Asia__Shanghai;

/// Triggers and arguments without an equivalent, with part of the reason.
const UNSUPPORTED: [(&str, &str); 4] = [
    ("and-or", "or of an OrTrigger"),
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
    let store = TableSource::parse(url).expect("a URL");
    let stored = job_store::jobs(&store, "apscheduler_jobs").await.expect("reads");
    assert_eq!(stored.len(), firings_by_job.len() + 3);
    let mapping = |jobs: &[&Job]| {
        Mapping::parse(&Mapping::draft(jobs.iter().copied(), Message::to_string)).expect("the draft is a mapping")
    };
    let mut unsupported = Vec::new();
    for (id, state) in &stored {
        let job = match Job::read(state, LOCAL) {
            Ok(job) => job,
            Err(reason) => {
                unsupported.push((id.as_str(), reason));
                continue;
            }
        };
        let task = match mapping(&[&job]).task(&job) {
            Ok(task) => task.expect("is not skipped"),
            Err(reason) => {
                unsupported.push((id.as_str(), reason));
                continue;
            }
        };
        if let Some(theirs) = firings_by_job.get(id).filter(|theirs| !theirs.is_empty()) {
            compare(&job, &task, theirs);
        }
        match id.as_str() {
            "my job #1" => check_arguments(&job, &task),
            "paused" => {
                assert_eq!((&task["enabled"], &task["policy"]["misfire_grace_seconds"]), (&json!(false), &json!(90)));
            }
            "or" => assert_eq!(triggers(&task).len(), 2),
            "and-sat" => {
                let condition = json!({"type": "cron", "day_of_week": "sat", "hour": 8, "timezone": "Asia/Shanghai"});
                assert_eq!(task["trigger"]["and"], json!([condition]));
                let next = job.firings(at("2026-11-21T08:00:00Z"), 2);
                assert_eq!(next, [at("2026-11-28T00:00:00Z"), at("2026-12-05T00:00:00Z")]);
                assert_eq!(firings(&task["trigger"], LOCAL, next[0], 2), Ok(next));
            }
            _ => assert_eq!(triggers(&task).len(), 1),
        }
    }
    assert_eq!(unsupported.len(), UNSUPPORTED.len(), "{unsupported:?}");
    for ((id, reason), (expected, word)) in unsupported.iter().zip(UNSUPPORTED) {
        assert!(*id == expected && reason.to_string().contains(word), "{id}: {reason}");
    }
}

/// The trigger of a task, or those of its rules.
fn triggers(task: &serde_json::Value) -> Vec<&serde_json::Value> {
    match task["triggers"].as_array() {
        Some(rules) => rules.iter().map(|rule| &rule["trigger"]).collect(),
        None => vec![&task["trigger"]],
    }
}

/// Compares APScheduler's firings with the preview of the old trigger and with the migrated task, except near clock changes.
fn compare(job: &Job, task: &serde_json::Value, theirs: &[f64]) {
    let theirs = micros_from_seconds(theirs);
    let near_a_change = |zone: &str| job.id.ends_with(zone) && !job.id.starts_with("daily");
    // Before 3.11 Python's time zones take the second occurrence of an ambiguous time; the preview follows 3.11.
    if !near_a_change("New_York") && !near_a_change("Berlin") && !near_a_change("Lord_Howe") {
        assert_eq!(micros(&job.firings(at("2026-11-21T08:00:00Z"), COUNT)), theirs, "{} as APScheduler", job.id);
        let from = DateTime::from_timestamp_micros(theirs[0] / 1000 * 1000).expect("a valid time");
        let mut ours = Vec::new();
        for trigger in triggers(task) {
            ours.extend(firings(trigger, LOCAL, from, COUNT).expect("the trigger reads"));
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
    let changes: Vec<String> = job.notes.iter().map(ToString::to_string).collect();
    for change in
        ["args[5]: a tuple becomes a list", "args[6]: a set becomes a list", "args[9]: a value of Decimal becomes a text"]
    {
        assert!(changes.iter().any(|note| note == change), "{change}: {changes:?}");
    }
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
        let store = TableSource::parse(&url).expect("a URL");
        assert!(job_store::jobs(&store, "no_jobs").await.expect_err("is refused").to_string().contains("no_jobs"));
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
    for version in ["apscheduler==3.10.4", "apscheduler==3.11.0"] {
        let Some(database) = MariaDb::create().await else { return };
        let url = format!("{}?charset=utf8mb4", database.url().replacen("mysql://", "mysql+pymysql://", 1));
        if let Some(firings_by_job) = create_store(version, &url, "5") {
            check(&url, &firings_by_job).await;
        }
        database.remove().await;
    }
}
