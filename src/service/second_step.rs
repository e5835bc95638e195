//! The second step of a sign-in: a TOTP code or a recovery code.

use chrono::Duration;

use super::audit_log::AuditEntry;
use super::hashing::{hash_secret, new_secret};
use super::second_factor_codes::{CodeKind, wrong_code};
use super::sign_in::SignInService;
use super::throttle::Subject;
use super::{Error, Result};
use crate::domain::audit::AuditEvent;
use crate::domain::user::{Actor, Role, User, Via};
use crate::i18n::message;
use crate::storage::{Tx, second_factor};

/// The time limit between the two steps.
const SECOND_STEP_TIMEOUT: Duration = Duration::minutes(5);
/// The number of wrong codes after which the sign-in must start again.
const MAX_ATTEMPTS: i64 = 5;

/// A completed sign-in.
#[derive(Debug)]
pub struct SignInOutcome {
    pub user: User,
    /// The session secret, for the cookie.
    pub session: String,
    /// The number of recovery codes left, if one was used.
    pub recovery_left: Option<i64>,
}

impl SignInService {
    /// Stores that the password was correct; returns the secret of the pending sign-in.
    pub(super) async fn begin_second_step(&self, tx: &mut Tx, user: &User) -> Result<String> {
        let (secret, now) = (new_secret()?, self.clock.now());
        second_factor::insert_pending(tx, &hash_secret(&secret), &user.id, now, now + SECOND_STEP_TIMEOUT).await?;
        Ok(secret)
    }

    /// Whether a sign-in with this secret waits for its second step.
    pub async fn second_step_pending(&self, pending: &str) -> Result<bool> {
        let now = self.clock.now();
        Ok(second_factor::pending(&mut self.database.read().await?, &hash_secret(pending), now).await?.is_some())
    }

    /// Completes a sign-in with a code or a recovery code.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the pending sign-in does not exist or has expired; [`Error::Unauthorized`] for a wrong or used
    /// code; [`Error::TooManyRequests`] after several.
    pub async fn finish(&self, pending: &str, code: &str, address: Option<&str>) -> Result<SignInOutcome> {
        let (now, hash) = (self.clock.now(), hash_secret(pending));
        let found = second_factor::pending(&mut self.database.read().await?, &hash, now).await?;
        let user = found.ok_or_else(|| Error::NotFound(message!("sign_in.expired")))?;
        let claimed = Actor::new(&user.name, Role::Viewer, Via::Page).with_address(address.map(str::to_owned));
        self.attempts.check(Subject::Code(&user.id), &claimed).await?;
        let mut tx = self.database.write().await?;
        let Some(kind) = self.codes.consume_code(&mut tx, &user, code).await? else {
            second_factor::record_wrong_code(&mut tx, &hash, MAX_ATTEMPTS).await?;
            self.codes.record_refused_code(&mut tx, &claimed).await?;
            tx.commit().await?;
            return Err(wrong_code());
        };
        second_factor::delete_pending(&mut tx, &user.id).await?;
        let recovery_left = match kind {
            CodeKind::Code => None,
            CodeKind::Recovery => {
                self.audit_log.record(&mut tx, &claimed, AuditEntry::new(AuditEvent::RecoveryUse, "user", &user.name)).await?;
                Some(second_factor::count_recovery_codes(&mut tx, &user.id).await?)
            }
        };
        let session = self.sessions.create(&mut tx, &user, &claimed, false).await?;
        tx.commit().await?;
        self.attempts.succeed(Subject::Code(&user.id), address);
        tracing::info!(user = user.name, address, recovery = recovery_left.is_some(), "signed in with a second factor");
        Ok(SignInOutcome { user, session, recovery_left })
    }
}
