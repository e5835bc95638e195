//! Second factor management: an account sets up, confirms and removes its own and renews recovery codes; an administrator
//! resets a lost one.

use std::collections::HashSet;

use super::audit::AuditEntry;
use super::second_step::{recovery_hash, vault_name, wrong_code};
use super::secrets::{hash_secret, random, verify_password};
use super::users::require_account;
use super::{Error, Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::totp::{CodeInput, RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES, TotpSecret, recovery_code};
use crate::domain::user::{Action, Actor, User};
use crate::storage::{Tx, account, identity, second_factor, sign_in};

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

/// The accounts that sign in with a second factor or through the identity provider.
#[derive(Debug, Clone, Default)]
pub struct SignInMethods {
    with_second_factor: HashSet<String>,
    linked: HashSet<String>,
}

impl SignInMethods {
    pub fn has_second_factor(&self, user: &User) -> bool {
        self.with_second_factor.contains(&user.id)
    }

    /// Whether the account is linked with the identity provider.
    pub fn is_linked(&self, user: &User) -> bool {
        self.linked.contains(&user.id)
    }
}

impl Service {
    /// The sign-in methods of all accounts.
    pub async fn sign_in_methods(&self, actor: &Actor) -> Result<SignInMethods> {
        allow(actor, Action::Administer)?;
        let mut reader = self.database().read().await?;
        let with_second_factor = second_factor::user_ids(&mut reader).await?.into_iter().collect();
        Ok(SignInMethods { with_second_factor, linked: identity::linked_user_ids(&mut reader).await?.into_iter().collect() })
    }

    /// Whether accounts that sign in by password must have a second factor.
    pub fn second_factor_required(&self) -> bool {
        self.0.deps.second_factor_required
    }

    /// The second-factor status of the actor's account.
    ///
    /// # Errors
    /// [`Error::Conflict`] if its secret cannot be decrypted.
    pub async fn second_factor(&self, actor: &Actor) -> Result<TwoFactorStatus> {
        let mut reader = self.database().read().await?;
        let (user, hash) = require_account(account::by_name(&mut reader, &actor.name).await?, &actor.name)?;
        match second_factor::get(&mut reader, &user.id).await? {
            None if hash.is_none() || identity::is_linked(&mut reader, &user.id).await? => Ok(TwoFactorStatus::NotApplicable),
            None => Ok(TwoFactorStatus::Off),
            Some(factor) if factor.confirmed_at.is_some() => {
                Ok(TwoFactorStatus::On { recovery_left: second_factor::count_recovery_codes(&mut reader, &user.id).await? })
            }
            Some(factor) => {
                let secret = self.decrypt_totp(&user, &factor.ciphertext)?;
                Ok(TwoFactorStatus::Pending(Enrolment { secret: secret.text(), uri: secret.uri(ISSUER, &user.name) }))
            }
        }
    }

    /// Creates a secret for the actor's account. It takes effect with [`Service::confirm_second_factor`].
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is a second factor already, or the account signs in without a password.
    pub async fn begin_second_factor(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.database().write().await?;
        let (user, hash) = require_account(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        if hash.is_none() || identity::is_linked(&mut tx, &user.id).await? {
            return Err(Error::Conflict("the account signs in without a password".to_owned()));
        }
        let secret = TotpSecret::new(&random::<SECRET_BYTES>()?);
        let ciphertext = self.vault().seal(&vault_name(&user), &secret.text())?;
        if !second_factor::begin(&mut tx, &user.id, &ciphertext, self.clock().now()).await? {
            return Err(Error::Conflict("there is a second factor already".to_owned()));
        }
        Ok(tx.commit().await?)
    }

    /// Confirms the actor's second factor and returns the recovery codes. Other sessions of the account end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong code, [`Error::Conflict`] if there is nothing to confirm,
    /// [`Error::TooManyRequests`] after several wrong codes.
    pub async fn confirm_second_factor(&self, actor: &Actor, code: &str, session: Option<&str>) -> Result<Vec<String>> {
        let key = [format!("code:{}", actor.name.to_lowercase())];
        self.check_throttle(&key)?;
        let mut tx = self.database().write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        let pending = second_factor::get(&mut tx, &user.id).await?.filter(|factor| factor.confirmed_at.is_none());
        let pending = pending.ok_or_else(|| Error::Conflict("there is nothing to confirm; start again".to_owned()))?;
        let right = match CodeInput::parse(code) {
            CodeInput::Code(code) => self.consume_totp(&mut tx, &user, &pending.ciphertext, &code).await?,
            CodeInput::Recovery(_) => false,
        };
        if !right {
            return Err(Error::invalid("/code", "code: is not the current code of this secret"));
        }
        second_factor::confirm(&mut tx, &user.id, self.clock().now()).await?;
        let codes = self.new_recovery_codes(&mut tx, &user).await?;
        sign_in::delete_sessions_of(&mut tx, &user.id, session.map(hash_secret).as_deref()).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::SecondFactorEnrol, "user", &user.name)).await?;
        tx.commit().await?;
        self.0.throttle.reset(&key[0]);
        tracing::info!(user = user.name, "second factor set up");
        Ok(codes)
    }

    /// Removes the actor's second factor; requires the password and a code or recovery code.
    ///
    /// # Errors
    /// [`Error::Invalid`] if either is wrong, [`Error::TooManyRequests`] after several.
    pub async fn remove_second_factor(&self, actor: &Actor, password: &str, code: &str) -> Result<()> {
        let user = self.verify_password_and_code(actor, password, code).await?;
        let mut tx = self.database().write().await?;
        second_factor::remove(&mut tx, &user.id).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::SecondFactorRemove, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, "second factor removed");
        Ok(())
    }

    /// Replaces the actor's recovery codes; requires the password and a code.
    pub async fn renew_recovery_codes(&self, actor: &Actor, password: &str, code: &str) -> Result<Vec<String>> {
        let user = self.verify_password_and_code(actor, password, code).await?;
        let mut tx = self.database().write().await?;
        let codes = self.new_recovery_codes(&mut tx, &user).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::RecoveryRenew, "user", &user.name)).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Removes a second factor that is not confirmed yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is confirmed.
    pub async fn abandon_second_factor(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.database().write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        if second_factor::get(&mut tx, &user.id).await?.is_some_and(|factor| factor.confirmed_at.is_some()) {
            return Err(Error::Conflict("there is a second factor already".to_owned()));
        }
        second_factor::remove(&mut tx, &user.id).await?;
        Ok(tx.commit().await?)
    }

    /// Removes the lost second factor of an account; its sessions end.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NotFound`] if the account does not exist or has no second factor.
    pub async fn reset_second_factor(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        if !second_factor::remove(&mut tx, &user.id).await? {
            return Err(Error::NotFound(format!("the account '{}' has no second factor", user.name)));
        }
        second_factor::delete_pending(&mut tx, &user.id).await?;
        sign_in::delete_sessions_of(&mut tx, &user.id, None).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::SecondFactorReset, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "second factor reset");
        Ok(())
    }

    /// Verifies the password and a second-factor code of the actor; returns its account.
    async fn verify_password_and_code(&self, actor: &Actor, password: &str, code: &str) -> Result<User> {
        let key = [format!("code:{}", actor.name.to_lowercase())];
        self.check_throttle(&key)?;
        let account = account::by_name(&mut self.database().read().await?, &actor.name).await?;
        let (user, hash) = require_account(account, &actor.name)?;
        if !verify_password(password, hash.as_deref()).await? {
            return Err(Error::invalid("/present", "present: is not the current password"));
        }
        let mut tx = self.database().write().await?;
        if self.consume_code(&mut tx, &user, code).await?.is_none() {
            self.record_refused_code(&mut tx, actor).await?;
            tx.commit().await?;
            return Err(Error::invalid("/code", format!("code: {}", wrong_code())));
        }
        tx.commit().await?;
        self.0.throttle.reset(&key[0]);
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
