//! All SQL statements. One text serves SQLite and PostgreSQL. Functions take a [`Session`] and `now`; they never read the
//! clock. Bulk changes are bound as one JSON array, so that a statement costs nearly the same for one row as for a thousand.

use chrono::{DateTime, Utc};

use crate::domain::input::truncate;
use crate::i18n::Message;

pub mod account;
pub mod audit;
pub mod backfill;
pub mod bench_data;
pub mod bound;
pub mod calendar;
mod column;
pub mod copy;
mod counters;
mod database;
pub mod digest;
pub mod execution;
pub mod execution_list;
pub mod freeze;
pub mod heartbeat;
pub mod history_import;
pub mod hook;
pub mod identity;
pub mod incident;
pub mod lease;
pub mod node;
pub mod notify_channel;
pub mod notify_message;
pub mod notify_quota;
pub mod notify_rule;
pub mod occurrence;
pub mod operation;
pub mod overlap;
pub mod pause;
pub mod pg_notify;
pub mod plan;
pub mod profile;
#[cfg(test)]
mod query_plans;
pub mod queue_setting;
pub mod recent_runs;
pub mod refusal;
pub mod retention;
pub mod run_data;
pub mod run_stats;
pub mod saved_view;
mod schema;
pub mod second_factor;
pub mod secret;
pub mod server_state;
mod session;
pub mod sign_in;
pub mod sqlite;
mod statement;
mod statement_limit;
pub mod stats;
mod stored_json;
pub mod tag_scope;
pub mod tag_scope_stats;
pub mod task;
pub mod task_alarm;
pub mod task_bulk;
mod task_key;
pub mod task_list;
pub mod task_state;
pub mod temp_database;
mod text_search;
mod transient;
pub mod unchanged;
pub mod verify;
pub mod version;

pub use database::{Database, Synchronous, WalStatus};
pub use session::{Conn, Dialect, Reader, Session, Tx};

/// A database error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint was violated.
    #[error("cannot {0}: it already exists")]
    Conflict(String),
    /// A newer version of Belfry migrated the schema; the number is that migration's version.
    #[error(
        "a newer version of Belfry migrated the database (migration {0} is unknown to this version); run that version or a newer one"
    )]
    NewerSchema(i64),
    #[error("cannot {context}: {source}")]
    Database { context: &'static str, source: sqlx::Error },
    /// A stored value cannot be parsed.
    #[error("invalid value in the database: {0}")]
    InvalidValue(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Adds the failed operation; a unique violation becomes [`Error::Conflict`].
    pub(crate) fn on(context: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| match source.as_database_error() {
            Some(error) if error.is_unique_violation() => Error::Conflict(context.to_owned()),
            _ => Error::Database { context, source },
        }
    }

    /// Whether a transaction met another one: a deadlock, a failed serialization, or an id that another process made as well. A
    /// repetition succeeds.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        match self {
            Error::Conflict(_) => true,
            Error::Database { source, .. } => {
                let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
                matches!(code.as_deref(), Some("40P01" | "40001"))
            }
            _ => false,
        }
    }
}

pub(crate) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

fn time_from_millis(millis: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| Error::InvalidValue(format!("timestamp {millis}")))
}

fn optional_time_from_millis(millis: Option<i64>) -> Result<Option<DateTime<Utc>>> {
    millis.map(time_from_millis).transpose()
}

fn json(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|error| Error::InvalidValue(format!("JSON: {error}")))
}

/// Code and arguments of a message as JSON. They consist of texts and numbers, which always serialize.
fn message_json(message: Option<&Message>) -> Option<String> {
    const TEXT_MAX: usize = 2_000;
    let bounded = message.map(|message| message.clone().map_texts(&|text| truncate(text, TEXT_MAX)));
    bounded.and_then(|message| serde_json::to_string(&message).ok())
}

/// Serializes rows as the JSON array that `{rows}` and `{ids}` read.
pub(crate) fn rows<T: serde::Serialize>(rows: &[T]) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| Error::InvalidValue(error.to_string()))
}

/// Returns the smallest id of a record made at `at`: ids begin with their time.
fn first_id_at(at: DateTime<Utc>) -> String {
    ulid::Ulid::from_parts(millis(at).max(0) as u64, 0).to_string()
}
