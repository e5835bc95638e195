//! The slots of one queue and its pending jobs.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::task::AtomicWaker;
use tokio::sync::Semaphore;

use super::pace::Pace;
use super::pending::{NextLook, PendingJobs, SLOT_WAIT};
use super::{HeldJob, PendingJob, Slot, Taken, lock};
use crate::domain::queue::QueueSetting;
use crate::signals::taken_slots::TakenSlots;

/// What is likely to begin within this time may be pending. A crash leaves it interrupted although it had not begun.
const HOLD_TIME: Duration = Duration::from_millis(50);
/// So many executions of a queue may be pending.
pub const MOST_PENDING: usize = 1_024;

/// The slots of one queue, and the jobs that this node holds and that have not begun.
#[derive(Debug)]
pub struct QueueSlots {
    pub name: String,
    /// The limit of the settings file.
    usual_limit: usize,
    /// The slots of all queues.
    all: Arc<Semaphore>,
    taken: Arc<TakenSlots>,
    pace: Arc<Pace>,
    /// How many executions are reserved or pending.
    pending_count: Arc<AtomicUsize>,
    pending: Mutex<PendingJobs>,
    waiter: Arc<SlotWaiter>,
    starved: Arc<StarvedQueues>,
    /// As that of [`super::WorkerSlots`].
    unknown: Arc<AtomicBool>,
    /// Counts the times that executions were queued.
    queued: AtomicU64,
    /// The count up to which the database was found to have none left.
    drained: AtomicU64,
}

/// A place among the pending executions of a queue, free again on drop.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

/// The queues of the process, to wake those whose jobs wait for a slot.
#[derive(Debug, Default)]
pub(super) struct StarvedQueues(Mutex<Vec<Arc<SlotWaiter>>>);

/// Wakes the queues whose jobs wait for a slot, on drop.
#[derive(Debug)]
pub(super) struct WakeStarved(Arc<StarvedQueues>);

/// The worker of a queue.
#[derive(Debug, Default)]
struct SlotWaiter {
    waker: AtomicWaker,
    /// Whether its jobs wait for a slot.
    starved: AtomicBool,
}

impl QueueSlots {
    /// `shared`: the slots of all queues, whether the outcome of a transaction is unknown, and the queues of the process.
    pub(super) fn new(
        name: String,
        limit: usize,
        (all, unknown, starved): (&Arc<Semaphore>, &Arc<AtomicBool>, &Arc<StarvedQueues>),
    ) -> Self {
        let (usual_limit, waiter) = (limit.max(1), Arc::<SlotWaiter>::default());
        lock(&starved.0).push(waiter.clone());
        Self {
            name,
            usual_limit,
            all: all.clone(),
            taken: TakenSlots::new(usual_limit),
            pace: Arc::default(),
            pending_count: Arc::default(),
            pending: Mutex::default(),
            waiter,
            starved: starved.clone(),
            unknown: unknown.clone(),
            queued: AtomicU64::new(1), // what waits at the start
            drained: AtomicU64::new(0),
        }
    }

    /// Sets the limit. Returns whether it is higher than before.
    pub(super) fn set_limit(&self, setting: Option<&QueueSetting>) -> bool {
        let limit = match setting {
            Some(setting) if setting.paused => 0,
            Some(QueueSetting { limit: Some(limit), .. }) => usize::try_from(*limit).unwrap_or(self.usual_limit).max(1),
            _ => self.usual_limit,
        };
        let grown = self.taken.set_limit(limit);
        if grown {
            self.waiter.waker.wake();
        }
        grown
    }

    /// Whether executions wait in the database, as far as this process knows.
    pub fn has_backlog(&self) -> bool {
        self.count_queued() != self.drained.load(Ordering::Acquire)
    }

    /// Executions wait in the database.
    pub fn add_backlog(&self) {
        self.queued.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn count_queued(&self) -> u64 {
        self.queued.load(Ordering::Acquire)
    }

    /// The database had none left of those that were queued up to this count.
    pub(super) fn set_drained(&self, seen: u64) {
        self.drained.store(seen, Ordering::Release);
    }

    /// A place for an execution that begins at once or within [`HOLD_TIME`]; `None`: it would wait.
    pub(super) fn place(&self) -> Option<Place> {
        if self.all.is_closed() {
            return None;
        }
        let free = self.taken.free().min(self.all.available_permits());
        let expected = self.taken.limit().saturating_mul(self.pace.runs_within(HOLD_TIME));
        self.place_below(free.saturating_add(expected).min(self.most_pending()))
    }

    /// A place for an execution that begins later; `None`: there are too many.
    pub(super) fn place_ahead(&self) -> Option<Place> {
        let open = self.taken.limit() > 0 && !self.all.is_closed();
        if open { self.place_below(self.most_pending()) } else { None }
    }

    fn place_below(&self, most: usize) -> Option<Place> {
        let one_more = |count: usize| (count < most).then_some(count + 1);
        self.pending_count.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Place(self.pending_count.clone()))
    }

    /// How many executions may be pending: quick runs use a slot many times while the others wait.
    fn most_pending(&self) -> usize {
        self.usual_limit.saturating_mul(16).clamp(1, MOST_PENDING)
    }

    pub(super) fn push(&self, jobs: impl IntoIterator<Item = PendingJob>) {
        lock(&self.pending).extend(jobs);
        self.waiter.waker.wake();
    }

    /// Takes the next job that is due, with a slot. Jobs that waited for a slot in vain wait in the database again.
    pub fn poll_due(&self, cx: &Context<'_>, now: DateTime<Utc>) -> Poll<HeldJob> {
        self.waiter.waker.register(cx.waker());
        let mut pending = lock(&self.pending);
        if !pending.advance(now) {
            return Poll::Pending;
        }
        // Before the look for a slot: one that becomes free after it wakes this queue.
        self.waiter.starved.store(true, Ordering::SeqCst);
        if let Some(slot) = self.free_slot()
            && let Some(PendingJob { job, held, _place }) = pending.pop()
        {
            return Poll::Ready(HeldJob { job, slot, held });
        }
        if pending.drop_expired() {
            self.pace.raise(SLOT_WAIT); // longer runs are expected now
            self.unknown.store(true, Ordering::Release);
        }
        Poll::Pending
    }

    /// When [`QueueSlots::poll_due`] has to be called next, if nothing wakes it before.
    pub fn next_look(&self, now: DateTime<Utc>) -> Option<NextLook> {
        lock(&self.pending).next_look(now)
    }

    /// Drops the jobs that have not begun.
    pub fn clear(&self) {
        lock(&self.pending).clear();
    }

    fn free_slot(&self) -> Option<Slot> {
        // That of the queue first: nobody else takes it, so that giving it back keeps nobody waiting.
        let queue = self.taken.take()?;
        let all = self.all.clone().try_acquire_owned().ok()?;
        let taken = Taken { at: Instant::now(), pace: self.pace.clone() };
        Some(Slot { _all: all, _queue: queue, _taken: taken, _wake: WakeStarved(self.starved.clone()) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for WakeStarved {
    fn drop(&mut self) {
        for waiter in lock(&self.0.0).iter() {
            if waiter.starved.swap(false, Ordering::SeqCst) {
                waiter.waker.wake();
            }
        }
    }
}
