//! Two nodes on one PostgreSQL database: no message is sent by both, and the rate limit holds for both together.

use std::collections::BTreeMap;
use std::sync::Arc;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::notify::channel::ChannelType;
use belfry::domain::notify::message::{MessageState, NewMessage};
use belfry::domain::profile::Profiles;
use belfry::storage::notify_message;
use chrono::Duration;
use tokio_util::sync::CancellationToken;

use crate::rig::{channel, delivery, message, notice};
use crate::simulator::Simulator;
use crate::support::TestDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_never_send_one_message_twice() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let clock = Arc::new(SystemClock);
    let simulator = Simulator::start(clock.clone()).await;
    let kinds = [ChannelType::Webhook, ChannelType::WecomRobot, ChannelType::Gotify];
    let notify = kinds.map(|kind| (kind.as_str().to_owned(), channel(kind, &simulator.url))).into();
    let profiles = Arc::new(Profiles { notify, ..Profiles::default() });
    let shutdown = CancellationToken::new();
    let (first, second) = (db.reopen().await, db.reopen().await);
    let nodes: Vec<_> = [(&first, "node-1"), (&second, "node-2")]
        .into_iter()
        .map(|(database, node)| delivery(database, clock.clone(), profiles.clone(), node))
        .collect();
    let running: Vec<_> = nodes.iter().map(|node| tokio::spawn(node.clone().run(shutdown.clone()))).collect();
    let mut queued: Vec<NewMessage> = Vec::new();
    for n in 0..60 {
        let now = clock.now();
        let these: Vec<_> =
            kinds.iter().map(|kind| message(kind.as_str(), notice(&format!("task-{n:02}"), now), now, now)).collect();
        let mut tx = db.database.write().await.unwrap();
        notify_message::insert(&mut tx, &these).await.unwrap();
        tx.commit().await.unwrap();
        nodes.iter().for_each(|node| node.signals.notifications.notify_one());
        queued.extend(these);
    }
    let done = async {
        loop {
            let waiting = notify_message::next_tries(&mut db.database.read().await.unwrap()).await.unwrap();
            // The robot's quota lets a part of its messages wait.
            if waiting.keys().all(|channel| channel == "wecom_robot") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::seconds(60).to_std().unwrap(), done).await.expect("the messages are sent");
    shutdown.cancel();
    for node in running {
        node.await.unwrap();
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for request in simulator.accepted().iter().filter(|request| request.path == "/webhook") {
        for notice in request.json()["data"]["notices"].as_array().unwrap() {
            *times.entry(notice["subjects"][0].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(times.len(), 60);
    assert!(times.values().all(|count| *count == 1), "{times:?}");
    let robot = simulator.received().iter().filter(|request| request.path == "/cgi-bin/webhook/send").count();
    assert!((1..=20).contains(&robot), "{robot}");
    let request = belfry::domain::page::PageRequest { size: 500, cursor: None };
    let mut reader = db.database.read().await.unwrap();
    let sent = notify_message::page(&mut reader, "gotify", &request).await.unwrap().items;
    assert!(sent.iter().all(|message| matches!(message.state, MessageState::Sent | MessageState::Grouped)));
    drop(reader);
    first.close().await;
    second.close().await;
    db.remove().await;
}
