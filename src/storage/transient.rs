//! Classification of transient database errors.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use super::Error;

impl Error {
    /// Returns whether a retry of the transaction may succeed: the database is busy, full, starting or unreachable.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Database { source: sqlx::Error::Database(refusal), .. } => is_transient_refusal(refusal.as_ref()),
            Error::Database { source, .. } => !matches!(
                source,
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) | sqlx::Error::RowNotFound
            ),
            _ => false,
        }
    }

    /// Returns whether the database interrupted the statement, because it took too long.
    pub fn is_interrupted(&self) -> bool {
        let Error::Database { source: sqlx::Error::Database(refusal), .. } = self else { return false };
        let code = refusal.code().unwrap_or_default();
        if refusal.try_downcast_ref::<PgDatabaseError>().is_some() { code == PG_CANCELED } else { code == SQLITE_INTERRUPT }
    }
}

/// SQLSTATE `query_canceled`.
const PG_CANCELED: &str = "57014";
const SQLITE_INTERRUPT: &str = "9";

fn is_transient_refusal(refusal: &dyn DatabaseError) -> bool {
    let code = refusal.code().unwrap_or_default();
    match refusal.try_downcast_ref::<PgDatabaseError>() {
        // SQLSTATE classes: connection, transaction state, rollback (deadlock, serialization), resources, lock, operator,
        // system.
        Some(_) => ["08", "25", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class)),
        // The low byte is SQLite's primary code: busy, locked, out of memory, read-only, interrupted, I/O; full, cannot open,
        // protocol.
        None => matches!(code.parse().map(|code: i32| code & 0xff), Ok(5..=10 | 13..=15)),
    }
}
