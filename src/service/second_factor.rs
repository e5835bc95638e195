//! Second factor management: an account sets up, confirms and removes its own and renews recovery codes; an administrator
//! resets a lost one.

use std::sync::Arc;

use super::account_checks::require_account;
use super::attempt_guard::AttemptGuard;
use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::hashing::{hash_secret, random, verify_password};
use super::second_factor_codes::{CodeVerifier, recovery_hash, vault_name, wrong_code};
use super::throttle::Subject;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::totp::{CodeInput, RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES, TotpSecret, recovery_code};
use crate::domain::user::{Action, Actor, User};
use crate::i18n::message;
use crate::storage::{Database, Tx, account, identity, second_factor, sign_in};
use crate::vault::Vault;

/// The issuer shown in authenticator apps.
const ISSUER: &str = "Belfry";

/// The second-factor status of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TwoFactorStatus {
    /// The account signs in without a password; the identity provider handles second factors.
    NotApplicable,
    Off,
    /// Set up, but not confirmed by a code yet.
    Pending(Enrolment),
    /// Required at every sign-in; with the number of recovery codes left.
    On {
        recovery_left: i64,
    },
}

/// The data for an authenticator app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The secret in base32, for manual entry.
    pub secret: String,
    /// The `otpauth://` URI, for the QR code.
    pub uri: String,
}

/// Manages the second factors of accounts.
#[derive(Clone)]
pub struct SecondFactorService {
    database: Database,
    clock: SharedClock,
    vault: Arc<Vault>,
    attempts: AttemptGuard,
    audit_log: AuditLog,
    codes: CodeVerifier,
    required: bool,
}

