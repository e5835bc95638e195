//! Delivery: sends queued messages, each at least once, within the rate limits of the providers.
//!
//! A message is sent in three steps. First a transaction takes the account, counts the request and fixes which messages go
//! under which id. Then the request is made. Then a transaction records the answer and gives the account back. After a crash in
//! between, another process sends the same messages under the same id.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::courier::Courier;
use crate::clock::SharedClock;
use crate::signals::Signals;
use crate::storage::{Database, Result, notify_message};

mod batch;
pub mod gate;
mod record;
mod step;

use step::Step;

/// How often the queue is read without a signal: other processes queue messages too.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long a shutdown waits for requests under way.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The background task that delivers messages.
#[derive(Clone)]
pub struct Delivery {
    pub database: Database,
    pub clock: SharedClock,
    pub signals: Signals,
    pub courier: Arc<Courier>,
    pub node_id: Arc<str>,
    /// The server's time zone, for the texts of incidents.
    pub zone: Tz,
}

/// When a channel can go on; `None`: nothing is queued.
type Next = Option<DateTime<Utc>>;

/// The channels at work, and until when others wait.
#[derive(Default)]
struct Workers {
    running: JoinSet<(String, Result<Next>)>,
    names: HashSet<String>,
    waiting: BTreeMap<String, DateTime<Utc>>,
}

impl Delivery {
    /// Delivers messages until the shutdown. Channels do not wait for each other.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut workers = Workers::default();
        loop {
            let pause = match self.start_due(&mut workers).await {
                Ok(next) => self.until(next),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "failed to read the queued notifications; retrying");
                    POLL_INTERVAL
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.signals.notifications.notified() => workers.waiting.clear(),
                () = tokio::time::sleep(pause) => {}
                Some(ended) = workers.running.join_next(), if !workers.running.is_empty() => self.ended(&mut workers, ended),
            }
        }
        let rest = async { while workers.running.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, rest).await.is_err() {
            tracing::warn!("notifications were being sent at the shutdown; they are sent again at the next start");
        }
    }

    /// Delivers what can be sent now, channel by channel. Returns how many requests were made.
    pub async fn run_once(&self) -> Result<usize> {
        let mut requests = 0;
        for name in self.due_channels().await?.into_keys() {
            while let Step::Sent = self.step(&name).await? {
                requests += 1;
            }
        }
        Ok(requests)
    }

    /// Starts a worker for each channel that has something to send. Returns when the next one will have.
    async fn start_due(&self, workers: &mut Workers) -> Result<Next> {
        let (now, mut next) = (self.clock.now(), None);
        for (name, due) in self.due_channels().await? {
            let at = workers.waiting.get(&name).copied().unwrap_or(due).max(due);
            if workers.names.contains(&name) {
                continue;
            }
            if at > now {
                next = [next, Some(at)].into_iter().flatten().min();
                continue;
            }
            workers.waiting.remove(&name);
            workers.names.insert(name.clone());
            let delivery = self.clone();
            workers.running.spawn(async move {
                let next = delivery.work(&name).await;
                (name, next)
            });
        }
        Ok(next)
    }

    /// Sends the messages of a channel until it has to wait.
    async fn work(&self, name: &str) -> Result<Next> {
        loop {
            match self.step(name).await? {
                Step::Sent => {}
                Step::Wait(at) => return Ok(Some(at)),
                Step::Nothing => return Ok(None),
            }
        }
    }

    fn ended(&self, workers: &mut Workers, ended: std::result::Result<(String, Result<Next>), tokio::task::JoinError>) {
        match ended {
            Ok((name, next)) => {
                workers.names.remove(&name);
                let next = next.unwrap_or_else(|error| {
                    tracing::warn!(
                        channel = name,
                        error = &error as &dyn std::error::Error,
                        "failed to deliver notifications; retrying"
                    );
                    Some(self.clock.now() + POLL_INTERVAL)
                });
                if let Some(at) = next {
                    workers.waiting.insert(name, at);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the delivery of a channel ended unexpectedly");
                workers.names.clear();
            }
        }
    }

    async fn due_channels(&self) -> Result<BTreeMap<String, DateTime<Utc>>> {
        notify_message::next_tries(&mut self.database.read_engine().await?).await
    }

    fn until(&self, next: Next) -> Duration {
        let left = next.map(|at| (at - self.clock.now()).to_std().unwrap_or_default());
        left.map_or(POLL_INTERVAL, |left| left.clamp(Duration::from_millis(10), POLL_INTERVAL))
    }
}
