//! The slots of a queue that are taken, and how many there may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The number of taken slots of a queue and how many may be taken: 0 while it is paused. A lower limit ends no run.
#[derive(Debug)]
pub(super) struct TakenSlots {
    count: AtomicUsize,
    limit: AtomicUsize,
    freed: Notify,
}

/// A taken slot of a queue, free again on drop.
#[derive(Debug)]
pub(super) struct TakenSlot(Arc<TakenSlots>);

impl TakenSlots {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { count: AtomicUsize::new(0), limit: AtomicUsize::new(limit), freed: Notify::new() })
    }

    /// Sets the limit. Returns whether it is higher than before.
    pub(super) fn set_limit(&self, limit: usize) -> bool {
        self.limit.swap(limit, Ordering::AcqRel) < limit
    }

    /// Whether no run may begin.
    pub(super) fn is_closed(&self) -> bool {
        self.limit.load(Ordering::Acquire) == 0
    }

    /// Returns when a slot may be free.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Takes a slot; `None` if none is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<TakenSlot> {
        let limit = self.limit.load(Ordering::Acquire);
        let one_more = |count: usize| (count < limit).then_some(count + 1);
        let before = self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        if before + 1 < limit {
            self.freed.notify_one(); // several may have become free before the next one looked
        }
        Some(TakenSlot(self.clone()))
    }
}

impl Drop for TakenSlot {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}
