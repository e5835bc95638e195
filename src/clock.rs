//! The clock. This is the only module that reads the system time; everything else takes `now` or a [`Clock`], so that tests can
//! set it.

pub mod precise;
mod tick;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Duration, Utc};

pub use tick::tick;

/// A source of the current time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time in UTC, truncated to milliseconds, the precision of stored times.
    fn now(&self) -> DateTime<Utc>;

    /// Reads the wall clock and the monotonic clock together.
    fn reading(&self) -> ClockReading;
}

/// The wall clock and the monotonic clock at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    pub wall: DateTime<Utc>,
    /// Since an arbitrary start in this process. It is never set; it may stand still while the machine is suspended.
    pub monotonic: Duration,
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        to_millis(Utc::now())
    }

    fn reading(&self) -> ClockReading {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let elapsed = || START.elapsed();
        // A process that is stopped between the two would see a step of the clock.
        let mut before = elapsed();
        loop {
            let (wall, after) = (self.now(), elapsed());
            if after.saturating_sub(before) < MAX_READING {
                return ClockReading { wall, monotonic: Duration::from_std(after).unwrap_or(Duration::MAX) };
            }
            before = after;
        }
    }
}

/// The longest time between the readings of the two clocks.
const MAX_READING: std::time::Duration = std::time::Duration::from_millis(20);

/// A clock for tests that changes only when set, advanced or stepped.
#[derive(Debug)]
pub struct ManualClock(Mutex<ClockReading>);

impl ManualClock {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(ClockReading { wall: to_millis(now), monotonic: Duration::zero() }))
    }

    /// Lets time pass until `now`. A time in the past sets the wall clock back.
    pub fn set(&self, now: DateTime<Utc>) {
        self.advance(to_millis(now) - self.now());
    }

    /// Lets time pass. A negative time sets the wall clock back.
    pub fn advance(&self, by: Duration) {
        let mut reading = self.lock();
        reading.wall += by;
        reading.monotonic += by.max(Duration::zero());
    }

    /// Sets the wall clock ahead or back, without time passing.
    pub fn step(&self, by: Duration) {
        self.lock().wall += by;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ClockReading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().wall
    }

    fn reading(&self) -> ClockReading {
        *self.lock()
    }
}

fn to_millis(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}
