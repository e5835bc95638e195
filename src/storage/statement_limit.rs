//! The time limit of each statement of a person: SQLite asks a progress handler, PostgreSQL has a setting of the connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

/// How long a statement of a person may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The limit of the statements of one SQLite connection.
#[derive(Debug)]
pub struct StatementLimit {
    since: Instant,
    /// When the current statement must have ended, in milliseconds after `since`.
    until: AtomicU64,
}

impl Default for StatementLimit {
    fn default() -> Self {
        Self { since: Instant::now(), until: AtomicU64::new(0) }
    }
}

impl StatementLimit {
    /// SQLite instructions between two checks: some tens of microseconds.
    pub(super) const CHECK_STEPS: i32 = 4_000;

    /// A statement begins.
    pub(super) fn begin(&self) {
        self.until.store(self.millis() + LIMIT.as_millis() as u64, Ordering::Relaxed);
    }

    /// Whether the current statement has taken too long.
    pub(super) fn is_over(&self) -> bool {
        self.millis() >= self.until.load(Ordering::Relaxed)
    }

    fn millis(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }
}

/// Limits the statements of the connections with these options.
pub(super) fn on_postgres(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("statement_timeout", LIMIT.as_millis().to_string())])
}
