//! Sign-in by password, the first of two steps for accounts with a second factor.

use super::attempt_guard::AttemptGuard;
use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::hashing::verify_password;
use super::second_factor_codes::CodeVerifier;
use super::sessions::SessionService;
use super::throttle::Subject;
use super::{Error, Result};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::user::{Actor, MAX_PASSWORD, Role, User, Via};
use crate::i18n::message;
use crate::storage::{Database, account, second_factor};

/// The result of a sign-in by password.
#[derive(Debug)]
pub enum SignedIn {
    /// Signed in: the account, and the session secret for the cookie.
    Done(User, String),
    /// A second factor is required: the secret of the pending sign-in.
    SecondStep(String),
}

/// Signs in accounts by password and second factor.
#[derive(Clone)]
pub struct SignInService {
    pub(super) database: Database,
    pub(super) clock: SharedClock,
    pub(super) attempts: AttemptGuard,
    pub(super) audit_log: AuditLog,
    pub(super) codes: CodeVerifier,
    pub(super) sessions: SessionService,
}

impl SignInService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared, sessions: SessionService) -> Self {
        from_deps!(deps { database, clock }, shared { attempts, audit_log, codes }, { sessions })
    }

    /// Signs in an account without a second factor. Returns the session secret, for the cookie.
    ///
    /// # Errors
    /// As [`SignInService::by_password`]; [`Error::Unauthorized`] if the account has a second factor.
    pub async fn without_second_factor(&self, name: &str, password: &str, address: Option<&str>) -> Result<(User, String)> {
        match self.by_password(name, password, address).await? {
            SignedIn::Done(user, session) => Ok((user, session)),
            SignedIn::SecondStep(_) => Err(Error::Unauthorized(message!("sign_in.code_required"))),
        }
    }

    /// Signs in by password from a network address; with a second factor this is the first of two steps.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], identical for an unknown name, a wrong password and a disabled account;
    /// [`Error::TooManyRequests`] after several failed attempts for this account or from this address.
    pub async fn by_password(&self, name: &str, password: &str, address: Option<&str>) -> Result<SignedIn> {
        let claimed = Actor::new(truncate(name, 64), Role::Viewer, Via::Page).with_address(address.map(str::to_owned));
        self.attempts.check(Subject::Password(name), &claimed).await?;
        let found = account::by_name(&mut self.database.read().await?, name).await?;
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        let right = password.len() <= MAX_PASSWORD && verify_password(password, hash.as_deref()).await?;
        let Some(user) = user.filter(|user| right && !user.disabled) else {
            self.record_refused_sign_in(&claimed).await?;
            return Err(Error::Unauthorized(message!("sign_in.wrong_password")));
        };
        self.attempts.undo(Subject::Password(name), address);
        let mut tx = self.database.write().await?;
        let factor = second_factor::get(&mut tx, &user.id).await?;
        if factor.is_some_and(|factor| factor.confirmed_at.is_some()) {
            let pending = self.begin_second_step(&mut tx, &user).await?;
            tx.commit().await?;
            return Ok(SignedIn::SecondStep(pending));
        }
        self.attempts.succeed(Subject::Password(name), address);
        let session = self.sessions.create(&mut tx, &user, &claimed, false).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, address, "signed in");
        Ok(SignedIn::Done(user, session))
    }

    async fn record_refused_sign_in(&self, claimed: &Actor) -> Result<()> {
        tracing::warn!(user = claimed.name, address = claimed.address, "sign-in refused");
        let mut tx = self.database.write().await?;
        self.audit_log.record(&mut tx, claimed, AuditEntry::new(AuditEvent::SignInRefused, "user", &claimed.name)).await?;
        Ok(tx.commit().await?)
    }
}
