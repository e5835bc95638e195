//! The second factor of one's own account: set up, confirmed, switched off, its recovery codes made anew; and taken away by an
//! administrator where somebody lost it.

use std::collections::HashSet;

use super::audit::Told;
use super::second_step::{recovery_hash, vault_name, wrong_code};
use super::secrets::{hash_secret, random, verify_password};
use super::users::found;
use super::{Error, Result, Service, allow};
use crate::domain::audit::Act;
use crate::domain::totp::{RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES, TotpSecret, Typed, recovery_code};
use crate::domain::user::{Action, Actor, User};
use crate::storage::{Tx, account, identity, second_factor, sign_in};

/// Who is named as the issuer of codes, in the lists of phones.
const ISSUER: &str = "Belfry";

/// How the second factor of an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The account signs in without a password; its second factor is the identity provider's business.
    NotHere,
    Off,
    /// To be confirmed by a code.
    Begun(Enrolment),
    /// Asked for at every sign-in; so many recovery codes are left.
    On {
        recovery_left: i64,
    },
}

/// What a phone must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// For typing: base32.
    pub secret: String,
    /// For the picture.
    pub uri: String,
}

/// Which accounts sign in otherwise than by a password alone.
#[derive(Debug, Clone, Default)]
pub struct WaysIn {
    with_second_factor: HashSet<String>,
    linked: HashSet<String>,
}

impl WaysIn {
    pub fn has_second_factor(&self, user: &User) -> bool {
        self.with_second_factor.contains(&user.id)
    }

    /// Whether an identity provider vouches for the account.
    pub fn is_linked(&self, user: &User) -> bool {
        self.linked.contains(&user.id)
    }
}

impl Service {
    /// How accounts sign in.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Internal`].
    pub async fn ways_in(&self, actor: &Actor) -> Result<WaysIn> {
        allow(actor, Action::Administer)?;
        let mut reader = self.database().read().await?;
        let with_second_factor = second_factor::holders(&mut reader).await?.into_iter().collect();
        Ok(WaysIn { with_second_factor, linked: identity::linked(&mut reader).await?.into_iter().collect() })
    }

    /// Whether everybody who signs in by password must have a second factor.
    pub fn second_factor_required(&self) -> bool {
        self.0.parts.second_factor_required
    }

    /// How one's own second factor stands.
    ///
    /// # Errors
    /// [`Error::Conflict`] where its secret does not open, [`Error::Internal`].
    pub async fn second_factor(&self, actor: &Actor) -> Result<Standing> {
        let mut reader = self.database().read().await?;
        let (user, hash) = found(account::by_name(&mut reader, &actor.name).await?, &actor.name)?;
        match second_factor::of(&mut reader, &user.id).await? {
            None if hash.is_none() || identity::is_linked(&mut reader, &user.id).await? => Ok(Standing::NotHere),
            None => Ok(Standing::Off),
            Some(factor) if factor.confirmed_at.is_some() => {
                Ok(Standing::On { recovery_left: second_factor::recovery_left(&mut reader, &user.id).await? })
            }
            Some(factor) => {
                let secret = self.open_totp(&user, &factor.sealed)?;
                Ok(Standing::Begun(Enrolment { secret: secret.text(), uri: secret.uri(ISSUER, &user.name) }))
            }
        }
    }

