//! The slots of this process's workers: how many executions of each queue, and of all queues, may run at the same time. What this node
//! holds and has not begun is pending: as much as there are free slots, and what is likely to begin within a few milliseconds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::pace::Pace;
use self::queue::{Place, WakeStarved};
use super::taken_slots::TakenSlot;
use crate::domain::job::Job;
use crate::domain::node::NodeIdentity;
use crate::domain::queue::QueueSettings;

mod pace;
mod pending;
mod queue;

pub use pending::NextLook;
pub use queue::{MOST_PENDING, QueueSlots};

/// How long an execution is left out that the database refused to hand out.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// The slots of one process.
#[derive(Debug)]
pub struct WorkerSlots {
    pub node: Arc<NodeIdentity>,
    all: Arc<Semaphore>,
    queues: BTreeMap<String, Arc<QueueSlots>>,
    /// The executions that this process runs or is about to run.
    held: Arc<Mutex<HashSet<String>>>,
    /// Whether executions may be held on record that this process does not know.
    unknown: Arc<AtomicBool>,
    /// Where the next round over the queues begins.
    first: AtomicUsize,
    /// The executions that the database refused to hand out, and when.
    refused: Mutex<HashMap<String, Instant>>,
}

/// A slot of a queue and one of the process, free again on drop. The fields are dropped in this order.
#[derive(Debug)]
pub struct Slot {
    _all: OwnedSemaphorePermit,
    _queue: TakenSlot,
    _taken: Taken,
    _wake: WakeStarved,
}

/// When a slot was taken; the time until its drop counts into the pace of the queue.
#[derive(Debug)]
struct Taken {
    at: Instant,
    pace: Arc<Pace>,
}

/// The mark of an execution as held by this process; removed on drop.
#[derive(Debug)]
pub struct Held {
    execution_id: String,
    /// When the transaction that held it began, or earlier.
    since: Instant,
    held: Arc<Mutex<HashSet<String>>>,
}

/// A job whose execution this node holds, and which begins now.
#[derive(Debug)]
pub struct HeldJob {
    pub job: Job,
    pub slot: Slot,
    pub held: Held,
}

/// A job whose execution this node holds, and which has not begun.
#[derive(Debug)]
struct PendingJob {
    job: Job,
    held: Held,
    _place: Place,
}

/// A place for an execution of a transaction that is not yet committed.
#[derive(Debug)]
pub struct Reservation {
    /// `None` once it is handed over or free.
    parts: Option<(Place, Held)>,
    queue: Arc<QueueSlots>,
    unknown: Arc<AtomicBool>,
}

/// The free places of a queue that has executions waiting in the database.
#[derive(Debug)]
pub struct Wanted {
    pub queue: Arc<QueueSlots>,
    places: Vec<Place>,
    /// What the queue's count of the queued was before the database is read.
    seen: u64,
    since: Instant,
}

impl WorkerSlots {
    /// Slots for `limit` runs at the same time, and for each queue its own limit.
    #[must_use]
    pub fn new(node: NodeIdentity, limit: usize, queues: impl IntoIterator<Item = (String, usize)>) -> Self {
        let all = Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
        let (unknown, starved) = (Arc::default(), Arc::default());
        let queue = |(name, limit): (String, usize)| {
            let slots = QueueSlots::new(name.clone(), limit, (&all, &unknown, &starved));
            (name, Arc::new(slots))
        };
        Self {
            node: Arc::new(node),
            queues: queues.into_iter().map(queue).collect(),
            all,
            held: Arc::default(),
            unknown,
            first: AtomicUsize::new(0),
            refused: Mutex::default(),
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
            queue.add_backlog();
        }
    }

    /// Reserves a place for a new execution that begins at once; `None` if it would wait, or others wait.
    pub(super) fn reserve(&self, execution_id: &str, queue: &str) -> Option<Reservation> {
        let queue = self.queues.get(queue).filter(|queue| !queue.has_backlog())?;
        Some(self.reserved(execution_id, queue.place()?, queue))
    }

    /// Reserves a place for a new execution that begins later; `None` if there are too many of them, or others wait.
    pub(super) fn reserve_ahead(&self, execution_id: &str, queue: &str) -> Option<Reservation> {
        let queue = self.queues.get(queue).filter(|queue| !queue.has_backlog())?;
        Some(self.reserved(execution_id, queue.place_ahead()?, queue))
    }

    fn reserved(&self, execution_id: &str, place: Place, queue: &Arc<QueueSlots>) -> Reservation {
        let parts = Some((place, self.hold(execution_id, Instant::now())));
        Reservation { parts, queue: queue.clone(), unknown: self.unknown.clone() }
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

    /// Reserves the free places of the queues that have executions waiting in the database, each time beginning with another queue.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        let first = self.first.fetch_add(1, Ordering::Relaxed);
        let queues: Vec<_> = self.queues().filter(|queue| queue.has_backlog()).collect();
        let order = (0..queues.len()).map(|place| queues[(first + place) % queues.len()]);
        let wanted = order.map(|queue| {
            let (seen, since) = (queue.count_queued(), Instant::now());
            Wanted { queue: queue.clone(), places: std::iter::from_fn(|| queue.place()).collect(), seen, since }
        });
        wanted.filter(|wanted| !wanted.places.is_empty()).collect()
    }

    /// The database refuses to hand out this execution: it is left out for a minute, so that the others of its queue begin.
    pub fn refuse(&self, execution_id: String) {
        lock(&self.refused).insert(execution_id, Instant::now());
    }

    /// The executions that are left out now.
    pub fn refused(&self) -> Vec<String> {
        let mut refused = lock(&self.refused);
        refused.retain(|_, at| at.elapsed() < REFUSED_FOR);
        refused.keys().cloned().collect()
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

impl Wanted {
    /// How many executions can be handed out, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Hands over the jobs that the database had, at most one for each place.
    pub fn hand_over(self, slots: &WorkerSlots, jobs: Vec<Job>) {
        if jobs.len() < self.places.len() {
            self.queue.set_drained(self.seen);
        }
        let pending = jobs.into_iter().zip(self.places).map(|(job, place)| {
            let held = slots.hold(&job.execution_id, self.since);
            PendingJob { job, held, _place: place }
        });
        self.queue.push(pending);
    }
}

impl Reservation {
    pub(super) fn execution_id(&self) -> &str {
        self.parts.as_ref().map_or("", |(_, held)| &held.execution_id)
    }

    pub(super) fn hand_over(mut self, job: Job) {
        if let Some((place, held)) = self.parts.take() {
            self.queue.push([PendingJob { job, held, _place: place }]);
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
            self.unknown.store(true, Ordering::Release);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.pace.add(self.at.elapsed());
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
