//! Cluster notifications: nodes on one PostgreSQL database notify each other of changes, so that the pages, schedulers and
//! workers of all nodes react at once. Notifications are only for speed: every part also polls by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use self::notice::Notice;
use crate::clock::SharedClock;
use crate::domain::event::Event;
use crate::domain::execution::Status;
use crate::domain::node::{NodeIdentity, is_silent};
use crate::events::EventBus;
use crate::signals::Signals;
use crate::storage::pg_notify::{self, PgNotifyListener};
use crate::storage::{Database, Result, execution, node};

mod notice;

/// Changes within this time are sent in one notice.
const BATCH_WINDOW: Duration = Duration::from_millis(20);
/// How often the notifier checks for other nodes.
const PEER_CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// The pause before a lost connection is opened again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// The background task that publishes and receives notices.
pub struct ClusterNotifier {
    pub database: Database,
    pub node: NodeIdentity,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    /// The names of this node's queues.
    pub queues: Vec<String>,
}

impl ClusterNotifier {
    /// Publishes and receives changes until the shutdown; on SQLite it only waits for the shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        if !matches!(self.database, Database::Postgres { .. }) {
            return shutdown.cancelled().await;
        }
        let peer_joined = Notify::new();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.listen(&peer_joined) => {}
            () = self.publish(&peer_joined) => {}
        }
    }

    /// Publishes this process's events while there are other live nodes.
    async fn publish(&self, peer_joined: &Notify) {
        loop {
            let mut own = self.events.subscribe_local();
            while self.has_peers().await {
                self.publish_for(PEER_CHECK_INTERVAL, &mut own).await;
            }
            drop(own); // without a receiver no events are built
            let _ = tokio::time::timeout(PEER_CHECK_INTERVAL, peer_joined.notified()).await; // check again either way
        }
    }

    async fn has_peers(&self) -> bool {
        let load = async || node::all(&mut self.database.read_engine().await?).await;
        let now = self.clock.now();
        match load().await {
            Ok(nodes) => nodes.iter().any(|node| node.identity.id != self.node.id && !is_silent(node.last_seen_at, now)),
            Err(error) => {
                tracing::debug!(%error, "failed to load other nodes");
                false
            }
        }
    }

    async fn publish_for(&self, time: Duration, own: &mut Receiver<Arc<[Event]>>) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(received) = tokio::time::timeout_at(end, own.recv()).await {
            let mut notice = Notice::default();
            let mut received = Some(received);
            let batch_end = tokio::time::Instant::now() + BATCH_WINDOW;
            while let Some(group) = received {
                match group {
                    Ok(events) => notice.add(&events),
                    Err(RecvError::Lagged(_)) => notice.request_resync(),
                    Err(RecvError::Closed) => return,
                }
                received = tokio::time::timeout_at(batch_end, own.recv()).await.ok();
            }
            if let Err(error) = pg_notify::send(&self.database, &notice.parts(&self.node.id)).await {
                tracing::debug!(%error, "failed to notify other nodes");
            }
        }
    }

    /// Receives the notices of other nodes; reconnects when the connection is lost.
    async fn listen(&self, peer_joined: &Notify) {
        loop {
            if let Err(error) = self.listen_once(peer_joined).await {
                tracing::warn!(%error, "lost connection for notifications from other nodes; reconnecting");
            }
            tokio::time::sleep(RECONNECT_DELAY).await;
        }
    }

    async fn listen_once(&self, peer_joined: &Notify) -> Result<()> {
        let Some(mut listener) = PgNotifyListener::listen(&self.database).await? else { return Ok(()) };
        pg_notify::send(&self.database, &[notice::hello(&self.node.id)]).await?;
        // Notices sent before the connection was open are lost.
        self.events.publish_remote(vec![Event::Resync]);
        loop {
            match listener.next().await? {
                Some(text) => self.receive(&text, peer_joined).await?,
                None => return Ok(()),
            }
        }
    }

    async fn receive(&self, text: &str, peer_joined: &Notify) -> Result<()> {
        let Ok(message) = serde_json::from_str::<Value>(text) else { return Ok(()) };
        if message["from"] == self.node.id.as_str() {
            return Ok(());
        }
        if message["hello"] == true {
            peer_joined.notify_one();
        }
        let mut events = notice::events(&message);
        if self.events.wants_events() {
            for range in notice::output_ranges(&message) {
                let chunks =
                    execution::output(&mut self.database.read_engine().await?, &range.execution_id, Some(range.after)).await?;
                let chunks = chunks.into_iter().filter(|chunk| (chunk.attempt, chunk.seq) <= range.last).collect();
                events.push(Event::Output { execution_id: range.execution_id, chunks });
            }
        }
        self.wake(&events);
        self.events.publish_remote(events);
        Ok(())
    }

    fn wake(&self, events: &[Event]) {
        let is_queued = |event: &Event| matches!(event, Event::Execution { status: Status::Queued, .. } | Event::Resync);
        if events.iter().any(is_queued) {
            self.signals.jobs.queued(self.queues.iter().map(String::as_str));
        }
        if events.iter().any(|event| matches!(event, Event::Task { .. } | Event::Resync)) {
            self.signals.schedule.notify_one();
        }
    }
}