    /// Makes a secret for one's own account. It counts once [`Service::confirm_second_factor`] was given a code of it.
    ///
    /// # Errors
    /// [`Error::Conflict`] where there is a second factor already, or the account signs in without a password.
    pub async fn begin_second_factor(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.database().write().await?;
        let (user, hash) = found(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        if hash.is_none() || identity::is_linked(&mut tx, &user.id).await? {
            return Err(Error::Conflict("the account signs in without a password".to_owned()));
        }
        let secret = TotpSecret::new(&random::<SECRET_BYTES>()?);
        let sealed = self.vault().seal(&vault_name(&user), &secret.text())?;
        if !second_factor::begin(&mut tx, &user.id, &sealed, self.clock().now()).await? {
            return Err(Error::Conflict("there is a second factor already".to_owned()));
        }
        Ok(tx.commit().await?)
    }

    /// Makes one's own second factor count, and answers the recovery codes. Other sessions of the account end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong code, [`Error::Conflict`] where nothing is to be confirmed,
    /// [`Error::TooManyRequests`] after several wrong codes.
    pub async fn confirm_second_factor(&self, actor: &Actor, code: &str, session: Option<&str>) -> Result<Vec<String>> {
        let key = [format!("code:{}", actor.name.to_lowercase())];
        self.may_try(&key)?;
        let mut tx = self.database().write().await?;
        let (user, _) = found(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        let begun = second_factor::of(&mut tx, &user.id).await?.filter(|factor| factor.confirmed_at.is_none());
        let begun = begun.ok_or_else(|| Error::Conflict("there is nothing to confirm; begin anew".to_owned()))?;
        let right = match Typed::read(code) {
            Typed::Code(code) => self.take_totp(&mut tx, &user, &begun.sealed, &code).await?,
            Typed::Recovery(_) => false,
        };
        if !right {
            return Err(Error::invalid("/code", "code: is not the present one of this secret"));
        }
        second_factor::confirm(&mut tx, &user.id, self.clock().now()).await?;
        let codes = self.new_recovery(&mut tx, &user).await?;
        sign_in::end_sessions_of(&mut tx, &user.id, session.map(hash_secret).as_deref()).await?;
        self.tell(&mut tx, actor, Told::of(Act::SecondFactorEnrol, "user", &user.name)).await?;
        tx.commit().await?;
        self.0.throttle.succeeded(&key[0]);
        tracing::info!(user = user.name, "second factor set up");
        Ok(codes)
    }

    /// Switches one's own second factor off; takes the password and a code or recovery code. One that is not confirmed yet
    /// needs neither.
    ///
    /// # Errors
    /// [`Error::Invalid`] where either is wrong, [`Error::TooManyRequests`] after several.
    pub async fn remove_second_factor(&self, actor: &Actor, password: &str, code: &str) -> Result<()> {
        let user = self.admitted_to_second_factor(actor, password, code).await?;
        let mut tx = self.database().write().await?;
        second_factor::remove(&mut tx, &user.id).await?;
        self.tell(&mut tx, actor, Told::of(Act::SecondFactorRemove, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, "second factor switched off");
        Ok(())
    }

    /// Makes one's own recovery codes anew; the former ones hold no longer. Takes the password and a code.
    ///
    /// # Errors
    /// As [`Service::remove_second_factor`].
    pub async fn renew_recovery_codes(&self, actor: &Actor, password: &str, code: &str) -> Result<Vec<String>> {
        let user = self.admitted_to_second_factor(actor, password, code).await?;
        let mut tx = self.database().write().await?;
        let codes = self.new_recovery(&mut tx, &user).await?;
        self.tell(&mut tx, actor, Told::of(Act::RecoveryRenew, "user", &user.name)).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Gives up a second factor that is not confirmed yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] where it is confirmed.
    pub async fn abandon_second_factor(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.database().write().await?;
        let (user, _) = found(account::by_name(&mut tx, &actor.name).await?, &actor.name)?;
        if second_factor::of(&mut tx, &user.id).await?.is_some_and(|factor| factor.confirmed_at.is_some()) {
            return Err(Error::Conflict("there is a second factor already".to_owned()));
        }
        second_factor::remove(&mut tx, &user.id).await?;
        Ok(tx.commit().await?)
    }

    /// Takes somebody's second factor away, who lost it; their sessions end.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] where there is no such account or it has none.
    pub async fn reset_second_factor(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        let (user, _) = found(account::by_name(&mut tx, name).await?, name)?;
        if !second_factor::remove(&mut tx, &user.id).await? {
            return Err(Error::NotFound(format!("the account '{}' has no second factor", user.name)));
        }
        second_factor::end_pending_of(&mut tx, &user.id).await?;
        sign_in::end_sessions_of(&mut tx, &user.id, None).await?;
        self.tell(&mut tx, actor, Told::of(Act::SecondFactorReset, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "second factor reset");
        Ok(())
    }

    /// The account behind `actor`, once its password and a code of its second factor were given.
    async fn admitted_to_second_factor(&self, actor: &Actor, password: &str, code: &str) -> Result<User> {
        let key = [format!("code:{}", actor.name.to_lowercase())];
        self.may_try(&key)?;
        let account = account::by_name(&mut self.database().read().await?, &actor.name).await?;
        let (user, hash) = found(account, &actor.name)?;
        if !verify_password(password, hash.as_deref()).await? {
            return Err(Error::invalid("/present", "present: is not the present password"));
        }
        let mut tx = self.database().write().await?;
        if self.take_code(&mut tx, &user, code).await?.is_none() {
            self.code_refused(&mut tx, actor).await?;
            tx.commit().await?;
            return Err(Error::invalid("/code", format!("code: {}", wrong_code())));
        }
        tx.commit().await?;
        self.0.throttle.succeeded(&key[0]);
        Ok(user)
    }

    async fn new_recovery(&self, tx: &mut Tx, user: &User) -> Result<Vec<String>> {
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            codes.push(recovery_code(&random::<RECOVERY_BYTES>()?));
        }
        let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(user, &code.replace('-', "").to_uppercase())).collect();
        second_factor::set_recovery(tx, &user.id, &hashes).await?;
        Ok(codes)
    }
}
