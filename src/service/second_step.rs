//! The second step of a sign-in: a TOTP code or a recovery code.

use chrono::Duration;

use super::audit::AuditEntry;
use super::secrets::{hash_secret, new_secret};
use super::{Error, Result, Service};
use crate::domain::audit::AuditEvent;
use crate::domain::totp::{CodeInput, TotpSecret};
use crate::domain::user::{Actor, Role, User, Via};
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

impl Service {
    /// Stores that the password was correct; returns the secret of the pending sign-in.
    pub(super) async fn begin_second_step(&self, tx: &mut Tx, user: &User) -> Result<String> {
        let (secret, now) = (new_secret()?, self.clock().now());
        second_factor::insert_pending(tx, &hash_secret(&secret), &user.id, now, now + SECOND_STEP_TIMEOUT).await?;
        Ok(secret)
    }

    /// Whether a sign-in with this secret waits for its second step.
    pub async fn second_step_pending(&self, pending: &str) -> Result<bool> {
        let now = self.clock().now();
        Ok(second_factor::pending(&mut self.database().read().await?, &hash_secret(pending), now).await?.is_some())
    }

    /// Completes a sign-in with a code or a recovery code.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the pending sign-in does not exist or has expired; [`Error::Unauthorized`] for a wrong or used
    /// code; [`Error::TooManyRequests`] after several.
    pub async fn finish_sign_in(&self, pending: &str, code: &str, address: Option<&str>) -> Result<SignInOutcome> {
        let (now, hash) = (self.clock().now(), hash_secret(pending));
        let found = second_factor::pending(&mut self.database().read().await?, &hash, now).await?;
        let user = found.ok_or_else(|| Error::NotFound("this sign-in has expired; sign in again".to_owned()))?;
        let by_account = format!("code:{}", user.id);
        let keys: Vec<String> = address.map(|from| format!("address:{from}")).into_iter().chain([by_account.clone()]).collect();
        self.check_throttle(&keys)?;
        let claimed = Actor::new(&user.name, Role::Viewer, Via::Page).with_address(address.map(str::to_owned));
        let mut tx = self.database().write().await?;
        let Some(kind) = self.consume_code(&mut tx, &user, code).await? else {
            second_factor::record_wrong_code(&mut tx, &hash, MAX_ATTEMPTS).await?;
            self.record_refused_code(&mut tx, &claimed).await?;
            tx.commit().await?;
            return Err(wrong_code());
        };
        second_factor::delete_pending(&mut tx, &user.id).await?;
        let recovery_left = match kind {
            CodeKind::Code => None,
            CodeKind::Recovery => {
                self.record_audit(&mut tx, &claimed, AuditEntry::new(AuditEvent::RecoveryUse, "user", &user.name)).await?;
                Some(second_factor::count_recovery_codes(&mut tx, &user.id).await?)
            }
        };
        let session = self.create_session(&mut tx, &user, &claimed, false).await?;
        tx.commit().await?;
        self.0.throttle.undo_attempt(&keys);
        self.0.throttle.reset(&by_account);
        self.0.throttle.reset(&format!("user:{}", user.name.to_lowercase()));
        tracing::info!(user = user.name, address, recovery = recovery_left.is_some(), "signed in with a second factor");
        Ok(SignInOutcome { user, session, recovery_left })
    }

    /// Logs and audits a wrong code.
    pub(super) async fn record_refused_code(&self, tx: &mut Tx, claimed: &Actor) -> Result<()> {
        tracing::warn!(user = claimed.name, address = claimed.address, "second-factor code refused");
        self.record_audit(tx, claimed, AuditEntry::new(AuditEvent::SecondFactorRefused, "user", &claimed.name)).await
    }

    /// Consumes a code of a confirmed second factor, or a recovery code; each is accepted once. `None` if it is invalid.
    pub(super) async fn consume_code(&self, tx: &mut Tx, user: &User, typed: &str) -> Result<Option<CodeKind>> {
        let code = match CodeInput::parse(typed) {
            CodeInput::Recovery(code) => {
                let taken = second_factor::use_recovery_code(tx, &user.id, &recovery_hash(user, &code)).await?;
                return Ok(taken.then_some(CodeKind::Recovery));
            }
            CodeInput::Code(code) => code,
        };
        let Some(factor) = second_factor::get(tx, &user.id).await?.filter(|factor| factor.confirmed_at.is_some()) else {
            return Ok(None);
        };
        let taken = self.consume_totp(tx, user, &factor.ciphertext, &code).await?;
        Ok(taken.then_some(CodeKind::Code))
    }

    /// Consumes a TOTP code; false if it is wrong or was used before.
    pub(super) async fn consume_totp(&self, tx: &mut Tx, user: &User, ciphertext: &str, code: &str) -> Result<bool> {
        let secret = self.decrypt_totp(user, ciphertext)?;
        match secret.matching_step(code, self.clock().now()) {
            Some(step) => Ok(second_factor::use_step(tx, &user.id, step).await?),
            None => Ok(false),
        }
    }

    /// Decrypts the secret of a second factor.
    pub(super) fn decrypt_totp(&self, user: &User, ciphertext: &str) -> Result<TotpSecret> {
        let text = self.vault().open(&vault_name(user), ciphertext)?;
        TotpSecret::parse(&text).ok_or_else(|| Error::Internal("the stored second-factor secret is invalid".into()))
    }
}

/// The kind of code that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeKind {
    Code,
    Recovery,
}

pub(super) fn wrong_code() -> Error {
    Error::Unauthorized("the code is wrong or was used already".to_owned())
}

/// The vault's associated name of the secret, which binds it to this account.
pub(super) fn vault_name(user: &User) -> String {
    format!("second-factor:{}", user.id)
}

/// The stored hash of a recovery code; `code` is normalized by [`CodeInput::parse`].
pub(super) fn recovery_hash(user: &User, code: &str) -> String {
    hash_secret(&format!("{}:{code}", user.id))
}
