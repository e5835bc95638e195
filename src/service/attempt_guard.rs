//! Guard against guessing: refuses attempts beyond the limits and records refused ones in the audit log.

use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::throttle::{Subject, Throttle};
use super::{Error, Result};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::user::Actor;
use crate::i18n::message;
use crate::storage::Database;

/// Limits attempts to guess passwords and codes; clones share the counts.
#[derive(Clone)]
pub(super) struct AttemptGuard {
    pub database: Database,
    pub clock: SharedClock,
    pub throttle: Throttle,
    pub audit_log: AuditLog,
}

impl AttemptGuard {
    /// Counts an attempt, or refuses it while the throttle is active. Undo the count after a success. Refused attempts are
    /// counted in one audit entry a minute.
    pub async fn check(&self, subject: Subject<'_>, claimed: &Actor) -> Result<()> {
        let now = self.clock.now();
        let admitted = self.throttle.attempt(subject, claimed.address.as_deref(), now);
        if admitted.is_err() {
            self.throttle.count_throttled(claimed);
        }
        if let Some((attempts, last)) = self.throttle.take_throttled(now) {
            tracing::warn!(user = last.name, address = last.address, attempts, "sign-in attempts throttled");
            let mut tx = self.database.write().await?;
            let entry =
                AuditEntry::new(AuditEvent::SignInRefused, "user", &last.name).after(json!({"throttled_attempts": attempts}));
            self.audit_log.record(&mut tx, &last, entry).await?;
            tx.commit().await?;
        }
        admitted.map_err(|seconds| Error::TooManyRequests(message!("sign_in.too_many_attempts", seconds)))
    }

    /// Undoes the count of an attempt that was not a failure.
    pub fn undo(&self, subject: Subject<'_>, address: Option<&str>) {
        self.throttle.undo(subject, address);
    }

    /// Undoes the count of a successful attempt and forgets earlier failures for this subject from this address.
    pub fn succeed(&self, subject: Subject<'_>, address: Option<&str>) {
        self.throttle.succeed(subject, address);
    }
}
