//! Wake-up signals within the process. Whoever commits a change that the scheduler or the workers wait for notifies them here.
//! Signals only reduce latency: both also poll at short intervals for changes made by other processes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// The signals; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// A next run or a retry time changed; the scheduler reads them again.
    pub schedule: Arc<Notify>,
    /// Jobs were queued; the workers fetch them.
    pub jobs: QueuedJobs,
    /// Another process changed the database; the workers check for cancellations.
    pub external_change: Arc<Notify>,
    /// Whether the database takes writes.
    pub writes: WriteStatus,
}

/// Whether the last write that checks the database failed; clones share it.
#[derive(Debug, Clone, Default)]
pub struct WriteStatus(Arc<AtomicBool>);

impl WriteStatus {
    /// Stores the outcome of a write. Returns whether the write before it failed.
    pub fn set_failing(&self, failing: bool) -> bool {
        self.0.swap(failing, Ordering::Relaxed)
    }

    pub fn is_failing(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The queues with new jobs, so that workers of other queues are not woken.
#[derive(Debug, Clone, Default)]
pub struct QueuedJobs(Arc<(Mutex<BTreeSet<String>>, Notify)>);

impl QueuedJobs {
    /// Marks these queues as having new jobs.
    pub fn queued<'q>(&self, queues: impl IntoIterator<Item = &'q str>) {
        let (queues_with_jobs, notify) = &*self.0;
        let mut queues_with_jobs = queues_with_jobs.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues {
            if !queues_with_jobs.contains(queue) {
                queues_with_jobs.insert(queue.to_owned());
            }
        }
        notify.notify_one();
    }

    /// Waits for new jobs; returns the queues that have some.
    pub async fn wait(&self) -> BTreeSet<String> {
        let (queues_with_jobs, notify) = &*self.0;
        notify.notified().await;
        std::mem::take(&mut *queues_with_jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The times of the scheduler's last pass and of its last successful one; clones share them.
#[derive(Debug, Clone, Default)]
pub struct SchedulerHeartbeat(Arc<Passes>);

#[derive(Debug, Default)]
struct Passes {
    started: AtomicI64,
    succeeded: AtomicI64,
}

impl SchedulerHeartbeat {
    /// A pass starts: the scheduler does not hang.
    pub fn beat(&self, now: DateTime<Utc>) {
        self.0.started.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// A pass ended without an error: what was due is planned.
    pub fn succeeded(&self, now: DateTime<Utc>) {
        self.0.succeeded.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// Returns the milliseconds since the start of the last pass; `None` before the first.
    pub fn age_ms(&self, now: DateTime<Utc>) -> Option<i64> {
        age_ms(&self.0.started, now)
    }

    /// Returns the milliseconds since the last successful pass; `None` before the first.
    pub fn success_age_ms(&self, now: DateTime<Utc>) -> Option<i64> {
        age_ms(&self.0.succeeded, now)
    }
}

fn age_ms(at: &AtomicI64, now: DateTime<Utc>) -> Option<i64> {
    let at = at.load(Ordering::Relaxed);
    (at != 0).then(|| now.timestamp_millis() - at)
}
