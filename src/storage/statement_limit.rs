//! The time limit of each statement of a person: SQLite asks a progress handler, PostgreSQL has a setting of the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::SqliteConnection;
use sqlx::postgres::PgConnectOptions;

/// How long a statement of a person may take.
const LIMIT: Duration = Duration::from_secs(10);
/// SQLite instructions between two checks: some tens of microseconds.
const CHECK_STEPS: i32 = 4_000;

/// The limit of the statements of one lent SQLite connection.
#[derive(Debug)]
pub struct StatementLimit {
    since: Instant,
    /// When the current statement must have ended, in milliseconds after `since`.
    until: AtomicU64,
}

impl StatementLimit {
    /// Limits the statements of a connection from now on.
    pub(super) async fn on_sqlite(conn: &mut SqliteConnection) -> sqlx::Result<Arc<StatementLimit>> {
        let limit = Arc::new(StatementLimit { since: Instant::now(), until: AtomicU64::new(0) });
        limit.begin();
        let checked = limit.clone();
        conn.lock_handle()
            .await?
            .set_progress_handler(CHECK_STEPS, move || checked.millis() < checked.until.load(Ordering::Relaxed));
        Ok(limit)
    }

    /// A statement begins.
    pub(super) fn begin(&self) {
        self.until.store(self.millis() + LIMIT.as_millis() as u64, Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }
}

/// Limits the statements of the connections with these options.
pub(super) fn on_postgres(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("statement_timeout", LIMIT.as_millis().to_string())])
}
