//! What a database refused, in its own words, and whether another attempt may succeed.

use crate::domain::input::cut;
use crate::tasks::RunError;

/// The longest message kept of a database, in characters.
const MESSAGE_MAX: usize = 2000;

/// A failure of a database or of the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// For people. [`SqlError::without`] takes secrets out before it leaves this room.
    pub message: String,
    /// Another attempt may succeed: a broken connection, a deadlock, a lock that was not to be had in time.
    pub retryable: bool,
    /// Where in the statement, in characters from 1, where the database tells.
    pub position: Option<usize>,
}

impl SqlError {
    /// Another attempt may succeed.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: true, position: None }
    }

    /// Another attempt would only fail again.
    pub fn fail(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: false, position: None }
    }

    /// The failure with each of the secrets struck out, and cut to a length that can be read.
    #[must_use]
    pub fn without(mut self, secrets: &[String]) -> Self {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            self.message = self.message.replace(secret.as_str(), "***");
        }
        self.message = cut(&self.message, MESSAGE_MAX);
        self
    }

    /// The failure with the place it is about: line and column of the whole text.
    #[must_use]
    pub fn at(mut self, statement: &str, first_line: usize) -> Self {
        if let Some(position) = self.position {
            let before: String = statement.chars().take(position.saturating_sub(1)).collect();
            let line = first_line + before.matches('\n').count();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            self.message = format!("{} (line {line}, column {column})", self.message);
        }
        self
    }
}

impl From<SqlError> for RunError {
    fn from(error: SqlError) -> Self {
        RunError { message: error.message, retryable: error.retryable, result: None, retry_after: None }
    }
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => of_database(refusal.as_ref()),
            sqlx::Error::Io(cause) => SqlError::retry(format!("the connection failed: {cause}")),
            sqlx::Error::WorkerCrashed | sqlx::Error::PoolTimedOut => SqlError::retry("the connection was lost"),
            // MySQL's driver counts parameters itself.
            sqlx::Error::Protocol(cause) if cause.starts_with("prepared statement expected") => {
                SqlError::fail(cause.split(" (").next().unwrap_or_default())
            }
            sqlx::Error::Protocol(cause) => SqlError::retry(format!("the connection failed: {cause}")),
            sqlx::Error::Tls(cause) => SqlError::fail(format!("no TLS connection: {cause}")),
            other => SqlError::fail(other.to_string()),
        }
    }
}

fn of_database(refusal: &dyn sqlx::error::DatabaseError) -> SqlError {
    if let Some(refusal) = refusal.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return of_postgres(refusal);
    }
    if let Some(refusal) = refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        let number = refusal.number();
        let message = format!("{} ({number})", refusal.message());
        return SqlError { message, retryable: passes_on_mysql(number), position: None };
    }
    // SQLite's primary code is the low byte: busy, locked, I/O, protocol, interrupted.
    let code: i32 = refusal.code().and_then(|code| code.parse().ok()).unwrap_or(1) & 0xff;
    let message = format!("{} (code {code})", refusal.message());
    SqlError { message, retryable: matches!(code, 5 | 6 | 9 | 10 | 15), position: None }
}

fn of_postgres(refusal: &sqlx::postgres::PgDatabaseError) -> SqlError {
    use sqlx::postgres::PgErrorPosition;
    let code = refusal.code();
    let more = [("detail", refusal.detail()), ("hint", refusal.hint())];
    let more: String = more.iter().filter_map(|(what, text)| Some(format!("; {what}: {}", (*text)?))).collect();
    // Connection, rollback (deadlock, serialization), resources, operator, system; a lock not to be had in time.
    let passes = ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || code == "55P03";
    let position = match refusal.position() {
        Some(PgErrorPosition::Original(position)) => Some(position),
        _ => None,
    };
    SqlError { message: format!("{} ({code}){more}", refusal.message()), retryable: passes, position }
}

/// Too many connections, shutdown, network, lock wait, deadlock, too many queries, interrupted, gone away, lost.
fn passes_on_mysql(number: u16) -> bool {
    matches!(
        number,
        1040 | 1053 | 1077 | 1079 | 1158..=1161 | 1203 | 1205 | 1213 | 1226 | 1317 | 1614 | 1927 | 2006 | 2013 | 3024 | 4031
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_line_and_column() {
        let error = SqlError { position: Some(10), ..SqlError::fail("no") };
        assert_eq!(error.at("select\n  x", 3).message, "no (line 4, column 3)");
    }

    #[test]
    fn secrets_are_struck_out() {
        let error = SqlError::fail("cannot open postgres://me:hush@h/d: hush").without(&["hush".into(), String::new()]);
        assert_eq!(error.message, "cannot open postgres://me:***@h/d: ***");
    }
}
