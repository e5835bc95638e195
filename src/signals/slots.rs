//! The slots of this process's workers: how many executions of each queue, and of all queues, may run at the same time. An
//! execution that this node holds has a slot from before it begins.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::taken_slots::{TakenSlot, TakenSlots};
use crate::domain::job::Job;
use crate::domain::node::NodeIdentity;
use crate::domain::queue::{QueueSetting, QueueSettings};

/// How long a job that is due waits for a slot before it waits in the database again, by its priority and for all nodes.
const SLOT_WAIT: Duration = Duration::from_millis(100);
/// How long a shutdown waits for the jobs that were handed over before their time.
const AHEAD_WAIT: Duration = Duration::from_millis(500);

/// The slots of one process.
#[derive(Debug)]
pub struct WorkerSlots {
    pub node: Arc<NodeIdentity>,
    all: Arc<Semaphore>,
    queues: BTreeMap<String, Arc<QueueSlots>>,
    /// The executions that this process runs or is about to run.
    held: Arc<Mutex<HashSet<String>>>,
    /// Whether a transaction that held executions may have been committed without being handed over.
    unknown: AtomicBool,
    /// Where the next round over the queues begins.
    first: AtomicUsize,
}

/// The slots of one queue, and the jobs that are ready to begin.
#[derive(Debug)]
pub struct QueueSlots {
    pub name: String,
    /// The limit of the settings file.
    usual_limit: usize,
    taken: Arc<TakenSlots>,
    /// The places of jobs that are handed over before their time.
    ahead: Arc<Semaphore>,
    ready: Mutex<VecDeque<HeldJob>>,
    waker: AtomicWaker,
    /// Counts the times that executions were queued.
    queued: AtomicU64,
    /// The count up to which the database was found to have none left.
    drained: AtomicU64,
}

/// What a held job has until it begins.
#[derive(Debug)]
pub enum Place {
    Slot(Slot),
    /// It was handed over before its time, and gets a slot when it is due.
    Ahead(OwnedSemaphorePermit, Arc<QueueSlots>),
}

/// A slot of a queue and one of the process.
#[derive(Debug)]
pub struct Slot {
    /// Free before the one of the queue, whose end wakes those that wait for both.
    _all: OwnedSemaphorePermit,
    _queue: TakenSlot,
}

/// The mark of an execution as held by this process; removed on drop.
#[derive(Debug)]
pub struct Held {
    execution_id: String,
    /// When the transaction that held it began, or earlier.
    since: Instant,
    held: Arc<Mutex<HashSet<String>>>,
}

/// A job whose execution this node holds.
#[derive(Debug)]
pub struct HeldJob {
    pub job: Job,
    pub place: Place,
    pub held: Held,
}

/// A slot for an execution of a transaction that is not yet committed.
#[derive(Debug)]
pub struct Reservation {
    /// `None` once it is handed over or free.
    parts: Option<(Place, Held)>,
    queue: Arc<QueueSlots>,
    slots: Arc<WorkerSlots>,
}

/// The free slots of a queue that has executions waiting in the database.
#[derive(Debug)]
pub struct Wanted {
    pub queue: Arc<QueueSlots>,
    pub slots: Vec<Slot>,
    /// What [`QueueSlots::queued`] was before the database is read.
    seen: u64,
    since: Instant,
}

