//! Wake-ups within the process: whoever commits a change that the scheduler or the workers wait for says so here. Nothing
//! depends on them but speed; both also look by themselves at short intervals, for changes made by other processes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// The wake-ups; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// A task's next firing or a retry moved: the scheduler looks anew.
    pub schedule: Arc<Notify>,
    /// Jobs were queued: the workers fetch them.
    pub jobs: QueuedJobs,
    /// Another process changed the database: the workers look for cancellations.
    pub outside: Arc<Notify>,
}

/// Says which queues have new jobs, so that the workers of the others sleep on.
#[derive(Debug, Clone, Default)]
pub struct QueuedJobs(Arc<(Mutex<BTreeSet<String>>, Notify)>);

impl QueuedJobs {
    /// Jobs were put into these queues.
    pub fn queued<'q>(&self, queues: impl IntoIterator<Item = &'q str>) {
        let (named, notify) = &*self.0;
        let mut named = named.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues {
            if !named.contains(queue) {
                named.insert(queue.to_owned());
            }
        }
        notify.notify_one();
    }

    /// Waits for new jobs; answers the queues that have some.
    pub async fn wait(&self) -> BTreeSet<String> {
        let (named, notify) = &*self.0;
        notify.notified().await;
        std::mem::take(&mut *named.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When the scheduler last looked; the readiness check asks.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicI64>);

impl Pulse {
    pub fn beat(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// Milliseconds since the last look; `None` before the first.
    pub fn age_ms(&self, now: DateTime<Utc>) -> Option<i64> {
        let last = self.0.load(Ordering::Relaxed);
        (last != 0).then(|| now.timestamp_millis() - last)
    }
}
