//! Second-factor codes: verifies TOTP and recovery codes; each is accepted once.

use std::sync::Arc;

use super::audit_log::{AuditEntry, AuditLog};
use super::hashing::hash_secret;
use super::{Error, Result};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::totp::{CodeInput, TotpSecret};
use crate::domain::user::{Actor, User};
use crate::i18n::message;
use crate::storage::{Tx, second_factor};
use crate::vault::Vault;

/// The kind of code that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeKind {
    Code,
    Recovery,
}

/// Verifies the codes of second factors.
#[derive(Clone)]
pub(super) struct CodeVerifier {
    clock: SharedClock,
    vault: Arc<Vault>,
    audit_log: AuditLog,
}

impl CodeVerifier {
    pub fn new(clock: SharedClock, vault: Arc<Vault>, audit_log: AuditLog) -> Self {
        Self { clock, vault, audit_log }
    }

    /// Logs and audits a wrong code.
    pub async fn record_refused_code(&self, tx: &mut Tx, claimed: &Actor) -> Result<()> {
        tracing::warn!(user = claimed.name, address = claimed.address, "second-factor code refused");
        self.audit_log.record(tx, claimed, AuditEntry::new(AuditEvent::SecondFactorRefused, "user", &claimed.name)).await
    }

    /// Consumes a code of a confirmed second factor, or a recovery code; each is accepted once. `None` if it is invalid.
    pub async fn consume_code(&self, tx: &mut Tx, user: &User, typed: &str) -> Result<Option<CodeKind>> {
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
    pub async fn consume_totp(&self, tx: &mut Tx, user: &User, ciphertext: &str, code: &str) -> Result<bool> {
        let secret = self.decrypt_totp(user, ciphertext)?;
        match secret.matching_step(code, self.clock.now()) {
            Some(step) => Ok(second_factor::use_step(tx, &user.id, step).await?),
            None => Ok(false),
        }
    }

    /// Decrypts the secret of a second factor.
    pub fn decrypt_totp(&self, user: &User, ciphertext: &str) -> Result<TotpSecret> {
        let text = self.vault.open(&vault_name(user), ciphertext)?;
        TotpSecret::parse(&text).ok_or_else(|| Error::Internal("the stored second-factor secret is invalid".into()))
    }
}

pub(super) fn wrong_code() -> Error {
    Error::Unauthorized(message!("sign_in.wrong_code"))
}

/// The vault's associated name of the secret, which binds it to this account.
pub(super) fn vault_name(user: &User) -> String {
    format!("second-factor:{}", user.id)
}

/// The stored hash of a recovery code; `code` is normalized by [`CodeInput::parse`].
pub(super) fn recovery_hash(user: &User, code: &str) -> String {
    hash_secret(&format!("{}:{code}", user.id))
}
