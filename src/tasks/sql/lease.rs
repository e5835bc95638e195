//! A connection in use, and the ways in which its use ends: done, cut off, or simply dropped.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use super::session::{Session, Stopper};

/// How long stopping a statement on its server may take before it is left to find out by itself.
const STOP_LIMIT: Duration = Duration::from_millis(1500);

/// A connection for as long as a run needs it. Dropped without [`Lease::finish`], what runs on it is stopped on its server.
pub struct Lease {
    session: Option<Box<dyn Session>>,
    stopper: Option<Stopper>,
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(session: Box<dyn Session>, turn: OwnedSemaphorePermit) -> Lease {
        Lease { stopper: Some(session.stopper()), session: Some(session), _turn: turn }
    }

    /// Closes a connection on which nothing runs any more.
    pub async fn finish(mut self) -> bool {
        self.stopper = None;
        match self.session.take() {
            Some(session) => tokio::time::timeout(STOP_LIMIT, session.close()).await.is_ok(),
            None => false,
        }
    }

    /// Stops what runs, and closes.
    pub async fn abort(mut self) {
        if let Some(stopper) = self.stopper.take() {
            let _left_to_find_out = tokio::time::timeout(STOP_LIMIT, stopper.stop()).await;
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
        self.session.as_deref().expect("only finish takes it, and takes the lease too")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.session.as_deref_mut().expect("only finish takes it, and takes the lease too")
    }
}

/// The time that a run has on a database.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    whole: Duration,
    end: tokio::time::Instant,
}

impl TimeLimit {
    /// Begins now.
    pub fn of(whole: Duration) -> TimeLimit {
        let now = tokio::time::Instant::now();
        TimeLimit { whole, end: now.checked_add(whole).unwrap_or(now) }
    }
}

/// Work on a database until it ends, is cancelled, or its time is over. The outer error says that it was cut off, so that the
/// connection must be aborted.
///
/// # Errors
/// Where it was cut off.
pub async fn until<T>(
    cancel: &CancellationToken,
    limit: Option<TimeLimit>,
    work: impl Future<Output = T>,
) -> Result<T, SqlError> {
    let over = async {
        match limit {
            Some(limit) => {
                tokio::time::sleep_until(limit.end).await;
                limit.whole
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        done = work => Ok(done),
        () = cancel.cancelled() => Err(SqlError::fail("it was stopped")),
        whole = over => Err(SqlError::retry(format!("not done within {} s; it was stopped", whole.as_secs_f64()))),
    }
}
