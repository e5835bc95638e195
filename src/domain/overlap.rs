//! Overlap: what happens to runs of a task while `max_instances` of its runs are unfinished. The same rule holds for every
//! cause.

use super::text_enum::text_enum;

/// The most runs of a task that wait for an earlier one to end; further ones are refused.
pub const MAX_WAITING: i64 = 1000;

text_enum! {
    /// What happens to a run that is due or requested at the limit of concurrent runs.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum OnOverlap {
        /// An occurrence is skipped, a request is refused.
        #[default]
        Skip = "skip",
        /// It waits until an earlier run ends.
        Queue = "queue",
        /// The oldest run is cancelled; the new one starts when that one has ended.
        CancelRunning = "cancel_running",
        /// It runs beside the others: there is no limit.
        Allow = "allow",
    }
}

/// The unfinished runs of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActiveRuns {
    /// Running, or queued and free to start.
    pub started: i64,
    /// Waiting for an earlier run to end.
    pub waiting: i64,
}

impl ActiveRuns {
    /// All unfinished runs.
    #[must_use]
    pub const fn total(self) -> i64 {
        self.started + self.waiting
    }
}

/// What becomes of one new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Starts,
    /// It starts when an earlier run has ended.
    Waits,
    /// `active` runs are unfinished.
    Refused {
        active: i64,
    },
    /// A later run of the same batch takes its place.
    Replaced,
}

impl Slot {
    /// Whether the run starts now or later.
    #[must_use]
    pub const fn runs(self) -> bool {
        matches!(self, Slot::Starts | Slot::Waits)
    }
}

/// What becomes of new runs, oldest first, and of those before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    pub slots: Vec<Slot>,
    /// How many of the oldest unfinished runs are cancelled; they keep their slots until they have ended.
    pub cancelled: i64,
}

impl OnOverlap {
    /// Decides on `count` new runs of a task with these unfinished runs and this limit.
    #[must_use]
    pub fn admit(self, max_instances: u32, active: ActiveRuns, count: usize) -> Admission {
        let max = i64::from(max_instances);
        if self == OnOverlap::CancelRunning {
            return replace(max, active, count);
        }
        let mut active = active;
        let slots = (0..count).map(|_| {
            let slot = match self {
                _ if active.total() < max => Slot::Starts,
                Self::Allow => Slot::Starts,
                Self::Queue if active.waiting < MAX_WAITING => Slot::Waits,
                _ => Slot::Refused { active: active.total() },
            };
            active.started += i64::from(slot == Slot::Starts);
            active.waiting += i64::from(slot == Slot::Waits);
            slot
        });
        Admission { slots: slots.collect(), cancelled: 0 }
    }

    /// How many waiting runs may start now.
    #[must_use]
    pub fn releasable(self, max_instances: u32, active: ActiveRuns) -> i64 {
        let free = match self {
            Self::Allow => active.waiting,
            _ => i64::from(max_instances) - active.started,
        };
        free.clamp(0, active.waiting)
    }
}

/// The newest `max` runs remain: older ones of the batch are replaced, and unfinished ones are cancelled.
fn replace(max: i64, active: ActiveRuns, count: usize) -> Admission {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let (kept, free) = (count.min(max), (max - active.total()).max(0));
    let slot = |place: i64| match place - (count - kept) {
        place if place < 0 => Slot::Replaced,
        place if place < free => Slot::Starts,
        _ => Slot::Waits,
    };
    let cancelled = (active.total() + kept - max).clamp(0, active.total());
    Admission { slots: (0..count).map(slot).collect(), cancelled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(started: i64, waiting: i64) -> ActiveRuns {
        ActiveRuns { started, waiting }
    }

    fn one(on_overlap: OnOverlap, max: u32, active: ActiveRuns) -> (Slot, i64) {
        let admission = on_overlap.admit(max, active, 1);
        (admission.slots[0], admission.cancelled)
    }

    #[test]
    fn admit_follows_on_overlap_at_the_limit() {
        for (on_overlap, expected) in [
            (OnOverlap::Skip, (Slot::Refused { active: 2 }, 0)),
            (OnOverlap::Queue, (Slot::Waits, 0)),
            (OnOverlap::CancelRunning, (Slot::Waits, 1)),
            (OnOverlap::Allow, (Slot::Starts, 0)),
        ] {
            assert_eq!(one(on_overlap, 2, active(1, 0)), (Slot::Starts, 0), "{on_overlap:?}: below the limit");
            assert_eq!(one(on_overlap, 2, active(2, 0)), expected, "{on_overlap:?}");
            assert_eq!(one(on_overlap, 2, active(1, 1)), expected, "{on_overlap:?}: a waiting run goes first");
        }
        let full = active(1, MAX_WAITING);
        assert_eq!(one(OnOverlap::Queue, 1, full), (Slot::Refused { active: full.total() }, 0));
    }

    #[test]
    fn admit_decides_a_batch_as_a_whole() {
        let refused = |active| Slot::Refused { active };
        assert_eq!(OnOverlap::Skip.admit(2, active(0, 0), 3).slots, [Slot::Starts, Slot::Starts, refused(2)]);
        assert_eq!(OnOverlap::Queue.admit(1, active(0, 0), 3).slots, [Slot::Starts, Slot::Waits, Slot::Waits]);
        let replaced = OnOverlap::CancelRunning.admit(2, active(1, 0), 4);
        assert_eq!(replaced.slots, [Slot::Replaced, Slot::Replaced, Slot::Starts, Slot::Waits]);
        assert_eq!(replaced.cancelled, 1);
    }

    #[test]
    fn releasable_fills_the_free_slots() {
        assert_eq!(OnOverlap::Queue.releasable(3, active(1, 5)), 2);
        assert_eq!(OnOverlap::Queue.releasable(3, active(1, 1)), 1);
        assert_eq!(OnOverlap::Queue.releasable(1, active(4, 1)), 0, "the limit was lowered");
        assert_eq!(OnOverlap::Allow.releasable(1, active(4, 3)), 3);
    }
}
