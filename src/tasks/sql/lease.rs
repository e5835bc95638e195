//! Lease of a connection, released by finishing, aborting or dropping it.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use super::session::{Session, Stopper};
use crate::i18n::message;

/// Time limit for stopping a statement on its server. Later the server notices the closed connection by itself.
const STOP_LIMIT: Duration = Duration::from_millis(1500);

/// A connection for the duration of a run. Dropping it without [`Lease::finish`] stops the running statement on its server.
pub struct Lease {
    session: Option<Box<dyn Session>>,
    stopper: Option<Stopper>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(session: Box<dyn Session>, permit: OwnedSemaphorePermit) -> Lease {
        Lease { stopper: Some(session.stopper()), session: Some(session), _permit: permit }
    }

    /// Closes an idle connection. Returns whether it was closed in time.
    pub async fn finish(mut self) -> bool {
        self.stopper = None;
        match self.session.take() {
            Some(session) => tokio::time::timeout(STOP_LIMIT, session.close()).await.is_ok(),
            None => false,
        }
    }

    /// Stops the running statement and closes the connection.
    pub async fn abort(mut self) {
        if let Some(stopper) = self.stopper.take() {
            let _ = tokio::time::timeout(STOP_LIMIT, stopper.stop()).await; // later the server notices the closed connection
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(stopper), Ok(runtime)) = (self.stopper.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(STOP_LIMIT, stopper.stop()));
        }
    }
}

impl Deref for Lease {
    type Target = dyn Session;

    fn deref(&self) -> &Self::Target {
        self.session.as_deref().expect("the session is only taken when the lease is consumed")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.session.as_deref_mut().expect("the session is only taken when the lease is consumed")
    }
}

/// The time limit of a run on a database.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    duration: Duration,
    end: tokio::time::Instant,
}

impl TimeLimit {
    /// A limit that starts now.
    pub fn new(duration: Duration) -> TimeLimit {
        let now = tokio::time::Instant::now();
        TimeLimit { duration, end: now.checked_add(duration).unwrap_or(now) }
    }
}

/// Runs work on a database until it ends, is cancelled or exceeds its time limit. The outer error says that the work was
/// interrupted, so that the connection must be aborted.
pub async fn run_bounded<T>(
    cancel: &CancellationToken,
    limit: Option<TimeLimit>,
    work: impl Future<Output = T>,
) -> Result<T, SqlError> {
    let elapsed = async {
        match limit {
            Some(limit) => {
                tokio::time::sleep_until(limit.end).await;
                limit.duration
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = work => Ok(outcome),
        () = cancel.cancelled() => Err(SqlError::fail(message!("sql.cancelled"))),
        duration = elapsed => Err(SqlError::retry(message!("sql.timed_out", seconds = duration.as_secs_f64()))),
    }
}
