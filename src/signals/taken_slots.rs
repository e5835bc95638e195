//! The slots of a queue that are taken, and how many there may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of taken slots of a queue and how many may be taken: 0 while it is paused. A lower limit ends no run.
#[derive(Debug)]
pub(super) struct TakenSlots {
    count: AtomicUsize,
    limit: AtomicUsize,
}

/// A taken slot of a queue, free again on drop.
#[derive(Debug)]
pub(super) struct TakenSlot(Arc<TakenSlots>);

impl TakenSlots {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { count: AtomicUsize::new(0), limit: AtomicUsize::new(limit) })
    }

    /// Sets the limit. Returns whether it is higher than before.
    pub(super) fn set_limit(&self, limit: usize) -> bool {
        self.limit.swap(limit, Ordering::AcqRel) < limit
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Acquire)
    }

    pub(super) fn free(&self) -> usize {
        self.limit().saturating_sub(self.count.load(Ordering::Acquire))
    }

    /// Takes a slot; `None` if none is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<TakenSlot> {
        let limit = self.limit();
        let one_more = |count: usize| (count < limit).then_some(count + 1);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(TakenSlot(self.clone()))
    }
}

impl Drop for TakenSlot {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
    }
}
