//! Health: whether the database responds and the scheduler runs.

use super::deps::ServiceDeps;
use crate::clock::SharedClock;
use crate::i18n::{Language, Message, message};
use crate::signals::SchedulerHeartbeat;
use crate::storage::{Database, stats};

/// The scheduler polls several times per second; without a heartbeat for this long it counts as stuck.
const HEARTBEAT_TIMEOUT_MS: i64 = 10_000;

/// Checks the database and the scheduler.
#[derive(Clone)]
pub struct HealthService {
    database: Database,
    clock: SharedClock,
    heartbeat: SchedulerHeartbeat,
}

impl HealthService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), heartbeat: deps.heartbeat.clone() }
    }

    /// Whether the database responds and the scheduler runs.
    ///
    /// # Errors
    /// The reason, without details, for a health check.
    pub async fn check(&self) -> std::result::Result<(), Message> {
        let answered = async { stats::ping(&mut self.database.read().await?).await };
        if let Err(error) = answered.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "readiness check failed: database unavailable");
            return Err(message!("ready.no_database"));
        }
        match self.heartbeat.age_ms(self.clock.now()) {
            Some(age) if age <= HEARTBEAT_TIMEOUT_MS => Ok(()),
            Some(age) => Err(message!("ready.no_heartbeat", age = Language::English.duration(age))),
            None => Err(message!("ready.not_started")),
        }
    }

    /// Whether the last scheduler heartbeat is not older than `limit`.
    pub fn scheduler_active_within(&self, limit: std::time::Duration) -> bool {
        let age = self.heartbeat.age_ms(self.clock.now());
        age.is_some_and(|age| u128::try_from(age).unwrap_or_default() <= limit.as_millis())
    }
}
