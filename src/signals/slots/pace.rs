//! The pace of a queue: how long its runs take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The share of one run in the mean is one of so many parts.
const INERTIA: u64 = 16;

/// The moving mean of the durations of runs, in nanoseconds; 0 before the first.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Adds the duration of a run.
    pub fn add(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mean = |mean: u64| match mean {
            0 => took,
            _ => mean - mean / INERTIA + took / INERTIA,
        };
        // One of two runs that end at the same time may be left out.
        self.0.store(mean(self.0.load(Ordering::Relaxed)).max(1), Ordering::Relaxed);
    }

    /// Runs take at least so long now.
    pub fn raise(&self, to: Duration) {
        self.0.fetch_max(u64::try_from(to.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many runs one slot is likely to begin within `span`: 0 before the first run has ended.
    pub fn runs_within(&self, span: Duration) -> usize {
        let mean = self.0.load(Ordering::Relaxed);
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        span.checked_div(mean).and_then(|runs| usize::try_from(runs).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_millis(50);

    #[test]
    fn quick_runs_are_expected_many_times_and_slow_ones_not_at_all() {
        let pace = Pace::default();
        assert_eq!(pace.runs_within(SPAN), 0, "nothing is known");
        pace.add(Duration::from_millis(1));
        assert_eq!(pace.runs_within(SPAN), 50);
        pace.add(Duration::from_secs(60));
        assert_eq!(pace.runs_within(SPAN), 0);
        (0..200).for_each(|_| pace.add(Duration::from_millis(1)));
        assert!((40..=50).contains(&pace.runs_within(SPAN)), "{pace:?}");
        pace.raise(Duration::from_millis(100));
        assert_eq!(pace.runs_within(SPAN), 0);
    }
}
