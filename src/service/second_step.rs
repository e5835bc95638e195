//! The second step of a sign-in: a code of the second factor, or a recovery code in its place.

use chrono::Duration;

use super::audit::Told;
use super::secrets::{hash_secret, new_secret};
use super::{Error, Result, Service};
use crate::domain::audit::Act;
use crate::domain::totp::{TotpSecret, Typed};
use crate::domain::user::{Actor, Role, User, Via};
use crate::storage::{Tx, second_factor};

/// How long one may take between the two steps.
const PENDING: Duration = Duration::minutes(5);
/// Wrong codes after which the password is asked for anew.
const MOST_TRIES: i64 = 5;

/// A sign-in that came through.
#[derive(Debug)]
pub struct Entered {
    pub user: User,
    /// For the cookie.
    pub session: String,
    /// Recovery codes left, where one was used.
    pub recovery_left: Option<i64>,
}

impl Service {
    /// Keeps that the password was right; answers the secret that stands for it.
    pub(super) async fn await_second_step(&self, tx: &mut Tx, user: &User) -> Result<String> {
        let (secret, now) = (new_secret()?, self.clock().now());
        second_factor::insert_pending(tx, &hash_secret(&secret), &user.id, now, now + PENDING).await?;
        Ok(secret)
    }

    /// Whether a sign-in waits for its second step under this secret.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn awaits_second_step(&self, pending: &str) -> Result<bool> {
        let now = self.clock().now();
        Ok(second_factor::pending(&mut self.database().read().await?, &hash_secret(pending), now).await?.is_some())
    }

    /// Ends a sign-in with a code or a recovery code.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no sign-in waits (any more): the password is asked for anew. [`Error::Unauthorized`] for a
    /// wrong code or one that was used, [`Error::TooManyRequests`] after several.
    pub async fn finish_sign_in(&self, pending: &str, code: &str, address: Option<&str>) -> Result<Entered> {
        let (now, hash) = (self.clock().now(), hash_secret(pending));
        let found = second_factor::pending(&mut self.database().read().await?, &hash, now).await?;
        let user = found.ok_or_else(|| Error::NotFound("this sign-in has ended; begin anew".to_owned()))?;
        let by_account = format!("code:{}", user.id);
        let keys: Vec<String> = address.map(|from| format!("address:{from}")).into_iter().chain([by_account.clone()]).collect();
        self.may_try(&keys)?;
        let tried = Actor::new(&user.name, Role::Viewer, Via::Page).at(address.map(str::to_owned));
        let mut tx = self.database().write().await?;
        let Some(way) = self.take_code(&mut tx, &user, code).await? else {
            second_factor::failed(&mut tx, &hash, MOST_TRIES).await?;
            self.code_refused(&mut tx, &tried).await?;
            tx.commit().await?;
            return Err(wrong_code());
        };
        second_factor::end_pending_of(&mut tx, &user.id).await?;
        let recovery_left = match way {
            Way::Code => None,
            Way::Recovery => {
                self.tell(&mut tx, &tried, Told::of(Act::RecoveryUse, "user", &user.name)).await?;
                Some(second_factor::recovery_left(&mut tx, &user.id).await?)
            }
        };
        let session = self.open_session(&mut tx, &user, &tried, false).await?;
        tx.commit().await?;
        self.0.throttle.take_back(&keys);
        self.0.throttle.succeeded(&by_account);
        self.0.throttle.succeeded(&format!("user:{}", user.name.to_lowercase()));
        tracing::info!(user = user.name, address, recovery = recovery_left.is_some(), "signed in with a second factor");
        Ok(Entered { user, session, recovery_left })
    }

    /// Notes a wrong code.
    pub(super) async fn code_refused(&self, tx: &mut Tx, tried: &Actor) -> Result<()> {
        tracing::warn!(user = tried.name, address = tried.address, "a code of the second factor was refused");
        self.tell(tx, tried, Told::of(Act::SecondFactorRefused, "user", &tried.name)).await
    }

    /// Takes a code of a confirmed second factor, or a recovery code; each once. `None` where it is neither.
    pub(super) async fn take_code(&self, tx: &mut Tx, user: &User, typed: &str) -> Result<Option<Way>> {
        let code = match Typed::read(typed) {
            Typed::Recovery(code) => {
                let taken = second_factor::take_recovery(tx, &user.id, &recovery_hash(user, &code)).await?;
                return Ok(taken.then_some(Way::Recovery));
            }
            Typed::Code(code) => code,
        };
        let Some(factor) = second_factor::of(tx, &user.id).await?.filter(|factor| factor.confirmed_at.is_some()) else {
            return Ok(None);
        };
        let taken = self.take_totp(tx, user, &factor.sealed, &code).await?;
        Ok(taken.then_some(Way::Code))
    }

    /// Whether this is a code of the secret that was not taken before; from now on it is.
    pub(super) async fn take_totp(&self, tx: &mut Tx, user: &User, sealed: &str, code: &str) -> Result<bool> {
        let secret = self.open_totp(user, sealed)?;
        match secret.step_of(code, self.clock().now()) {
            Some(step) => Ok(second_factor::take_step(tx, &user.id, step).await?),
            None => Ok(false),
        }
    }

    /// The secret of a second factor.
    pub(super) fn open_totp(&self, user: &User, sealed: &str) -> Result<TotpSecret> {
        let text = self.vault().open(&vault_name(user), sealed)?;
        TotpSecret::parse(&text).ok_or_else(|| Error::Internal("a second factor's secret does not read".into()))
    }
}

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Code,
    Recovery,
}

pub(super) fn wrong_code() -> Error {
    Error::Unauthorized("the code is wrong or was used already".to_owned())
}

/// The name under which the vault encrypts the secret: it opens for this account alone.
pub(super) fn vault_name(user: &User) -> String {
    format!("second-factor:{}", user.id)
}

/// The form in which a recovery code is kept; `code` as [`Typed::read`] gives it.
pub(super) fn recovery_hash(user: &User, code: &str) -> String {
    hash_secret(&format!("{}:{code}", user.id))
}
