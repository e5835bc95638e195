//! Nodes on one PostgreSQL database tell each other what they changed, so that pages show it and schedulers and workers look
//! at once, whichever node did it. Nothing depends on a notice but speed: all look by themselves too.

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
use crate::domain::node::NodeIdentity;
use crate::events::EventBus;
use crate::signals::Signals;
use crate::storage::notices::{self, Notices};
use crate::storage::{Database, Result, execution, node};

mod notice;

/// Changes are gathered for this long into one notice.
const GATHERED: Duration = Duration::from_millis(20);
/// How often it is looked whether there are other nodes.
const LOOKED: Duration = Duration::from_secs(10);
/// A node that was not seen for this long is none to tell anything.
const SILENCE: chrono::Duration = chrono::Duration::seconds(60);
/// The wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The loop that tells and hears.
pub struct Relay {
    pub database: Database,
    pub node: NodeIdentity,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    /// Names of this node's queues.
    pub queues: Vec<String>,
}

impl Relay {
    /// Passes changes on until the shutdown; waits for it where the database has no notices.
    pub async fn run(&self, shutdown: CancellationToken) {
        if !matches!(self.database, Database::Postgres(_)) {
            return shutdown.cancelled().await;
        }
        let somebody_came = Notify::new();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.hear(&somebody_came) => {}
            () = self.tell(&somebody_came) => {}
        }
    }

    /// Tells the others, while there are any.
    async fn tell(&self, somebody_came: &Notify) {
        loop {
            let mut own = self.events.subscribe_own();
            while self.has_company().await {
                self.tell_for(LOOKED, &mut own).await;
            }
            drop(own); // events for nobody are not even made
            let _time_to_look_again = tokio::time::timeout(LOOKED, somebody_came.notified()).await;
        }
    }

    async fn has_company(&self) -> bool {
        let look = async || node::all(&mut self.database.read().await?).await;
        let now = self.clock.now();
        match look().await {
            Ok(nodes) => nodes.iter().any(|node| node.identity.id != self.node.id && now - node.last_seen_at < SILENCE),
            Err(error) => {
                tracing::debug!(%error, "cannot look for other nodes");
                false
            }
        }
    }

    async fn tell_for(&self, time: Duration, own: &mut Receiver<Arc<[Event]>>) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(heard) = tokio::time::timeout_at(end, own.recv()).await {
            let mut notice = Notice::default();
            let mut heard = Some(heard);
            let gathered = tokio::time::Instant::now() + GATHERED;
            while let Some(group) = heard {
                match group {
                    Ok(events) => notice.add(&events),
                    Err(RecvError::Lagged(_)) => notice.lose(),
                    Err(RecvError::Closed) => return,
                }
                heard = tokio::time::timeout_at(gathered, own.recv()).await.ok();
            }
            if let Err(error) = notices::send(&self.database, &notice.parts(&self.node.id)).await {
                tracing::debug!(%error, "other nodes were not told of a change");
            }
        }
    }

    /// Hears the others, whatever becomes of the connection.
    async fn hear(&self, somebody_came: &Notify) {
        loop {
            if let Err(error) = self.hear_once(somebody_came).await {
                tracing::warn!(%error, "changes by other nodes are not heard at once; trying again");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn hear_once(&self, somebody_came: &Notify) -> Result<()> {
        let Some(mut listener) = Notices::listen(&self.database).await? else { return Ok(()) };
        notices::send(&self.database, &[notice::hello(&self.node.id)]).await?;
        // Whatever was missed before.
        self.events.publish_foreign(vec![Event::Missed]);
        loop {
            match listener.next().await? {
                Some(text) => self.take(&text, somebody_came).await?,
                None => return Ok(()),
            }
        }
    }

    async fn take(&self, text: &str, somebody_came: &Notify) -> Result<()> {
        let Ok(message) = serde_json::from_str::<Value>(text) else { return Ok(()) };
        if message["from"] == self.node.id.as_str() {
            return Ok(());
        }
        if message["hello"] == true {
            somebody_came.notify_one();
        }
        let mut events = notice::events(&message);
        if self.events.has_listeners() {
            for written in notice::outputs(&message) {
                let chunks = execution::output(&mut self.database.read().await?, &written.id, Some(written.after)).await?;
                let chunks = chunks.into_iter().filter(|chunk| (chunk.attempt, chunk.seq) <= written.last).collect();
                events.push(Event::Output { execution_id: written.id, chunks });
            }
        }
        self.wake(&events);
        self.events.publish_foreign(events);
        Ok(())
    }

    fn wake(&self, events: &[Event]) {
        let is_queued = |event: &Event| matches!(event, Event::Execution { status: Status::Queued, .. } | Event::Missed);
        if events.iter().any(is_queued) {
            self.signals.jobs.queued(self.queues.iter().map(String::as_str));
        }
        if events.iter().any(|event| matches!(event, Event::Task { .. } | Event::Missed)) {
            self.signals.schedule.notify_one();
        }
    }
}
