//! `query_log` on executions and on log files.

use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use belfry::clock::ManualClock;
use belfry::domain::execution::{OutputChunk, Status, Stream};
use belfry::domain::node::NodeIdentity;
use belfry::i18n::Message;
use belfry::storage::Database;
use belfry::storage::execution::{self, Claim, Finish, NewExecution, NewOutput};
use belfry::tasks::mailer::{Mailer, SendFuture};
use belfry::tasks::query_log::QueryLog;
use belfry::tasks::{RunContext, RunError, TaskType, Toolbox};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::for_each_database;
use crate::run_once::{RunResult, run};
use crate::support::{TestDatabase, at, queued_execution};

fn now() -> DateTime<Utc> {
    at("2026-11-21T08:00:00Z")
}

fn toolbox(database: &Database, folder: &Path) -> Toolbox {
    let files = folder.join("files");
    std::fs::create_dir_all(&files).expect("makes a folder");
    let plain = Toolbox::plain(database.clone(), Arc::new(ManualClock::new(now())), &files);
    Toolbox { data_dir: folder.to_owned(), ..plain }
}

/// Records an execution that was queued this many minutes ago and ended with `status`.
async fn record(database: &Database, task_id: &str, minutes: i64, status: Status, error: Option<&str>, output: &str) {
    let queued_at = now() - Duration::minutes(minutes);
    let id = crate::support::execution_id_at(queued_at, rand());
    let runs = !matches!(status, Status::Missed | Status::Skipped);
    let new = NewExecution {
        id: id.clone(),
        status: if runs { Status::Queued } else { status },
        error: error.map(Message::verbatim),
        ..queued_execution(task_id, "echo", json!({"message": "needle"}), queued_at)
    };
    let node = NodeIdentity { id: "n".into(), name: "n".into() };
    let mut tx = database.write().await.expect("begins");
    execution::insert(&mut tx, &[new], queued_at).await.expect("inserts");
    if runs {
        let claim = Claim { execution_id: id.clone(), attempt: 1, started_at: queued_at };
        execution::claim(&mut tx, &node, &[claim]).await.expect("claims");
        let chunk = OutputChunk { attempt: 1, seq: 0, stream: Stream::Stdout, at: queued_at, text: output.into() };
        execution::append_output(&mut tx, &[NewOutput { execution_id: id.clone(), chunk }]).await.expect("appends");
        let finish = Finish {
            execution_id: id,
            attempt: 1,
            status,
            retry_at: None,
            started_at: queued_at,
            finished_at: queued_at,
            duration_ms: 5,
            error: error.map(Message::verbatim),
            result: None,
        };
        execution::finish(&mut tx, &node.id, &[finish]).await.expect("finishes");
    }
    tx.commit().await.expect("commits");
}

fn rand() -> i64 {
    (ulid::Ulid::generate().random() % (1 << 18)) as i64
}

async fn records(database: &Database) {
    record(database, "a", 5, Status::Failed, Some("disk full"), "writing\n").await;
    record(database, "a", 20, Status::Succeeded, None, "step 1\nerror: 钟楼 is slow\n").await;
    record(database, "b", 30, Status::Missed, Some("the server was down"), "").await;
    record(database, "b", 50, Status::TimedOut, Some("ended at its time limit"), "").await;
    record(database, "a", 90, Status::Failed, Some("disk full"), "").await;
}

for_each_database! {
    async fn executions_are_counted_by_filter(db: &TestDatabase) {
        records(&db.database).await;
        let folder = tempfile::tempdir().expect("a folder");
        let query = QueryLog::new(&toolbox(&db.database, folder.path()));
        let found = async |params: Value| {
            let ran = crate::run_once::run(&query, params).await;
            let result = ran.result().clone();
            assert_eq!((&result["source"], &result["complete"]), (&json!("executions"), &json!(true)));
            result
        };
        let hour = found(json!({"since": "1h"})).await;
        assert_eq!(hour["by_status"], json!({"failed": 1, "missed": 1, "succeeded": 1, "timed_out": 1}));
        assert_eq!((&hour["count"], &hour["failed"], &hour["rate"], &hour["alarm"]), (&json!(4), &json!(2), &json!(50.0), &json!(false)));
        assert_eq!((&hour["matches"][0]["error"], &hour["matches"][0]["task_id"]), (&json!("disk full"), &json!("a")), "newest first");
        assert_eq!(found(json!({"since": "2h", "task_id": "a", "status": "failed"})).await["count"], 2);
        assert_eq!(found(json!({"status": ["missed", "timed_out"], "limit": 1})).await["matches"].as_array().map(Vec::len), Some(1));
        let between = json!({"from": "2026-11-21T07:05:00Z", "to": "2026-11-21T07:35:00Z"});
        assert_eq!(found(between).await["by_status"], json!({"missed": 1, "timed_out": 1}));
        let pattern = found(json!({"pattern": "(?i)ERROR|full"})).await;
        assert_eq!((&pattern["count"], &pattern["matches"][1]["line"]), (&json!(3), &json!("error: 钟楼 is slow")));
        assert_eq!(found(json!({"pattern": "needle"})).await["count"], 0, "parameters are not searched, because the search's own contain the pattern");
    }
}

