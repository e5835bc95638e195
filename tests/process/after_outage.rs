//! Commands on the local database after an outage of the server: what was due before a command is on record.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::cli::local;
use crate::server::{Server, until};

/// How long the server is down before the commands.
const OUTAGE: Duration = Duration::from_secs(4);

#[tokio::test]
async fn commands_after_an_outage_record_what_was_due() {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let server = Server::start(folder.path());
    let ids = ["pause", "edit", "disable", "rm", "import"];
    for id in ids {
        create(&server, id).await;
    }
    for id in ids {
        until("the first run", || async { (!scheduled_times(&server, id).await.is_empty()).then_some(()) }).await;
    }
    server.kill();
    let killed = now();
    tokio::time::sleep(OUTAGE).await;
    change_all(folder.path());

    let server = Server::start(folder.path());
    for id in ids {
        let times = scheduled_times(&server, id).await;
        let gaps: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).num_milliseconds()).collect();
        assert!(gaps.iter().all(|gap| *gap == 1000), "{id}: {gaps:?}");
        let last = times.last().copied().unwrap_or_default();
        assert!(last > killed + Duration::from_secs(2), "{id}: the last occurrence on record is {last}, killed at {killed}");
    }
}

async fn create(server: &Server, id: &str) {
    let task = json!({"id": id, "type": "echo", "trigger": {"type": "interval", "seconds": 1}});
    let answer = server.post("/api/v1/tasks", &task).send().await.expect("get a response");
    assert_eq!(answer.status(), StatusCode::CREATED, "{id}");
}

fn change_all(folder: &Path) {
    local(folder, &["task", "pause", "pause"]).ok();
    local(folder, &["task", "edit", "edit", "--set", "trigger={\"type\":\"cron\",\"expression\":\"@yearly\"}"]).ok();
    local(folder, &["task", "edit", "disable", "--set", "enabled=false"]).ok();
    local(folder, &["task", "rm", "rm", "--yes"]).ok();
    let import = json!({"version": 1, "tasks": [{"id": "import", "type": "echo", "enabled": false,
        "trigger": {"type": "interval", "seconds": 1}}]});
    let file = folder.join("tasks.json");
    std::fs::write(&file, import.to_string()).expect("write the document");
    local(folder, &["import", file.to_str().expect("UTF-8"), "--yes"]).ok();
}

/// The scheduled times on record, in order.
async fn scheduled_times(server: &Server, id: &str) -> Vec<DateTime<Utc>> {
    let page = server.json(&format!("/api/v1/executions?task_id={id}&page_size=500")).await;
    let time = |run: &Value| run["scheduled_at"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    let mut times: Vec<DateTime<Utc>> = page["items"].as_array().expect("a list").iter().map(time).collect();
    times.sort_unstable();
    times
}

#[expect(clippy::disallowed_methods, reason = "the server under test uses the real clock")]
fn now() -> DateTime<Utc> {
    DateTime::<Utc>::from(std::time::SystemTime::now())
}
