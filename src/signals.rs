//! Wake-up signals within the process. Whoever commits a change that the scheduler or the workers wait for notifies them here.
//! Signals only reduce latency: both also poll at short intervals for changes made by other processes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

mod jobs;
pub mod slots;
mod taken_slots;

pub use jobs::{JobQueue, Starts};

/// The signals; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// A next run or a retry time changed; the scheduler reads them again.
    pub schedule: Arc<Notify>,
    /// Executions were queued; the workers begin them.
    pub jobs: JobQueue,
    /// Another process changed the database; the workers check for cancellations.
    pub external_change: Arc<Notify>,
    /// Whether the database takes writes.
    pub writes: WriteStatus,
    /// Notifications were queued; the delivery sends them.
    pub notifications: Arc<Notify>,
    /// Runs that have ended and are not recorded yet.
    pub ended: EndedRuns,
    /// Whether backfills are going on: the end of a run may let their next one start.
    pub backfills: Arc<AtomicBool>,
}

/// The runs that ended in this process and are not recorded yet: on record they are still active. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct EndedRuns(Arc<Mutex<HashMap<String, String>>>);

/// One ended run; it counts as recorded when this is dropped.
#[derive(Debug)]
pub struct EndedRun {
    runs: EndedRuns,
    execution_id: String,
}

impl EndedRuns {
    /// Adds a run of a task until the result is dropped.
    #[must_use]
    pub fn add(&self, execution_id: &str, task_id: &str) -> EndedRun {
        self.lock().insert(execution_id.to_owned(), task_id.to_owned());
        EndedRun { runs: self.clone(), execution_id: execution_id.to_owned() }
    }

    /// The ids of the ended runs of these tasks.
    pub fn of_tasks(&self, task_ids: &[&str]) -> Vec<String> {
        let runs = self.lock();
        let ended = runs.iter().filter(|(_, task_id)| task_ids.contains(&task_id.as_str()));
        ended.map(|(execution_id, _)| execution_id.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EndedRun {
    fn drop(&mut self) {
        self.runs.lock().remove(&self.execution_id);
    }
}

/// Why the last write that checks the database failed; clones share it.
#[derive(Debug, Clone, Default)]
pub struct WriteStatus(Failure);

impl WriteStatus {
    /// Stores why a write failed; `None` if it succeeded. Returns whether the write before it failed.
    pub fn set_failure(&self, cause: Option<String>) -> bool {
        self.0.set(cause).is_some()
    }

    /// Why the last write failed; `None` if it succeeded.
    pub fn failure(&self) -> Option<String> {
        self.0.get()
    }
}

/// The cause of a failure that lasts; clones share it.
#[derive(Debug, Clone, Default)]
struct Failure(Arc<Mutex<Option<String>>>);

impl Failure {
    /// Returns the former cause.
    fn set(&self, cause: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), cause)
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The times of the scheduler's last pass and of its last successful one; clones share them.
#[derive(Debug, Clone, Default)]
pub struct SchedulerHeartbeat(Arc<Passes>);

#[derive(Debug, Default)]
struct Passes {
    started: AtomicI64,
    succeeded: AtomicI64,
    failure: Failure,
}

impl SchedulerHeartbeat {
    /// A pass starts: the scheduler does not hang.
    pub fn beat(&self, now: DateTime<Utc>) {
        self.0.started.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// A pass ended without an error: what was due is planned.
    pub fn succeeded(&self, now: DateTime<Utc>) {
        self.0.succeeded.store(now.timestamp_millis(), Ordering::Relaxed);
        self.0.failure.set(None);
    }

    /// A pass ended with an error.
    pub fn failed(&self, cause: &dyn std::fmt::Display) {
        self.0.failure.set(Some(cause.to_string()));
    }

    /// Why the last pass failed; `None` if it succeeded.
    pub fn failure(&self) -> Option<String> {
        self.0.failure.get()
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
