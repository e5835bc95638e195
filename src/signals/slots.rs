//! The slots of this process's workers: how many executions of each queue, and of all queues, may run at the same time. An
//! execution that this node holds has a slot from before it begins.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::job::Job;
use crate::domain::node::NodeIdentity;

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
    slots: Arc<Semaphore>,
    ready: Mutex<VecDeque<HeldJob>>,
    waker: AtomicWaker,
    /// Counts the times that executions were queued.
    queued: AtomicU64,
    /// The count up to which the database was found to have none left.
    drained: AtomicU64,
}

/// A slot of a queue and one of the process.
#[derive(Debug)]
pub struct Slot {
    _queue: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// The mark of an execution as held by this process; removed on drop.
#[derive(Debug)]
pub struct Held {
    execution_id: String,
    held: Arc<Mutex<HashSet<String>>>,
}

/// A job whose execution this node holds.
#[derive(Debug)]
pub struct HeldJob {
    pub job: Job,
    pub slot: Slot,
    pub held: Held,
}

/// A slot for an execution of a transaction that is not yet committed.
#[derive(Debug)]
pub struct Reservation {
    /// `None` once it is handed over or free.
    parts: Option<(Slot, Held)>,
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
}

impl WorkerSlots {
    /// Slots for `limit` runs at the same time, and for each queue its own limit.
    #[must_use]
    pub fn new(node: NodeIdentity, limit: usize, queues: impl IntoIterator<Item = (String, usize)>) -> Self {
        let semaphore = |limit: usize| Arc::new(Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS)));
        let queue = |(name, limit): (String, usize)| {
            let slots = QueueSlots {
                name: name.clone(),
                slots: semaphore(limit),
                ready: Mutex::default(),
                waker: AtomicWaker::new(),
                queued: AtomicU64::new(1), // what waits at the start
                drained: AtomicU64::new(0),
            };
            (name, Arc::new(slots))
        };
        Self {
            node: Arc::new(node),
            all: semaphore(limit),
            queues: queues.into_iter().map(queue).collect(),
            held: Arc::default(),
            unknown: AtomicBool::new(false),
            first: AtomicUsize::new(0),
        }
    }

    pub fn queues(&self) -> impl Iterator<Item = &Arc<QueueSlots>> {
        self.queues.values()
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
        let slot = self.slot(queue)?;
        let parts = Some((slot, self.hold(execution_id)));
        Some(Reservation { parts, queue: queue.clone(), slots: self.clone() })
    }

    /// Marks an execution as held by this process.
    #[must_use]
    pub fn hold(&self, execution_id: &str) -> Held {
        lock(&self.held).insert(execution_id.to_owned());
        Held { execution_id: execution_id.to_owned(), held: self.held.clone() }
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
            Wanted { queue: queue.clone(), slots: std::iter::from_fn(|| self.slot(queue)).collect(), seen }
        });
        wanted.filter(|wanted| !wanted.slots.is_empty()).collect()
    }

    fn slot(&self, queue: &QueueSlots) -> Option<Slot> {
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(Slot { _queue: queue.slots.clone().try_acquire_owned().ok()?, _all: all })
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
            let held = slots.hold(&job.execution_id);
            self.queue.push(HeldJob { job, slot, held });
        }
    }
}

impl Reservation {
    pub(super) fn execution_id(&self) -> &str {
        self.parts.as_ref().map_or("", |(_, held)| &held.execution_id)
    }

    pub(super) fn hand_over(mut self, job: Job) {
        if let Some((slot, held)) = self.parts.take() {
            self.queue.push(HeldJob { job, slot, held });
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

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.execution_id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::domain::policy::Policy;

    fn slots() -> Arc<WorkerSlots> {
        let node = NodeIdentity { id: "n".into(), name: "host-1".into() };
        let slots = WorkerSlots::new(node, 3, [("a".to_owned(), 2), ("b".to_owned(), 2)]);
        drain(&slots);
        Arc::new(slots)
    }

    /// Finds nothing waiting in the database.
    fn drain(slots: &WorkerSlots) {
        slots.wanted().into_iter().for_each(|wanted| wanted.hand_over(slots, Vec::new()));
        slots.wanted().into_iter().for_each(|wanted| wanted.hand_over(slots, Vec::new())); // the queue without a free slot before
    }

    fn job(id: &str) -> Job {
        let (timeout_ms, retry) = Job::limits(&Policy::default());
        Job {
            execution_id: id.into(),
            attempt: 1,
            task_id: "t".into(),
            task_type: "echo".into(),
            params: serde_json::Value::Null,
            started_by: None,
            chained: false,
            scheduled_at: chrono::DateTime::UNIX_EPOCH,
            timeout_ms,
            retry,
            late_after_ms: None,
        }
    }

    fn ready(slots: &WorkerSlots, queue: &str) -> Option<HeldJob> {
        match slots.queues[queue].poll_ready(&Context::from_waker(Waker::noop())) {
            Poll::Ready(job) => Some(job),
            Poll::Pending => None,
        }
    }

    #[test]
    fn reserve_ends_at_the_limits_of_the_queue_and_of_the_process() {
        let slots = slots();
        let held: Vec<_> = [("1", "a"), ("2", "a"), ("3", "a"), ("4", "b"), ("5", "b"), ("6", "c")]
            .into_iter()
            .map(|(id, queue)| slots.reserve(id, queue))
            .collect();
        assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true, false, false]);
        let mut ids = slots.held();
        ids.sort_unstable();
        assert_eq!(ids, ["1", "2", "4"]);
        held.into_iter().flatten().for_each(Reservation::free);
        assert!(slots.held().is_empty() && !slots.take_unknown());
        assert!(slots.reserve("7", "a").is_some(), "free again");
    }

    #[test]
    fn reserve_lets_waiting_executions_go_first() {
        let slots = slots();
        slots.add_backlog("a");
        assert!(slots.reserve("1", "a").is_none() && slots.reserve("2", "b").is_some());
        let mut wanted = slots.wanted();
        assert_eq!(wanted.iter().map(|wanted| (wanted.queue.name.as_str(), wanted.slots.len())).collect::<Vec<_>>(), [("a", 2)]);
        slots.add_backlog("a");
        wanted.remove(0).hand_over(&slots, vec![job("3")]);
        assert!(slots.queues["a"].has_backlog(), "queued while the database was read");
        drain(&slots);
        assert!(!slots.queues["a"].has_backlog());
        assert_eq!(ready(&slots, "a").map(|held| held.job.execution_id).as_deref(), Some("3"));
    }

    #[test]
    fn dropped_reservation_leaves_the_outcome_unknown() {
        let slots = slots();
        drop(slots.reserve("1", "a"));
        assert!(slots.held().is_empty() && slots.take_unknown() && !slots.take_unknown());
    }

    #[test]
    fn handed_over_job_is_held_until_it_is_dropped() {
        let slots = slots();
        slots.reserve("1", "a").unwrap().hand_over(job("1"));
        let held = ready(&slots, "a").unwrap();
        assert_eq!(slots.held(), ["1"]);
        drop(held);
        assert!(slots.held().is_empty() && ready(&slots, "a").is_none());
        slots.close();
        assert!(slots.reserve("2", "a").is_none(), "closed");
    }
}
