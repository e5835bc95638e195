//! Notifications between nodes on one database.

use std::sync::Arc;
use std::time::Duration;

use belfry::cluster::notifier::ClusterNotifier;
use belfry::domain::event::{Event, TaskChange};
use belfry::domain::execution::{OutputChunk, Status, Stream};
use belfry::domain::node::NodeIdentity;
use belfry::events::EventBus;
use belfry::signals::Signals;
use belfry::storage::execution::{NewOutput, append_output};
use belfry::storage::{Database, node};
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use crate::support::TestDatabase;
use crate::support::context::{TestContext, start};

struct Node {
    events: EventBus,
    signals: Signals,
    received: Receiver<Arc<[Event]>>,
}

/// A node with a running notifier that listens.
async fn node(db: &TestDatabase, context: &TestContext, id: &str, stop: &CancellationToken) -> Node {
    let identity = NodeIdentity { id: id.into(), name: id.into() };
    let mut tx = db.database.write().await.unwrap();
    node::heartbeat(&mut tx, &identity, 4, start(), start(), None).await.unwrap();
    tx.commit().await.unwrap();
    let (events, signals) = (EventBus::default(), Signals::default());
    let notifier = ClusterNotifier {
        database: db.database.clone(),
        node: identity,
        clock: context.clock.clone(),
        events: events.clone(),
        signals: signals.clone(),
        queues: vec!["default".into()],
    };
    let mut received = events.subscribe();
    let stop = stop.clone();
    tokio::spawn(async move { notifier.run(stop).await });
    assert_eq!(next(&mut received).await, [Event::Resync], "notices before the connection are lost");
    Node { events, signals, received }
}

async fn next(received: &mut Receiver<Arc<[Event]>>) -> Vec<Event> {
    tokio::time::timeout(Duration::from_secs(60), received.recv()).await.expect("an event in time").unwrap().to_vec()
}

fn task() -> Event {
    Event::Task { id: "任务".into(), change: TaskChange::Created }
}

/// Publishes on one node until the other receives it: the notifier takes a moment to find the other node.
async fn publish_until_received(from: &Node, to: &mut Node) {
    let received = async { while next(&mut to.received).await != [task()] {} };
    let publishing = async {
        loop {
            from.events.publish(vec![task()]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! { () = received => {}, () = publishing => {} }
}

#[tokio::test]
async fn changes_reach_other_nodes_and_are_not_echoed() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let (context, stop) = (TestContext::new(&db.database), CancellationToken::new());
    let mut one = node(&db, &context, "one", &stop).await;
    let mut two = node(&db, &context, "two", &stop).await;
    publish_until_received(&one, &mut two).await;
    two.signals.schedule.notified().await;

    context.create("a", serde_json::json!({"type": "interval", "seconds": 1})).await;
    context.advance(chrono::Duration::seconds(1)).await;
    let id = context.executions("a").await[0].id.clone();
    let chunk = |seq| OutputChunk { attempt: 1, seq, stream: Stream::Stdout, at: start(), text: format!("行 {seq}\n") };
    let mut tx = db.database.write().await.unwrap();
    let rows: Vec<_> = (0..3).map(|seq| NewOutput { execution_id: id.clone(), chunk: chunk(seq) }).collect();
    append_output(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let queued = Event::Execution { id: id.clone(), task_id: "a".into(), status: Status::Queued, attempt: 1 };
    let written = |seqs: &[i64]| Event::Output { execution_id: id.clone(), chunks: seqs.iter().copied().map(chunk).collect() };
    one.events.publish(vec![queued.clone(), written(&[1]), written(&[2])]);
    let mut received_events = next(&mut two.received).await;
    while received_events == [task()] {
        received_events = next(&mut two.received).await;
    }
    assert_eq!(received_events, [queued, written(&[1, 2])]);
    assert!(two.signals.jobs.wait().await.contains("default"));

    // The first node receives the second node's events and none of its own.
    while one.received.try_recv().is_ok() {}
    publish_until_received(&two, &mut one).await;
    stop.cancel();
}

#[tokio::test]
async fn lost_connection_is_reopened_with_a_resync() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let (context, stop) = (TestContext::new(&db.database), CancellationToken::new());
    let mut one = node(&db, &context, "one", &stop).await;
    let mut two = node(&db, &context, "two", &stop).await;
    publish_until_received(&one, &mut two).await;
    let Database::Postgres { pool, .. } = &db.database else { unreachable!("a PostgreSQL database") };
    let ended: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ilike 'listen%' and pid <> pg_backend_pid()",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(ended.len(), 2, "both nodes were listening");
    while next(&mut two.received).await != [Event::Resync] {}
    publish_until_received(&one, &mut two).await;
    publish_until_received(&two, &mut one).await;
    stop.cancel();
}
