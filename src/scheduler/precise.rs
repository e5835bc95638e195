//! Sleeps to within a fraction of a millisecond. The runtime's timers round up to the next millisecond and then some, which
//! for a scheduler is half of all its lateness.

use std::time::{Duration, Instant};

/// The last part of a sleep, left to the system's own timer.
const LAST_PART: Duration = Duration::from_millis(3);

/// Sleeps for `duration`. Dropped early, a thread of the pool sleeps on for at most [`LAST_PART`].
pub async fn sleep(duration: Duration) {
    let until = Instant::now() + duration;
    if let Some(most) = duration.checked_sub(LAST_PART) {
        tokio::time::sleep(most).await;
    }
    let left = until.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        let _ended_early_at_a_stop = tokio::task::spawn_blocking(move || std::thread::sleep(left)).await;
    }
}
