//! People who search in vain among many executions: how late tasks are beside them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use belfry::domain::execution::Status;
use belfry::ids::{execution_id, first_execution_key};
use belfry::storage::bench_data::{self, SampleRun};
use belfry::storage::{Database, Synchronous};
use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::fire::now;
use crate::ledger::lost_and_doubled;
use crate::server::{Server, until};

const TASKS: usize = 8;
/// Half of them ask the API, half look at the page.
const PEOPLE: usize = 8;
const PASSWORD: &str = "a quiet little password";
/// Rows written at once.
const GROUP: i64 = 5_000;
/// Occurrences of each task without anybody, and beside the searches.
const QUIET: usize = 6;
const BUSY: usize = 15;
/// How much later the median and 99 of 100 runs may start beside the searches, with a debug build on a busy machine. They were late by
/// 700 to 2,500 ms when people and the schedule shared connections.
const MEDIAN_LATER: i64 = 50;
const P99_LATER: i64 = 400;

/// Eight people search among this many executions; the newest 100,000 are looked at.
pub async fn searches_delay_no_firings(executions: i64) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    fill(&folder.path().join("data"), executions).await;
    let server = Arc::new(Server::start_with(folder.path(), &[("BELFRY_HISTORY_KEEP_PER_TASK", "0")]));
    for number in 0..TASKS {
        let task = json!({"id": format!("second-{number}"), "type": "echo", "trigger": {"type": "interval", "seconds": 1}});
        let created = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
        assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    }
    let session = sign_in(&server).await;
    let quiet = lateness(&server, QUIET).await;
    println!("without searches: {}", quiet.shown());
    let (stop, searches) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let people: Vec<_> = (0..PEOPLE)
        .map(|number| {
            let (server, session, stop, searches) = (server.clone(), session.clone(), stop.clone(), searches.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    search(&server, number, (number % 2 == 0).then_some(session.as_str())).await;
                    searches.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    until("every person to find nothing", || async { (searches.load(Ordering::Relaxed) >= PEOPLE).then_some(()) }).await;
    let busy = lateness(&server, BUSY).await;
    stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.expect("no search fails");
    }
    println!("beside {} searches: {}", searches.load(Ordering::Relaxed), busy.shown());
    let mut recorded = Vec::new();
    for number in 0..TASKS {
        let page = server.json(&format!("/api/v1/tasks/second-{number}/executions?page_size=500")).await;
        recorded.extend(page["items"].as_array().cloned().unwrap_or_default());
    }
    assert_eq!(lost_and_doubled(&recorded), (0, 0), "lost and doubled");
    assert!(busy.median <= quiet.median + MEDIAN_LATER, "the searches delay half of the runs");
    assert!(busy.p99 <= quiet.p99 + P99_LATER, "the searches delay runs");
}

/// How late runs started, in milliseconds.
struct Lateness {
    runs: usize,
    median: i64,
    p99: i64,
    max: i64,
}

impl Lateness {
    fn shown(&self) -> String {
        let Lateness { runs, median, p99, max } = self;
        format!("{runs} runs late by {median} ms in the median, {p99} ms at p99, {max} ms at most")
    }
}

/// The lateness of the runs that begin from now on, about as many of each task.
async fn lateness(server: &Server, runs: usize) -> Lateness {
    let from = now();
    tokio::time::sleep(Duration::from_secs(runs as u64)).await;
    let mut found = Vec::new();
    for number in 0..TASKS {
        let page = server.json(&format!("/api/v1/tasks/second-{number}/executions?page_size=500")).await;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let since =
            |at: &serde_json::Value| at.as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok()).is_some_and(|at| at >= from);
        found.extend(items.iter().filter(|one| since(&one["scheduled_at"])).filter_map(|one| one["lateness_ms"].as_i64()));
    }
    found.sort_unstable();
    assert!(found.len() >= TASKS * runs / 2, "{} runs", found.len());
    let at = |share: usize| found[(found.len() - 1) * share / 100];
    Lateness { runs: found.len(), median: at(50), p99: at(99), max: at(100) }
}

/// One search in vain: on the page with a session, otherwise over the API.
async fn search(server: &Server, person: usize, session: Option<&str>) {
    let text = format!("found-by-nobody-{person}");
    let request = match session {
        Some(session) => Client::new().get(format!("{}/executions?search={text}", server.base())).header("cookie", session),
        None => server.get(&format!("/api/v1/executions?search={text}")),
    };
    let answer = request.timeout(Duration::from_secs(60)).send().await.expect("get a response");
    // A search that takes too long is interrupted and says so.
    assert!(matches!(answer.status().as_u16(), 200 | 503), "{}", answer.status());
    answer.bytes().await.expect("the body");
}

/// An account and its session cookie.
async fn sign_in(server: &Server) -> String {
    let account = json!({"name": "reader", "role": "viewer", "password": PASSWORD});
    let created = server.post("/api/v1/users", &account).send().await.expect("get a response");
    assert_eq!(created.status(), StatusCode::CREATED, "{}", created.text().await.unwrap_or_default());
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let form = client.post(format!("{}/login", server.base())).form(&[("name", "reader"), ("password", PASSWORD)]);
    let answer = form.send().await.expect("get a response");
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "signs in");
    let mut cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()?.split(';').next());
    let session = cookies.rfind(|cookie| cookie.contains("belfry_session"));
    session.expect("a session").to_owned()
}

/// Executions of deleted tasks, one a second until now, every 20th failed.
async fn fill(data: &Path, executions: i64) {
    std::fs::create_dir_all(data).expect("create the data folder");
    let database = Database::open_sqlite(&data.join("task.db"), Synchronous::Normal).await.expect("create the database");
    let first = now() - chrono::TimeDelta::seconds(executions + 60);
    let run = |number: i64| {
        let at = first + chrono::TimeDelta::seconds(number);
        SampleRun {
            id: execution_id(first_execution_key(at)),
            task_id: format!("past-{}", number % 10),
            task_type: "echo",
            status: if number % 20 == 0 { Status::Failed } else { Status::Succeeded },
            at,
            duration_ms: number % 1000,
        }
    };
    for from in (0..executions).step_by(GROUP as usize) {
        let runs: Vec<SampleRun> = (from..executions.min(from + GROUP)).map(run).collect();
        let mut tx = database.write().await.expect("begin a transaction");
        bench_data::insert_runs(&mut tx, &runs).await.expect("insert executions");
        tx.commit().await.expect("commit");
    }
    database.close().await;
}