#[tokio::test]
async fn alarm_fails_the_run_or_sends_mail() {
    let db = TestDatabase::sqlite().await;
    records(&db.database).await;
    let folder = tempfile::tempdir().expect("a folder");
    let query = QueryLog::new(&toolbox(&db.database, folder.path()));
    let params = |fail_if: &str| json!({"since": "1h", "fail_if": fail_if});
    assert_eq!(run(&query, params("failed > 2")).await.result()["alarm"], false);
    let alarmed = run(&query, params("rate >= 50%")).await;
    assert_eq!(
        (alarmed.error().message.to_string().as_str(), alarmed.error().retryable),
        ("rate >= 50 holds: 4 executions found, 2 failed", false)
    );
    assert_eq!(alarmed.failed_result()["alarm"], true);

    let mailer = Arc::new(RecordingMailer::default());
    let query = QueryLog::new(&toolbox(&db.database, folder.path())).with_mailer(mailer.clone());
    let mailing = |fail_if: &str| json!({"since": "1h", "fail_if": fail_if, "email_to": ["ops@example.com"], "smtp": "office"});
    assert_eq!(run(&query, mailing("count > 99")).await.result()["alarm"], false);
    assert!(mailer.0.lock().expect("locks").is_empty(), "no alarm, no mail");
    assert_eq!(run(&query, mailing("count > 3")).await.result()["alarm"], true, "the alarm is sent by mail");
    let sent = mailer.0.lock().expect("locks").clone();
    assert_eq!(sent[0][..3], ["office", "ops@example.com", "[Belfry] task-1: count > 3 holds: 4 executions found, 2 failed"]);
    assert!(sent[0][3].contains("disk full"));
    assert!(query.spec().params_schema["properties"]["email_to"].is_object());
    assert!(QueryLog::new(&toolbox(&db.database, folder.path())).spec().params_schema["properties"]["email_to"].is_null());
}

/// A mailer that records its mails.
#[derive(Default)]
struct RecordingMailer(Mutex<Vec<[String; 4]>>);

impl Mailer for RecordingMailer {
    fn send<'a>(
        &'a self,
        smtp: Option<&'a str>,
        to: &'a [String],
        title: &'a str,
        body: &'a str,
        _context: &'a RunContext,
    ) -> SendFuture<'a> {
        let mail = [smtp.unwrap_or_default().to_owned(), to.join(","), title.to_owned(), body.to_owned()];
        self.0.lock().expect("locks").push(mail);
        let sent: Pin<Box<dyn Future<Output = Result<(), RunError>> + Send>> = Box::pin(async { Ok(()) });
        sent
    }
}

const NEWEST: &str =
    "2026-11-21 15:50:00.000+08:00 ERROR db: timed out\n   at pool.rs:7 ERROR\n2026-11-21 15:55:00.000+08:00  INFO fine\n";
const OLDER: &str = "before any time ERROR\n2026-11-21 06:30:00Z ERROR disk full\n2026-11-21 07:30:00Z ERROR 磁盘已满\n";
const OLDEST: &str = "2026-11-20T01:00:00Z ERROR long ago\n";

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("packs");
    encoder.finish().expect("packs")
}