impl WorkerSlots {
    /// Slots for `limit` runs at the same time, and for each queue its own limit.
    #[must_use]
    pub fn new(node: NodeIdentity, limit: usize, queues: impl IntoIterator<Item = (String, usize)>) -> Self {
        let queue = |(name, limit): (String, usize)| {
            let usual_limit = limit.max(1);
            let slots = QueueSlots {
                name: name.clone(),
                usual_limit,
                taken: TakenSlots::new(usual_limit),
                ahead: Arc::new(Semaphore::new(most_ahead(usual_limit))),
                ready: Mutex::default(),
                waker: AtomicWaker::new(),
                queued: AtomicU64::new(1), // what waits at the start
                drained: AtomicU64::new(0),
            };
            (name, Arc::new(slots))
        };
        Self {
            node: Arc::new(node),
            all: Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS))),
            queues: queues.into_iter().map(queue).collect(),
            held: Arc::default(),
            unknown: AtomicBool::new(false),
            first: AtomicUsize::new(0),
        }
    }

    pub fn queues(&self) -> impl Iterator<Item = &Arc<QueueSlots>> {
        self.queues.values()
    }

    /// Applies what administrators set for the queues. Returns whether a queue may run more than before.
    pub fn apply(&self, settings: &QueueSettings) -> bool {
        let mut grown = false;
        for queue in self.queues() {
            grown |= queue.set_limit(settings.get(&queue.name));
        }
        grown
    }

    /// No execution begins any more.
    pub fn close(&self) {
        self.all.close();
    }

    /// Executions wait in the database.
    pub(super) fn add_backlog(&self, queue: &str) {
        if let Some(queue) = self.queues.get(queue) {
            queue.queued.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Reserves a slot for a new execution; `None` if none is free or others wait.
    pub(super) fn reserve(self: &Arc<Self>, execution_id: &str, queue: &str) -> Option<Reservation> {
        let queue = self.queues.get(queue).filter(|queue| !queue.has_backlog())?;
        let place = Place::Slot(self.free_slot(queue)?);
        Some(self.reserved(execution_id, place, queue))
    }

    /// Reserves a place for a new execution that begins later; `None` if there are too many of them, or others wait.
    pub(super) fn reserve_ahead(self: &Arc<Self>, execution_id: &str, queue: &str) -> Option<Reservation> {
        let queue = self.queues.get(queue).filter(|queue| !queue.has_backlog() && !queue.taken.is_closed())?;
        let place = Place::Ahead(queue.ahead.clone().try_acquire_owned().ok()?, queue.clone());
        Some(self.reserved(execution_id, place, queue))
    }

    fn reserved(self: &Arc<Self>, execution_id: &str, place: Place, queue: &Arc<QueueSlots>) -> Reservation {
        Reservation { parts: Some((place, self.hold(execution_id, Instant::now()))), queue: queue.clone(), slots: self.clone() }
    }

    /// The slot of a job that is due; `None` if none becomes free within a short time, or nothing may begin any more.
    pub async fn slot(&self, place: Place) -> Option<Slot> {
        let (_ahead, queue) = match place {
            Place::Slot(slot) => return Some(slot),
            Place::Ahead(permit, queue) => (permit, queue),
        };
        let slot = async {
            loop {
                match self.free_slot(&queue) {
                    Some(slot) => return slot,
                    None => queue.taken.freed().await,
                }
            }
        };
        tokio::time::timeout(SLOT_WAIT, slot).await.ok()
    }

    /// The jobs that were handed over before their time and have not begun.
    #[must_use]
    pub fn count_ahead(&self) -> usize {
        self.queues.values().map(|queue| most_ahead(queue.usual_limit).saturating_sub(queue.ahead.available_permits())).sum()
    }

    /// Returns when the jobs that were handed over before their time have begun, or waited for a slot in vain.
    pub async fn ahead_begun(&self) {
        for queue in self.queues.values() {
            let all = u32::try_from(most_ahead(queue.usual_limit)).unwrap_or(u32::MAX);
            let _ = tokio::time::timeout(AHEAD_WAIT, queue.ahead.acquire_many(all)).await; // those that are left wait again
        }
    }

    /// Marks an execution as held by this process.
    fn hold(&self, execution_id: &str, since: Instant) -> Held {
        lock(&self.held).insert(execution_id.to_owned());
        Held { execution_id: execution_id.to_owned(), since, held: self.held.clone() }
    }

    /// The executions that this process runs or is about to run.
    pub fn held(&self) -> Vec<String> {
        lock(&self.held).iter().cloned().collect()
    }

    /// Reserves the free slots of the queues that have executions waiting in the database, each time beginning with another queue.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        let first = self.first.fetch_add(1, Ordering::Relaxed);
        let queues: Vec<_> = self.queues().filter(|queue| queue.has_backlog()).collect();
        let order = (0..queues.len()).map(|place| queues[(first + place) % queues.len()]);
        let wanted = order.map(|queue| {
            let seen = queue.queued.load(Ordering::Acquire);
            Wanted {
                queue: queue.clone(),
                slots: std::iter::from_fn(|| self.free_slot(queue)).collect(),
                seen,
                since: Instant::now(),
            }
        });
        wanted.filter(|wanted| !wanted.slots.is_empty()).collect()
    }

    fn free_slot(&self, queue: &QueueSlots) -> Option<Slot> {
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(Slot { _queue: queue.taken.take()?, _all: all })
    }

    /// The outcome of a transaction that held executions is unknown.
    pub fn set_unknown(&self) {
        self.unknown.store(true, Ordering::Release);
    }

    /// Whether executions may be held on record that this process does not know.
    pub fn has_unknown(&self) -> bool {
        self.unknown.load(Ordering::Acquire)
    }

    /// As [`WorkerSlots::has_unknown`], and forgets it.
    pub fn take_unknown(&self) -> bool {
        self.unknown.swap(false, Ordering::AcqRel)
    }
}

