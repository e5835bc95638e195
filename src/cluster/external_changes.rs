//! External changes: detects writes to a SQLite database by other processes (such as a command line) and wakes the
//! scheduler, the workers and open pages. On PostgreSQL each of them polls by itself.

use tokio_util::sync::CancellationToken;

use crate::domain::event::Event;
use crate::events::EventBus;
use crate::file_watch::FileWatch;
use crate::signals::Signals;
use crate::storage::{Database, Result};

/// The background task that polls the database's version.
pub struct ExternalChangeWatcher {
    pub database: Database,
    pub events: EventBus,
    pub signals: Signals,
    /// The names of all queues.
    pub queues: Vec<String>,
    last_version: Option<i64>,
}

impl ExternalChangeWatcher {
    pub fn new(database: Database, events: EventBus, signals: Signals, queues: Vec<String>) -> Self {
        Self { database, events, signals, queues, last_version: None }
    }

    /// Reads the version whenever SQLite's log, which all processes write, may have changed, until the shutdown.
    pub async fn run(mut self, mut log: FileWatch, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = log.next() => {}
            }
            let _ = self.run_once().await; // the scheduler and the workers log database errors
        }
    }

    /// Polls once. Returns whether another process changed the database since the last call.
    pub async fn run_once(&mut self) -> Result<bool> {
        let version = self.database.data_version().await?;
        let known = std::mem::replace(&mut self.last_version, version);
        if version == known {
            return Ok(false);
        }
        // Also at the first look: what was written before it may have been read or not.
        self.database.count_change();
        if known.is_none() {
            return Ok(false);
        }
        self.signals.schedule.notify_one();
        self.signals.jobs.queued(self.queues.iter().map(String::as_str));
        self.signals.external_change.notify_one();
        self.events.publish_remote(vec![Event::Resync]);
        Ok(true)
    }
}
