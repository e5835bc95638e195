//! All SQL. One text serves SQLite and PostgreSQL; functions take a [`Session`] and `now`, and know nothing of the clock.
//! Where many rows change at once they are bound as one JSON array: a statement costs the same for one row as for a
//! thousand of them nearly.

use chrono::{DateTime, Utc};

pub mod account;
pub mod audit;
pub mod copy;
mod counters;
mod database;
pub mod execution;
pub mod execution_list;
pub mod history;
pub mod identity;
pub mod job_store;
mod migrate;
pub mod node;
pub mod notices;
pub mod past_runs;
pub mod plan;
#[cfg(test)]
mod query_plans;
pub mod queue;
pub mod reach;
pub mod recent_runs;
pub mod run_minutes;
pub mod saved_view;
pub mod scratch;
pub mod second_factor;
pub mod secret;
pub mod seed;
pub mod sign_in;
pub mod stats;
pub mod task;
pub mod task_list;
pub mod tasks_at_once;
pub mod team_stats;
mod transient;
pub mod version;

pub use database::{Conn, Database, Dialect, Log, Reader, Session, Synchronous, Tx};

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row exists already.
    #[error("{0} exists already")]
    Conflict(String),
    /// The tables were changed by a newer version of Belfry (the number is that change's).
    #[error(
        "the database was written by a newer version of Belfry (it has change {0}, unknown here); use that version or a newer one"
    )]
    Newer(i64),
    #[error(
        "the queue needs PostgreSQL's extension hstore: install PostgreSQL's contrib package and let an administrator run \
         `create extension hstore` in this database ({0})"
    )]
    MissingHstore(String),
    #[error("cannot {context}: {source}")]
    Database { context: &'static str, source: sqlx::Error },
    /// A stored value does not read.
    #[error("the database holds an unreadable value: {0}")]
    Unreadable(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Says what was being done; a broken uniqueness becomes [`Error::Conflict`].
    fn on(context: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| match source.as_database_error() {
            Some(error) if error.is_unique_violation() => Error::Conflict(context.to_owned()),
            _ => Error::Database { context, source },
        }
    }
}

fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

fn instant(millis: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| Error::Unreadable(format!("instant {millis}")))
}

fn optional_instant(millis: Option<i64>) -> Result<Option<DateTime<Utc>>> {
    millis.map(instant).transpose()
}

fn json(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable(format!("JSON: {error}")))
}

/// Rows as the JSON array that `{rows}` and `{ids}` read.
fn rows<T: serde::Serialize>(rows: &[T]) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| Error::Unreadable(error.to_string()))
}

/// The smallest id that an execution queued at `at` can have: ids begin with their time.
fn first_id_at(at: DateTime<Utc>) -> String {
    ulid::Ulid::from_parts(millis(at).max(0) as u64, 0).to_string()
}