impl SecondFactorService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, vault }, shared { attempts, audit_log, codes }, { required: deps.second_factor_required })
    }

    /// Whether accounts that sign in by password must have a second factor.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// The second-factor status of the actor's account.
    ///
    /// # Errors
    /// [`Error::Conflict`] if its secret cannot be decrypted.
    pub async fn status(&self, actor: &Actor) -> Result<TwoFactorStatus> {
        let mut reader = self.database.read().await?;
        let (user, hash) = require_account(account::by_name(&mut reader, &actor.name).await?, &actor.name)?;
        match second_factor::get(&mut reader, &user.id).await? {
            None if hash.is_none() || identity::is_linked(&mut reader, &user.id).await? => Ok(TwoFactorStatus::NotApplicable),
            None => Ok(TwoFactorStatus::Off),
            Some(factor) if factor.confirmed_at.is_some() => {
                Ok(TwoFactorStatus::On { recovery_left: second_factor::count_recovery_codes(&mut reader, &user.id).await? })
            }
            Some(factor) => {
                let secret = self.codes.decrypt_totp(&user, &factor.ciphertext)?;
                Ok(TwoFactorStatus::Pending(Enrolment { secret: secret.text(), uri: secret.uri(ISSUER, &user.name) }))
            }
        }
    }

    /// Creates a secret for the actor's account. It takes effect with [`SecondFactorService::confirm`].
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is a second factor already, or the account signs in without a password.
    pub async fn begin(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (user, hash) = require_account(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        if hash.is_none() || identity::is_linked(&mut tx, &user.id).await? {
            return Err(Error::Conflict(message!("account.without_password")));
        }
        let secret = TotpSecret::new(random::<SECRET_BYTES>()?);
        let ciphertext = self.vault.seal(&vault_name(&user), &secret.text())?;
        if !second_factor::begin(&mut tx, &user.id, &ciphertext, self.clock.now()).await? {
            return Err(Error::Conflict(message!("second_factor.exists")));
        }
        Ok(tx.commit().await?)
    }

    /// Confirms the actor's second factor and returns the recovery codes. Other sessions of the account end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong code, [`Error::Conflict`] if there is nothing to confirm,
    /// [`Error::TooManyRequests`] after several wrong codes.
    pub async fn confirm(&self, actor: &Actor, code: &str, session: Option<&str>) -> Result<Vec<String>> {
        self.attempts.check(Subject::Code(&actor.name), actor).await?;
        let mut tx = self.database.write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        let pending = second_factor::get(&mut tx, &user.id).await?.filter(|factor| factor.confirmed_at.is_none());
        let pending = pending.ok_or_else(|| Error::Conflict(message!("second_factor.nothing_to_confirm")))?;
        let right = match CodeInput::parse(code) {
            CodeInput::Code(code) => self.codes.consume_totp(&mut tx, &user, &pending.ciphertext, &code).await?,
            CodeInput::Recovery(_) => false,
        };
        if !right {
            return Err(Error::invalid("/code", message!("second_factor.not_current_code").of("code")));
        }
        second_factor::confirm(&mut tx, &user.id, self.clock.now()).await?;
        let codes = self.new_recovery_codes(&mut tx, &user).await?;
        sign_in::delete_sessions_of(&mut tx, &user.id, session.map(hash_secret).as_deref()).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::SecondFactorEnrol, "user", &user.name)).await?;
        tx.commit().await?;
        self.attempts.succeed(Subject::Code(&actor.name), actor.address.as_deref());
        tracing::info!(user = user.name, "second factor set up");
        Ok(codes)
    }

    /// Removes the actor's second factor; requires the password and a code or recovery code.
    ///
    /// # Errors
    /// [`Error::Invalid`] if either is wrong, [`Error::TooManyRequests`] after several.
    pub async fn remove(&self, actor: &Actor, password: &str, code: &str) -> Result<()> {
        let user = self.verify_password_and_code(actor, password, code).await?;
        let mut tx = self.database.write().await?;
        second_factor::remove(&mut tx, &user.id).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::SecondFactorRemove, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, "second factor removed");
        Ok(())
    }

    /// Replaces the actor's recovery codes; requires the password and a code.
    pub async fn renew_recovery_codes(&self, actor: &Actor, password: &str, code: &str) -> Result<Vec<String>> {
        let user = self.verify_password_and_code(actor, password, code).await?;
        let mut tx = self.database.write().await?;
        let codes = self.new_recovery_codes(&mut tx, &user).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::RecoveryRenew, "user", &user.name)).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Removes a second factor that is not confirmed yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is confirmed.
    pub async fn abandon(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        if second_factor::get(&mut tx, &user.id).await?.is_some_and(|factor| factor.confirmed_at.is_some()) {
            return Err(Error::Conflict(message!("second_factor.exists")));
        }
        second_factor::remove(&mut tx, &user.id).await?;
        Ok(tx.commit().await?)
    }

    /// Removes the lost second factor of an account; its sessions end.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NotFound`] if the account does not exist or has no second factor.
    pub async fn reset(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database.write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        if !second_factor::remove(&mut tx, &user.id).await? {
            return Err(Error::NotFound(message!("second_factor.missing", name = &user.name)));
        }
        second_factor::delete_pending(&mut tx, &user.id).await?;
        sign_in::delete_sessions_of(&mut tx, &user.id, None).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::SecondFactorReset, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "second factor reset");
        Ok(())
    }

    /// Verifies the password and a second-factor code of the actor; returns its account.
    async fn verify_password_and_code(&self, actor: &Actor, password: &str, code: &str) -> Result<User> {
        self.attempts.check(Subject::Code(&actor.name), actor).await?;
        let account = account::by_name(&mut self.database.read().await?, &actor.name).await?;
        let (user, hash) = require_account(account, &actor.name)?;
        if !verify_password(password, hash.as_deref()).await? {
            return Err(Error::invalid("/present", message!("account.not_current_password").of("present")));
        }
        let mut tx = self.database.write().await?;
        if self.codes.consume_code(&mut tx, &user, code).await?.is_none() {
            self.codes.record_refused_code(&mut tx, actor).await?;
            tx.commit().await?;
            return Err(Error::invalid("/code", wrong_code().message().of("code")));
        }
        tx.commit().await?;
        self.attempts.succeed(Subject::Code(&actor.name), actor.address.as_deref());
        Ok(user)
    }

    async fn new_recovery_codes(&self, tx: &mut Tx, user: &User) -> Result<Vec<String>> {
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            codes.push(recovery_code(&random::<RECOVERY_BYTES>()?));
        }
        let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(user, &code.replace('-', "").to_uppercase())).collect();
        second_factor::replace_recovery_codes(tx, &user.id, &hashes).await?;
        Ok(codes)
    }
}
