//! Nodes on one database hear of each other's changes.

use std::sync::Arc;
use std::time::Duration;

use belfry::domain::event::{Event, TaskChange};
use belfry::domain::execution::{OutputChunk, Status, Stream};
use belfry::domain::node::NodeIdentity;
use belfry::events::EventBus;
use belfry::scheduler::relay::Relay;
use belfry::signals::Signals;
use belfry::storage::execution::{NewOutput, append_output};
use belfry::storage::{Database, node};
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use crate::support::TestDatabase;
use crate::support::parts::{TestParts, start};

struct Node {
    events: EventBus,
    signals: Signals,
    heard: Receiver<Arc<[Event]>>,
}

/// A running relay, once it listens.
async fn node(db: &TestDatabase, parts: &TestParts, id: &str, stop: &CancellationToken) -> Node {
    let identity = NodeIdentity { id: id.into(), name: id.into() };
    let mut tx = db.database.write().await.unwrap();
    node::seen(&mut tx, &identity, 4, start(), start()).await.unwrap();
    tx.commit().await.unwrap();
    let (events, signals) = (EventBus::default(), Signals::default());
    let relay = Relay {
        database: db.database.clone(),
        node: identity,
        clock: parts.clock.clone(),
        events: events.clone(),
        signals: signals.clone(),
        queues: vec!["default".into()],
    };
    let mut heard = events.subscribe();
    let stop = stop.clone();
    tokio::spawn(async move { relay.run(stop).await });
    assert_eq!(next(&mut heard).await, [Event::Missed], "what was before it came is not known");
    Node { events, signals, heard }
}

async fn next(heard: &mut Receiver<Arc<[Event]>>) -> Vec<Event> {
    tokio::time::timeout(Duration::from_secs(60), heard.recv()).await.expect("is told").unwrap().to_vec()
}

fn task() -> Event {
    Event::Task { id: "任务".into(), change: TaskChange::Created }
}

/// Says something on one node until the other hears it: its relay learns of the other by and by.
async fn tell_until_heard(from: &Node, to: &mut Node) {
    let heard = async { while next(&mut to.heard).await != [task()] {} };
    let telling = async {
        loop {
            from.events.publish(vec![task()]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! { () = heard => {}, () = telling => {} }
}

#[tokio::test]
async fn a_change_on_one_node_is_heard_and_acted_on_by_the_other_and_never_comes_back() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let (parts, stop) = (TestParts::new(&db.database), CancellationToken::new());
    let mut one = node(&db, &parts, "one", &stop).await;
    let mut two = node(&db, &parts, "two", &stop).await;
    tell_until_heard(&one, &mut two).await;
    two.signals.schedule.notified().await;

    parts.create("a", serde_json::json!({"type": "interval", "seconds": 1})).await;
    parts.advance(chrono::Duration::seconds(1)).await;
    let id = parts.executions("a").await[0].id.clone();
    let chunk = |seq| OutputChunk { attempt: 1, seq, stream: Stream::Stdout, at: start(), text: format!("行 {seq}\n") };
    let mut tx = db.database.write().await.unwrap();
    let rows: Vec<_> = (0..3).map(|seq| NewOutput { execution_id: id.clone(), chunk: chunk(seq) }).collect();
    append_output(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let queued = Event::Execution { id: id.clone(), task_id: "a".into(), status: Status::Queued, attempt: 1 };
    let written = |seqs: &[i64]| Event::Output { execution_id: id.clone(), chunks: seqs.iter().copied().map(chunk).collect() };
    one.events.publish(vec![queued.clone(), written(&[1]), written(&[2])]);
    let mut told = next(&mut two.heard).await;
    while told == [task()] {
        told = next(&mut two.heard).await;
    }
    assert_eq!(told, [queued, written(&[1, 2])]);
    assert!(two.signals.jobs.wait().await.contains("default"));

    // What the second says comes to the first, and nothing of its own.
    while one.heard.try_recv().is_ok() {}
    tell_until_heard(&two, &mut one).await;
    stop.cancel();
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_and_owned_up_to() {
    let Some(db) = TestDatabase::postgres().await else { return };
    let (parts, stop) = (TestParts::new(&db.database), CancellationToken::new());
    let mut one = node(&db, &parts, "one", &stop).await;
    let mut two = node(&db, &parts, "two", &stop).await;
    tell_until_heard(&one, &mut two).await;
    let Database::Postgres(pool) = &db.database else { unreachable!("PostgreSQL was asked for") };
    let ended: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ilike 'listen%' and pid <> pg_backend_pid()",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(ended.len(), 2, "both were listening");
    while next(&mut two.heard).await != [Event::Missed] {}
    tell_until_heard(&one, &mut two).await;
    tell_until_heard(&two, &mut one).await;
    stop.cancel();
}
