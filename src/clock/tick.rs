//! Ticks of what is looked at regularly. Those of all periods fall together, so that an idle process wakes up as often as the shortest
//! period says, and not for each of them. Frequent periods are multiples of 200 ms for that.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

// A timer of Tokio wakes the process once or twice more on the way to a time that is further away than 64 ms; where there are no timers of
// the kernel, precise sleeps do so more often.
#[cfg(target_os = "linux")]
use super::precise::sleep;
#[cfg(not(target_os = "linux"))]
use tokio::time::sleep;

/// Sleeps until the next multiple of `period` since the first tick of this process: at least a part of it, at most all of it.
pub async fn tick(period: Duration) {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let now = Instant::now();
    let first = *FIRST.get_or_init(|| now);
    sleep(next(first, now, period) - now).await;
}

fn next(first: Instant, now: Instant, period: Duration) -> Instant {
    let since = now.saturating_duration_since(first);
    let passed = since.as_nanos().checked_rem(period.as_nanos()).unwrap_or_default();
    now + period.saturating_sub(Duration::from_nanos(u64::try_from(passed).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_all_periods_fall_together() {
        let first = Instant::now();
        let ms = Duration::from_millis;
        let after = |at: u64, period: u64| next(first, first + ms(at), ms(period)) - first;
        assert_eq!(after(0, 100), ms(100));
        assert_eq!(after(99, 100), ms(100));
        assert_eq!(after(100, 100), ms(200), "a tick is over when it comes");
        assert_eq!((after(950, 100), after(701, 500), after(1, 1000)), (ms(1000), ms(1000), ms(1000)));
        assert_eq!(next(first + ms(5), first, ms(100)), first + ms(100), "a clock of another runtime");
    }
}
