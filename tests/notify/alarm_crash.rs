//! A failing run on a real server: its message is decided with its end, and a server that is killed before the delivery sends it once
//! more under its id, without a second incident.

use std::sync::Arc;

use belfry::clock::SystemClock;
use serde_json::{Value, json};

use crate::simulator::{Simulator, WEBHOOK_SECRET};
use crate::support::server::{Server, until};

async fn create(server: &Server, path: &str, body: Value) {
    let answer = server.post(path, &body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_tells_of_a_failure_under_one_id() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(Arc::new(SystemClock)).await;
    let url = format!("{}/webhook", simulator.url);
    let settings = format!("[notify.ops]\ntype = \"webhook\"\nurl = \"{url}\"\nsecret = \"{WEBHOOK_SECRET}\"\n");
    std::fs::write(folder.path().join("belfry.toml"), settings).unwrap();
    let server = Server::start(folder.path());
    let command = json!({"command": ["sh", "-c", "echo details >&2; exit 3"]});
    create(
        &server,
        "/api/v1/tasks",
        json!({"id": "broken", "type": "send_cmd", "trigger": {"type": "cron", "year": 2099}, "params": command}),
    )
    .await;
    let rule = json!({"name": "all", "tasks": {"all": true}, "events": ["failed", "recovered"], "channels": ["ops"]});
    create(&server, "/api/v1/notify-rules", rule).await;
    simulator.be_silent(1);
    create(&server, "/api/v1/tasks/broken/run", json!({})).await;
    simulator.wait_for(1).await;
    server.kill();
    let server = Server::start(folder.path());
    simulator.wait_for(2).await;
    let received = simulator.received();
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"], "the same message");
    let notice = &received[1].json()["data"]["notices"][0];
    assert_eq!((notice["title"].as_str(), notice["event"].as_str()), (Some("broken failed"), Some("failed")));
    assert!(notice["error"].as_str().is_some_and(|error| error.contains("exit code 3") && error.contains("details")), "{notice}");
    let incidents = server.json("/api/v1/incidents?status=open").await;
    assert_eq!(incidents["items"].as_array().map(Vec::len), Some(1));
    let id = incidents["items"][0]["id"].as_str().unwrap().to_owned();
    let delivered = until("the delivery on record", || async {
        let incident = server.json(&format!("/api/v1/incidents/{id}")).await;
        (incident["deliveries"][0]["state"] == "sent").then_some(incident)
    });
    let incident = delivered.await;
    assert_eq!((incident["count"].as_i64(), incident["runs"][0]["status"].as_str()), (Some(1), Some("failed")));
    let patch = json!({"params": {"command": ["true"]}});
    assert!(server.patch("/api/v1/tasks/broken", &patch).send().await.unwrap().status().is_success());
    create(&server, "/api/v1/tasks/broken/run", json!({})).await;
    simulator.wait_for(3).await;
    assert_eq!(simulator.received()[2].json()["data"]["notices"][0]["event"], "recovered");
    assert_eq!(server.json("/api/v1/incidents?status=open").await["total"], 0);
    server.kill();
}
