//! A sleep that is accurate to a fraction of a millisecond. Tokio's timers round up to the next millisecond and more, which
//! would be half of the scheduler's total delay.

use std::time::{Duration, Instant};

/// The last part of a sleep, which uses the operating system's timer.
const SYSTEM_TIMER_PART: Duration = Duration::from_millis(3);

/// Sleeps for `duration`. If the future is dropped early, a blocking thread sleeps on for at most [`SYSTEM_TIMER_PART`].
pub async fn sleep(duration: Duration) {
    let until = Instant::now() + duration;
    if let Some(most) = duration.checked_sub(SYSTEM_TIMER_PART) {
        tokio::time::sleep(most).await;
    }
    let left = until.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(left)).await; // fails only while the runtime stops
    }
}
