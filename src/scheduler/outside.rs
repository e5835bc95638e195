//! Notices what another process changed in a SQLite database (a command at the command line, say) and wakes whoever waits for
//! such changes, so that it takes effect at once and open pages show it. With PostgreSQL every part looks for itself.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::event::Event;
use crate::events::EventBus;
use crate::signals::Signals;
use crate::storage::{Database, Result};

/// How often to look: a look is a read of a few microseconds, and a person waits no longer than this.
const EVERY: Duration = Duration::from_millis(100);

/// The loop that looks.
pub struct Outside {
    pub database: Database,
    pub events: EventBus,
    pub signals: Signals,
    /// The names of all queues.
    pub queues: Vec<String>,
    seen: Option<i64>,
}

impl Outside {
    pub fn new(database: Database, events: EventBus, signals: Signals, queues: Vec<String>) -> Self {
        Self { database, events, signals, queues, seen: None }
    }

    /// Looks until the shutdown; a failing database is told by those who need it.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let _told_by_others = self.run_once().await;
        }
    }

    /// Looks once. Answers whether another process changed something since the last look.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_once(&mut self) -> Result<bool> {
        let version = self.database.outside_version().await?;
        let changed = self.seen.is_some() && version != self.seen;
        self.seen = version;
        if changed {
            self.signals.schedule.notify_one();
            self.signals.jobs.queued(self.queues.iter().map(String::as_str));
            self.signals.outside.notify_one();
            self.events.publish_foreign(vec![Event::Missed]);
        }
        Ok(changed)
    }
}