#[tokio::test]
async fn rotated_files_are_searched() {
    let db = TestDatabase::sqlite().await;
    let folder = tempfile::tempdir().expect("a folder");
    let query = QueryLog::new(&toolbox(&db.database, folder.path()));
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("writes");
    write("scheduler.log", NEWEST.as_bytes());
    write("files/app.log", NEWEST.as_bytes());
    write("files/app.log.1", OLDER.as_bytes());
    write("files/app.log.2.gz", &gzipped(OLDEST));
    let params = |more: Value| {
        let mut params = json!({"source": "file", "path": "app.log", "pattern": "ERROR"});
        params.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        params
    };
    let all = run(&query, params(json!({}))).await;
    assert_eq!((&all.result()["count"], &all.result()["files"]), (&json!(6), &json!(["app.log", "app.log.1", "app.log.2.gz"])));
    let texts: Vec<_> =
        all.result()["matches"].as_array().expect("a list").iter().map(|hit| hit["text"].as_str().expect("a text")).collect();
    assert!(texts[0].contains("pool.rs") && texts[2].contains("磁盘已满") && texts[5].contains("long ago"), "{texts:?}");
    let hour = run(&query, params(json!({"since": "1h", "limit": 2, "fail_if": "count > 2"}))).await;
    assert_eq!(
        hour.error().message.to_string(),
        "count > 2 holds: 3 lines found",
        "a line without a time has that of the line above"
    );
    assert_eq!(hour.failed_result()["matches"].as_array().map(Vec::len), Some(2));
    assert_eq!(hour.failed_result()["unknown_time"], 1, "the first line of app.log.1");
    assert!(hour.text.contains("1 more line has no known time and is not counted"), "{}", hour.text);
    let early = run(&query, params(json!({"to": "2026-11-21T07:00:00Z", "from": "2026-11-21T00:00:00Z"}))).await;
    assert_eq!(early.result()["count"], 1);
    let own = run(&query, json!({"source": "file", "pattern": "timed out"})).await;
    assert_eq!((&own.result()["count"], &own.result()["matches"][0]["line"]), (&json!(1), &json!(1)));
}

/// A log in a folder of its own.
struct Log {
    db: TestDatabase,
    folder: tempfile::TempDir,
}

impl Log {
    async fn new() -> Log {
        Log { db: TestDatabase::sqlite().await, folder: tempfile::tempdir().expect("a folder") }
    }

    fn query(&self) -> QueryLog {
        QueryLog::new(&toolbox(&self.db.database, self.folder.path()))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("files").join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.path("")).expect("makes a folder");
        std::fs::write(self.path(name), bytes).expect("writes");
    }

    /// Searches app.log with further parameters.
    async fn search(&self, more: Value) -> crate::run_once::RunResult {
        let mut params = json!({"source": "file", "path": "app.log"});
        params.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        run(&self.query(), params).await
    }
}

