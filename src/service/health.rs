//! Health: whether the database responds and takes writes, and whether the scheduler plans.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::deps::ServiceDeps;
use crate::clock::SharedClock;
use crate::i18n::{Language, Message, message};
use crate::signals::{SchedulerHeartbeat, WriteStatus};
use crate::storage::{Database, stats};

/// The scheduler polls several times per second; without a pass, or a successful one, for this long it is not ready.
const HEARTBEAT_TIMEOUT_MS: i64 = 10_000;

/// Why the server is not ready.
#[derive(Debug, Clone, PartialEq)]
pub struct NotReady {
    /// For everybody, without details.
    pub reason: Message,
    /// The error behind it, for signed-in people; it may name files and hosts.
    pub cause: Option<String>,
}

impl NotReady {
    /// The reason with its cause.
    pub fn detail(&self) -> Message {
        match &self.cause {
            Some(cause) => message!("ready.because", reason = self.reason.clone(), cause),
            None => self.reason.clone(),
        }
    }
}

/// Checks the database and the scheduler.
#[derive(Clone)]
pub struct HealthService {
    database: Database,
    clock: SharedClock,
    heartbeat: SchedulerHeartbeat,
    writes: WriteStatus,
    /// Whether the last check could not reach the database, so that it is logged once.
    unreachable: Arc<AtomicBool>,
}

impl HealthService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            heartbeat: deps.heartbeat.clone(),
            writes: deps.signals.writes.clone(),
            unreachable: Arc::default(),
        }
    }

    /// Whether the database responds and takes writes, and the scheduler plans. Writes nothing.
    ///
    /// # Errors
    /// Why it is not ready.
    pub async fn check(&self) -> std::result::Result<(), NotReady> {
        let answered = async { stats::ping(&mut self.database.read().await?).await }.await;
        let was_unreachable = self.unreachable.swap(answered.is_err(), Ordering::Relaxed);
        if let Err(error) = answered {
            if !was_unreachable {
                tracing::warn!(error = &error as &dyn std::error::Error, "readiness check failed: database unavailable");
            }
            return Err(NotReady { reason: message!("ready.no_database"), cause: Some(error.to_string()) });
        }
        if let Some(cause) = self.writes.failure() {
            return Err(NotReady { reason: message!("ready.no_writes"), cause: Some(cause) });
        }
        self.check_scheduler().map_err(|reason| NotReady { reason, cause: self.heartbeat.failure() })
    }

    fn check_scheduler(&self) -> std::result::Result<(), Message> {
        let now = self.clock.now();
        let (started, succeeded) = (self.heartbeat.age_ms(now), self.heartbeat.success_age_ms(now));
        match (started, succeeded) {
            (None, _) | (_, None) => Err(message!("ready.not_started")),
            (Some(age), _) if age > HEARTBEAT_TIMEOUT_MS => {
                Err(message!("ready.no_heartbeat", age = Language::English.duration(age)))
            }
            (_, Some(age)) if age > HEARTBEAT_TIMEOUT_MS => {
                Err(message!("ready.no_planning", age = Language::English.duration(age)))
            }
            _ => Ok(()),
        }
    }

    /// Whether the last scheduler heartbeat is not older than `limit`.
    pub fn scheduler_active_within(&self, limit: std::time::Duration) -> bool {
        let age = self.heartbeat.age_ms(self.clock.now());
        age.is_some_and(|age| u128::try_from(age).unwrap_or_default() <= limit.as_millis())
    }
}
