//! Precise sleeps on Linux: timers that the runtime waits for as for its sockets. One wakes the thread that waits, and no other.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};
use tokio::io::unix::AsyncFd;

use crate::descriptor::awaited;

/// Sleeps for `duration`. Where there is no timer (too many open files), the sleep ends some milliseconds late.
pub async fn sleep(duration: Duration) {
    let woken = match start(duration) {
        Ok(timer) => timer.readable().await.is_ok(),
        Err(_) => false,
    };
    if !woken {
        tokio::time::sleep(duration).await;
    }
}

fn start(duration: Duration) -> io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    // A timer of zero would not start.
    let after = duration.max(Duration::from_nanos(1));
    let it_value = Timespec::try_from(after).map_err(|_| io::ErrorKind::InvalidInput)?;
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })?;
    awaited(timer)
}