#[tokio::test]
async fn times_are_read_in_the_zone_and_the_format_of_the_task() {
    let log = Log::new().await;
    log.write("app.log", b"2026-11-21 15:30:00 in Shanghai\n2026-11-21 07:30:00 in UTC\n");
    let texts = async |params: Value| {
        let found = log.search(params).await;
        let texts = found.result()["matches"].as_array().expect("a list").iter().map(|hit| hit["text"].to_string());
        texts.collect::<Vec<_>>().join(" ")
    };
    let last_hour = |more: Value| {
        let mut params = json!({"from": "2026-11-21T07:00:00Z", "to": "2026-11-21T08:00:00Z"});
        params.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        params
    };
    assert!(texts(last_hour(json!({"timezone": "Asia/Shanghai"}))).await.contains("in Shanghai"));
    assert!(texts(last_hour(json!({"timezone": "UTC"}))).await.contains("in UTC"));
    log.write("app.log", b"07:30:00 on 21.11. ERROR one\n  with a second line\n05:00:00 on 21.11. ERROR two\n");
    let found = log.search(json!({"since": "1h", "time_format": "%H:%M:%S on %d.%m.", "timezone": "UTC"})).await;
    assert_eq!((&found.result()["count"], &found.result()["unknown_time"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn file_without_times_fails_a_search_by_time() {
    let log = Log::new().await;
    log.write("app.log", b"started\nERROR disk full\n");
    for params in [json!({"since": "1h"}), json!({"to": "2026-11-21"}), json!({"since": "1h", "pattern": "no match"})] {
        let failed = log.search(params).await;
        assert_eq!(
            failed.error().message.to_string(),
            "the lines of app.log have no time that is recognised, which since, from and to need; give time_format"
        );
        assert!(!failed.error().retryable);
    }
    assert_eq!(log.search(json!({"pattern": "ERROR"})).await.result()["count"], 1, "no time is needed");
    log.write("app.log", b"\n");
    assert_eq!(log.search(json!({"since": "1h"})).await.result()["count"], 0, "an empty log has nothing recent");
}

#[tokio::test]
async fn encodings_and_compressions_are_read() {
    let log = Log::new().await;
    let text = "2026-11-21T07:30:00Z ERROR 磁盘已满\n";
    let utf_16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let count = async |params: Value| log.search(params).await.result()["count"].clone();
    log.write("app.log", &utf_16);
    assert_eq!(count(json!({"pattern": "磁盘", "since": "1h"})).await, 1);
    let gb18030 = b"2026-11-21T07:30:00Z ERROR \xb4\xc5\xc5\xcc\xd2\xd1\xc2\xfa\n";
    log.write("app.log", gb18030);
    assert_eq!(count(json!({"pattern": "磁盘", "encoding": "gb18030"})).await, 1);
    log.write("app.log-20261120", &gzipped(text));
    assert_eq!(count(json!({"pattern": "ERROR"})).await, 2, "packed, whatever its name");
    log.write("app.log.2.xz", b"\xfd7zXZ\0...");
    let refused = log.search(json!({"pattern": "ERROR"})).await;
    assert_eq!(
        refused.error().message.to_string(),
        "cannot read app.log.2.xz: it is compressed with xz; plain, gzip and zstd files are read"
    );
    let old = std::fs::File::options().write(true).open(log.path("app.log.2.xz")).expect("opens");
    old.set_modified((now() - Duration::days(2)).into()).expect("sets the time");
    assert_eq!(
        log.search(json!({"since": "1d"})).await.result()["files"],
        json!(["app.log", "app.log-20261120"]),
        "too old to matter"
    );
}

/// Rotates the log of the current folder while it is written: by renaming, or by copying and truncating.
fn write_and_rotate(path: &Path, copy: bool, written: &std::sync::atomic::AtomicU64, until: &std::sync::atomic::AtomicBool) {
    use std::sync::atomic::Ordering::SeqCst;
    let rotated = |number: usize| path.with_file_name(format!("app.log.{number}"));
    let mut oldest = 0;
    while !until.load(SeqCst) && oldest < 60 {
        let mut file = std::fs::File::options().create(true).append(true).open(path).expect("opens");
        for _ in 0..200 {
            let number = written.load(SeqCst);
            file.write_all(format!("2026-11-21T07:30:00Z line {number:08}\n").as_bytes()).expect("writes");
            written.store(number + 1, SeqCst);
        }
        (1..=oldest).rev().for_each(|number| std::fs::rename(rotated(number), rotated(number + 1)).expect("renames"));
        if copy {
            std::fs::copy(path, rotated(1)).expect("copies");
            file.set_len(0).expect("truncates");
        } else {
            std::fs::rename(path, rotated(1)).expect("renames");
        }
        oldest += 1;
        std::thread::sleep(std::time::Duration::from_millis(40));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_during_a_search_neither_loses_nor_doubles_lines() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    for copy in [false, true] {
        let log = Log::new().await;
        log.write("app.log", b"");
        let (written, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (path, counter, end) = (log.path("app.log"), written.clone(), stop.clone());
        let writer = std::thread::spawn(move || write_and_rotate(&path, copy, &counter, &end));
        for _ in 0..25 {
            let before = written.load(SeqCst);
            let found = search_until_steady(&log).await;
            // A line may be in the file before the writer has counted it.
            let after = written.load(SeqCst) + 1;
            let count = found.result()["count"].as_u64().expect("a number");
            assert!((before..=after).contains(&count), "{count} lines found, {before} to {after} written, copied: {copy}");
        }
        stop.store(true, SeqCst);
        writer.join().expect("ends");
        assert_eq!(log.search(json!({"pattern": "line"})).await.result()["count"], written.load(SeqCst));
    }
}

/// Searches as a task with retries does: on a slow machine, files may be rotated in each of a run's own attempts to read them all.
async fn search_until_steady(log: &Log) -> RunResult {
    loop {
        let found = log.search(json!({"pattern": "line"})).await;
        match &found.outcome {
            Err(error) if error.message.code() == "log.rotated" => assert!(error.retryable),
            _ => return found,
        }
    }
}

#[tokio::test]
async fn files_outside_the_allowed_folders_are_rejected() {
    let db = TestDatabase::sqlite().await;
    let folder = tempfile::tempdir().expect("a folder");
    let query = QueryLog::new(&toolbox(&db.database, folder.path()));
    for path in ["/etc/passwd", "../task.db", "../scheduler.log"] {
        let refused = run(&query, json!({"source": "file", "path": path})).await;
        assert!(
            !refused.error().retryable && refused.error().message.to_string().contains("[files] folders"),
            "{path}: {refused:?}"
        );
    }
    let missing = run(&query, json!({"source": "file", "path": "no.log"})).await;
    assert!(missing.error().message.to_string().starts_with("path: file not found: "), "{missing:?}");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "x").expect("writes");
    std::os::unix::fs::symlink(&secret, folder.path().join("files/app.log.1")).expect("links");
    let linked = run(&query, json!({"source": "file", "path": "app.log"})).await;
    assert!(linked.error().message.to_string().starts_with("path: file not found: "), "symbolic links are skipped: {linked:?}");
}
