//! A server that is killed between the request and its record sends the same message again, under the same id.

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::notify::channel::ChannelType;
use belfry::storage::{Database, Synchronous, notify_message};

use crate::rig::{message, notice};
use crate::simulator::{Simulator, WEBHOOK_SECRET};
use crate::support::server::Server;

/// Queues a message in the database of a server, as a run's end does.
async fn queue(folder: &std::path::Path, names: &[&str]) -> Vec<String> {
    let database = Database::open_sqlite(&folder.join("data/task.db"), Synchronous::Normal).await.expect("opens");
    let now = SystemClock.now();
    let messages: Vec<_> = names.iter().map(|name| message("ops", notice(name, now), now, now)).collect();
    let mut tx = database.write().await.expect("begins");
    notify_message::insert(&mut tx, &messages).await.expect("queues");
    tx.commit().await.expect("commits");
    database.close().await;
    messages.into_iter().map(|message| message.id).collect()
}

fn settings(simulator: &Simulator) -> String {
    assert_eq!(ChannelType::Webhook.as_str(), "webhook");
    format!("[notify.ops]\ntype = \"webhook\"\nurl = \"{}/webhook\"\nsecret = \"{WEBHOOK_SECRET}\"\n", simulator.url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_sends_the_same_message_again_under_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(Arc::new(SystemClock)).await;
    std::fs::write(folder.path().join("belfry.toml"), settings(&simulator)).unwrap();
    let server = Server::start(folder.path());
    simulator.be_silent(1);
    let ids = queue(folder.path(), &["first", "second", "third"]).await;
    simulator.wait_for(1).await;
    server.kill();
    let server = Server::start(folder.path());
    simulator.wait_for(4).await;
    let received = simulator.received();
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"], "the same id again");
    assert_eq!(received[0].json()["data"]["notices"], received[1].json()["data"]["notices"], "with the same content");
    let sent: BTreeSet<String> = received.iter().map(|request| request.headers["webhook-id"].clone()).collect();
    assert_eq!(sent, ids.into_iter().collect(), "none is lost");
    // A restart does not send what was recorded.
    let recorded = async {
        loop {
            let page = server.json("/api/v1/notify-channels/ops/deliveries").await;
            let states: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["state"].clone()).collect();
            if states.iter().all(|state| state == "sent") {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), recorded).await.expect("recorded");
    server.kill();
    let server = Server::start(folder.path());
    let answer = server.post("/api/v1/notify-channels/ops/test", &serde_json::json!({})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    simulator.wait_for(5).await;
    assert_eq!(simulator.received().len(), 5, "only the test message");
}
