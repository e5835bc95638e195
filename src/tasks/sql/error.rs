//! Database errors, with the database's message and whether another attempt may succeed.

use crate::domain::input::truncate;
use crate::i18n::{Message, message};
use crate::tasks::{RunError, transport_error};

/// Maximum length of a database's message, in characters.
const MESSAGE_MAX: usize = 2000;

/// An error of a database or of the connection to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// The message for users. [`SqlError::redact`] removes secrets before the error leaves this module.
    pub message: Message,
    /// Whether another attempt may succeed: broken connection, deadlock, lock timeout.
    pub retryable: bool,
    /// The position in the statement, in characters from 1, if the database reports it.
    pub position: Option<usize>,
}

impl SqlError {
    /// A retryable error: another attempt may succeed.
    pub fn retry(message: Message) -> Self {
        Self { message, retryable: true, position: None }
    }

    /// A permanent error: another attempt would fail the same way.
    pub fn fail(message: Message) -> Self {
        Self { message, retryable: false, position: None }
    }

    /// Replaces each of the secrets by `***` and truncates the message.
    #[must_use]
    pub fn redact(mut self, secrets: &[String]) -> Self {
        let hide = |text: &str| {
            let secrets = secrets.iter().filter(|secret| !secret.is_empty());
            let hidden = secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"));
            truncate(&hidden, MESSAGE_MAX)
        };
        self.message = self.message.map_texts(&hide);
        self
    }

    /// Appends the position to the message, as line and column of the whole text.
    #[must_use]
    pub fn with_location(mut self, statement: &str, first_line: usize) -> Self {
        if let Some(position) = self.position {
            let before: String = statement.chars().take(position.saturating_sub(1)).collect();
            let line = first_line + before.matches('\n').count();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            self.message = message!("sql.located", problem = self.message, line, column);
        }
        self
    }
}

impl From<SqlError> for RunError {
    fn from(error: SqlError) -> Self {
        RunError { message: error.message, retryable: error.retryable, result: None, retry_after: None }
    }
}

/// What a connection failed by.
pub(super) fn reason(error: &(dyn std::error::Error + 'static)) -> Message {
    transport_error::words(error).unwrap_or_else(|| Message::verbatim(error.to_string()))
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(error) => from_database(error.as_ref()),
            sqlx::Error::Io(cause) => SqlError::retry(message!("sql.connection_failed", error = reason(cause))),
            sqlx::Error::WorkerCrashed | sqlx::Error::PoolTimedOut => SqlError::retry(message!("sql.connection_lost")),
            // The MySQL driver checks the number of parameters itself.
            sqlx::Error::Protocol(cause) if cause.starts_with("prepared statement expected") => {
                SqlError::fail(Message::verbatim(cause.split(" (").next().unwrap_or_default()))
            }
            sqlx::Error::Protocol(cause) => SqlError::retry(message!("sql.connection_failed", error = cause)),
            sqlx::Error::Tls(cause) => SqlError::fail(message!("sql.tls_failed", error = reason(cause.as_ref()))),
            other => SqlError::fail(Message::verbatim(other.to_string())),
        }
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> SqlError {
    if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return from_postgres(error);
    }
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        let number = error.number();
        let message = Message::verbatim(format!("{} ({number})", error.message()));
        return SqlError { message, retryable: is_retryable_mysql(number), position: None };
    }
    // SQLite's primary result code is the low byte. Retryable: interrupt, busy, locked, I/O error, protocol.
    let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or(1) & 0xff;
    let message = Message::verbatim(format!("{} (code {code})", error.message()));
    SqlError { message, retryable: matches!(code, 5 | 6 | 9 | 10 | 15), position: None }
}

fn from_postgres(error: &sqlx::postgres::PgDatabaseError) -> SqlError {
    use sqlx::postgres::PgErrorPosition;
    let code = error.code();
    let more = [("detail", error.detail()), ("hint", error.hint())];
    let more: String = more.iter().filter_map(|(what, text)| Some(format!("; {what}: {}", (*text)?))).collect();
    // Connection exceptions, transaction rollback (deadlock, serialization), resources, operator intervention, system errors;
    // lock_not_available.
    let retryable = ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || code == "55P03";
    let position = match error.position() {
        Some(PgErrorPosition::Original(position)) => Some(position),
        _ => None,
    };
    SqlError { message: Message::verbatim(format!("{} ({code}){more}", error.message())), retryable, position }
}

/// Whether the error is temporary: too many connections, shutdown, network, lock wait, deadlock, too many queries, interrupted,
/// connection lost.
fn is_retryable_mysql(number: u16) -> bool {
    matches!(
        number,
        1040 | 1053 | 1077 | 1079 | 1158..=1161 | 1203 | 1205 | 1213 | 1226 | 1317 | 1614 | 1927 | 2006 | 2013 | 3024 | 4031
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_location_appends_line_and_column() {
        let error = SqlError { position: Some(10), ..SqlError::fail(Message::verbatim("no")) };
        assert_eq!(error.with_location("select\n  x", 3).message.to_string(), "no (line 4, column 3)");
    }

    #[test]
    fn redact_replaces_secrets() {
        let error =
            SqlError::fail(Message::verbatim("cannot open postgres://me:hush@h/d: hush")).redact(&["hush".into(), String::new()]);
        assert_eq!(error.message.to_string(), "cannot open postgres://me:***@h/d: ***");
    }
}