impl QueueSlots {
    /// Sets the limit. Returns whether it is higher than before.
    fn set_limit(&self, setting: Option<&QueueSetting>) -> bool {
        let limit = match setting {
            Some(setting) if setting.paused => 0,
            Some(QueueSetting { limit: Some(limit), .. }) => usize::try_from(*limit).unwrap_or(self.usual_limit).max(1),
            _ => self.usual_limit,
        };
        self.taken.set_limit(limit)
    }

    /// Whether executions wait in the database, as far as this process knows.
    pub fn has_backlog(&self) -> bool {
        self.queued.load(Ordering::Acquire) != self.drained.load(Ordering::Acquire)
    }

    /// Executions wait in the database, queued by another process.
    pub fn add_backlog(&self) {
        self.queued.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes the next job that is ready to begin.
    pub fn poll_ready(&self, cx: &Context<'_>) -> Poll<HeldJob> {
        self.waker.register(cx.waker());
        lock(&self.ready).pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn push(&self, job: HeldJob) {
        lock(&self.ready).push_back(job);
        self.waker.wake();
    }

    /// Drops the jobs that have not begun.
    pub fn clear(&self) {
        lock(&self.ready).clear();
    }
}

impl Wanted {
    /// Hands over the jobs that the database had, at most one for each slot.
    pub fn hand_over(self, slots: &WorkerSlots, jobs: Vec<Job>) {
        if jobs.len() < self.slots.len() {
            self.queue.drained.store(self.seen, Ordering::Release);
        }
        for (job, slot) in jobs.into_iter().zip(self.slots) {
            let held = slots.hold(&job.execution_id, self.since);
            self.queue.push(HeldJob { job, place: Place::Slot(slot), held });
        }
    }
}

impl Reservation {
    pub(super) fn execution_id(&self) -> &str {
        self.parts.as_ref().map_or("", |(_, held)| &held.execution_id)
    }

    pub(super) fn hand_over(mut self, job: Job) {
        if let Some((place, held)) = self.parts.take() {
            self.queue.push(HeldJob { job, place, held });
        }
    }

    /// The execution was not inserted.
    pub(super) fn free(mut self) {
        self.parts = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.parts.take().is_some() {
            self.slots.set_unknown();
        }
    }
}

impl Held {
    /// How long this process holds the execution, on record or soon.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.execution_id);
    }
}

/// How many jobs of a queue may be handed over before their time: quick runs use a slot many times within [`SLOT_WAIT`].
fn most_ahead(limit: usize) -> usize {
    limit.saturating_mul(16).clamp(1, 1_024)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
