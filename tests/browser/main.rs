//! Runs the browser tests of the pages; the tests are in `suite.mjs` and `tests/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use belfry::domain::execution::Status;
use belfry::storage::bench_data::{self, SampleRun};
use belfry::storage::{Database, Synchronous};
use chrono::{DateTime, Duration, Utc};

/// Browser paths tried if `CHROMIUM` is not set.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/// Groups of tests that run at the same time, each with its own server and browser.
const WORKERS: usize = 3;
/// Number of executions in the large history.
const HISTORY_SIZE: u32 = 100_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Returns why the tests cannot run here; `None` if they can.
fn skip_reason() -> Option<&'static str> {
    let browser = std::env::var_os("CHROMIUM").is_some() || BROWSERS.iter().any(|path| Path::new(path).exists());
    let node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    match (node, browser, folder().join("node_modules/playwright-core").exists()) {
        (false, ..) => Some("node is not installed"),
        (_, false, _) => Some("no Chromium is installed; set CHROMIUM to the path of one"),
        (.., false) => Some("run npm ci in tests/browser first"),
        _ => None,
    }
}

/// Creates a data directory with a large history: one run per second, every 20th failed, of ten deleted tasks.
async fn large_history() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open_sqlite(&folder.path().join("task.db"), Synchronous::Normal).await.expect("opens");
    let first = DateTime::<Utc>::from(std::fs::metadata(folder.path()).and_then(|data| data.modified()).expect("a time"))
        - Duration::seconds(i64::from(HISTORY_SIZE));
    let run = |number: u32| {
        let at = first + Duration::seconds(i64::from(number));
        SampleRun {
            id: belfry::ids::execution_id(belfry::ids::first_execution_key(at) + i64::from(number)),
            task_id: format!("past-{}", number % 10),
            task_type: "echo",
            status: if number.is_multiple_of(20) { Status::Failed } else { Status::Succeeded },
            at,
            duration_ms: i64::from(number % 1000),
        }
    };
    for group in 0..HISTORY_SIZE / 5_000 {
        let runs: Vec<_> = (group * 5_000..(group + 1) * 5_000).map(run).collect();
        let mut tx = database.write().await.expect("begins");
        bench_data::insert_runs(&mut tx, &runs).await.expect("writes");
        tx.commit().await.expect("commits");
    }
    database.close().await;
    folder
}

#[tokio::test]
async fn browser_suite() {
    if let Some(reason) = skip_reason() {
        assert!(std::env::var_os("CI").is_none(), "the browser tests must not be skipped in CI: {reason}");
        eprintln!("skipped: {reason}");
        return;
    }
    let past = large_history().await;
    let mut suite = suite_command(past.path());
    let output = tokio::task::spawn_blocking(move || suite.output()).await.expect("the task completes").expect("node starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{text}");
    assert!(output.status.success(), "{text}");
}

/// The command that runs the suite. `BROWSER_TESTS` holds comma-separated parts of test names; only matching tests run.
fn suite_command(past: &Path) -> Command {
    let mut suite = Command::new("node");
    suite.arg("suite.mjs");
    let wanted = std::env::var("BROWSER_TESTS").unwrap_or_default();
    suite.args(wanted.split(',').filter(|part| !part.is_empty()));
    suite.current_dir(folder()).env("BELFRY", env!("CARGO_BIN_EXE_belfry")).env("LONG_PAST", past);
    suite.env("WORKERS", WORKERS.to_string());
    suite
}
