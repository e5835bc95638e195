//! The error of the services.

use crate::domain::fault::Fault;
use crate::i18n::{Message, message};
use crate::storage;

/// The error of a service call. The API and the pages each map it in one place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The resource does not exist; the message names it.
    #[error("{0}")]
    NotFound(Message),
    #[error("{0}")]
    Forbidden(Message),
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    /// The resource exists already, or its state does not allow the operation.
    #[error("{0}")]
    Conflict(Message),
    /// It was changed meanwhile: the given version is not the current one.
    #[error("it is at version {current}, not {given}; reload it")]
    Stale { given: i64, current: i64 },
    /// Sign-in failed.
    #[error("{0}")]
    Unauthorized(Message),
    #[error("{0}")]
    TooManyRequests(Message),
    /// The database query took too long.
    #[error("the query took too long")]
    TooSlow,
    /// The database is down, starting, locked or full: the request may succeed later. The cause is logged, not returned.
    #[error("the database is not available")]
    Unavailable(#[source] storage::Error),
    /// A failure of the server or its database; the cause is logged, not returned to the caller.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            error if error.is_interrupted() => Error::TooSlow,
            error if error.is_transient() => Error::Unavailable(error),
            error => Error::Internal(Box::new(error)),
        }
    }
}

impl Error {
    /// What to tell the caller.
    pub fn message(&self) -> Message {
        match self {
            Error::NotFound(message)
            | Error::Forbidden(message)
            | Error::Conflict(message)
            | Error::Unauthorized(message)
            | Error::TooManyRequests(message) => message.clone(),
            Error::Invalid(_) => message!("request.invalid"),
            Error::Stale { given, current } => message!("task.stale", given = *given, current = *current),
            Error::TooSlow => message!("request.query_too_slow"),
            Error::Unavailable(_) => message!("request.database_unavailable"),
            Error::Internal(_) => message!("request.internal"),
        }
    }

    /// A single validation fault.
    pub(super) fn invalid(pointer: &str, message: Message) -> Error {
        Error::Invalid(vec![Fault::new(pointer, message)])
    }

    pub(super) fn no_task(id: &str) -> Error {
        Error::NotFound(message!("task.missing", id = crate::domain::input::truncate(id, 64)))
    }

    pub(super) fn no_execution(id: &str) -> Error {
        Error::NotFound(message!("execution.missing", id = crate::domain::input::truncate(id, 64)))
    }
}
