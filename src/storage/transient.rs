//! Which failures are about the database's state and not about what was asked of it.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use super::Error;

impl Error {
    /// Whether the same transaction may succeed later: the database is busy, full, starting or unreachable.
    pub fn may_pass(&self) -> bool {
        match self {
            Error::Database { source: sqlx::Error::Database(refusal), .. } => is_passing(refusal.as_ref()),
            Error::Database { source, .. } => !matches!(
                source,
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) | sqlx::Error::RowNotFound
            ),
            _ => false,
        }
    }
}

fn is_passing(refusal: &dyn DatabaseError) -> bool {
    let code = refusal.code().unwrap_or_default();
    match refusal.try_downcast_ref::<PgDatabaseError>() {
        // Connection, transaction state, rollback (deadlock, serialization), resources, lock, operator, system.
        Some(_) => ["08", "25", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class)),
        // SQLite's primary code is the low byte: busy, locked, no memory, read-only, interrupted, I/O; full, cannot open, protocol.
        None => matches!(code.parse().map(|code: i32| code & 0xff), Ok(5..=10 | 13..=15)),
    }
}
