//! Sessions: the actor of a session or token, and the end of sessions.

use chrono::Duration;

use super::account_checks::require_account;
use super::actors::{account_actor, token_actor};
use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::hashing::{hash_secret, new_secret};
use super::recent_values::RecentValues;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::user::{Action, Actor, User, Via};
use crate::i18n::message;
use crate::storage::sign_in::{ActiveSession, ActiveToken, CredentialKind};
use crate::storage::{self, Database, account, second_factor, sign_in};

/// The maximum length of a session secret or token, in bytes; longer ones are not looked up.
const MAX_SECRET: usize = 512;
/// The minimum interval between updates of a credential's last use.
const TOUCH_INTERVAL: Duration = Duration::minutes(1);

/// The credential of a request. Never stored or logged.
#[derive(Clone)]
pub enum Credential {
    Session(String, Via),
    Token(String),
}

/// Creates, checks and ends sessions; checks tokens.
#[derive(Clone)]
pub struct SessionService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
    /// By the hash of the secret.
    recent_sessions: RecentValues<String, ActiveSession>,
    recent_tokens: RecentValues<String, ActiveToken>,
    /// The maximum lifetime of a session.
    lifetime: Duration,
    /// The maximum idle time of a session.
    max_idle: Duration,
    /// True: accounts that sign in by password must set up a second factor.
    second_factor_required: bool,
}

impl SessionService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            audit_log: shared.audit_log.clone(),
            recent_sessions: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
            recent_tokens: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
            lifetime: deps.session,
            max_idle: deps.session_idle,
            second_factor_required: deps.second_factor_required,
        }
    }

    /// Creates a session in the transaction of the sign-in and returns its secret. `claimed` is the client that signs in.
    pub(super) async fn create(&self, tx: &mut storage::Tx, user: &User, claimed: &Actor, by_provider: bool) -> Result<String> {
        let (secret, now) = (new_secret()?, self.clock.now());
        let ends = now + self.lifetime;
        sign_in::insert_session(tx, &hash_secret(&secret), &user.id, now, ends, by_provider).await?;
        account::touch(tx, &user.id, now).await?;
        let actor = Actor { name: user.name.clone(), role: user.role, ..claimed.clone() };
        self.audit_log.record(tx, &actor, AuditEntry::new(AuditEvent::SignIn, "user", &user.name)).await?;
        Ok(secret)
    }

    /// Ends a session; succeeds if it does not exist.
    pub async fn sign_out(&self, session: &str) -> Result<()> {
        let actor = self.authenticate(session, Via::Page).await?.map(|(actor, _)| actor);
        let mut tx = self.database.write().await?;
        sign_in::delete_session(&mut tx, &hash_secret(session), self.clock.now()).await?;
        if let Some(actor) = actor {
            self.audit_log.record(&mut tx, &actor, AuditEntry::new(AuditEvent::SignOut, "user", &actor.name)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The actor of a session, if it is valid.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the account must set up a second factor first.
    pub async fn actor_by_session(&self, session: &str, via: Via) -> Result<Option<Actor>> {
        match self.authenticate(session, via).await? {
            Some((_, true)) => Err(Error::Forbidden(message!("second_factor.required"))),
            found => Ok(found.map(|(actor, _)| actor)),
        }
    }

    /// The actor of a session, if it is valid, and whether the account must set up a second factor first.
    pub async fn authenticate(&self, session: &str, via: Via) -> Result<Option<(Actor, bool)>> {
        if session.is_empty() || session.len() > MAX_SECRET {
            return Ok(None);
        }
        let (now, hash) = (self.clock.now(), hash_secret(session));
        let idle_since = now - self.max_idle;
        let find = async { sign_in::by_session(&mut self.database.read().await?, &hash, now, idle_since).await };
        let Some(found) = self.recent_sessions.get_or_find(hash.clone(), find).await? else { return Ok(None) };
        if now - found.used_at >= TOUCH_INTERVAL {
            self.touch_credential(&found.user, CredentialKind::Session, &hash).await?;
            self.recent_sessions.forget(&hash);
        }
        let must_enrol = self.second_factor_required && found.password_only;
        Ok(Some((account_actor(found.user, via), must_enrol)))
    }

    /// The actor of a token, if it is valid.
    pub async fn actor_by_token(&self, token: &str) -> Result<Option<Actor>> {
        if token.is_empty() || token.len() > MAX_SECRET {
            return Ok(None);
        }
        let (now, hash) = (self.clock.now(), hash_secret(token));
        let find = async { sign_in::by_token(&mut self.database.read().await?, &hash, now).await };
        let found = self.recent_tokens.get_or_find(hash.clone(), find).await?;
        let Some(known) = found.filter(|known| known.expires_at.is_none_or(|end| end > now)) else { return Ok(None) };
        if known.used_at.is_none_or(|at| now - at >= TOUCH_INTERVAL) {
            self.touch_credential(&known.user, CredentialKind::Token, &hash).await?;
            self.recent_tokens.forget(&hash);
        }
        Ok(Some(token_actor(known)))
    }

    /// Checks the credential of a long-lived connection again; `None` if the session or token has ended. Does not count as
    /// use.
    pub async fn revalidate(&self, credential: &Credential) -> Result<Option<Actor>> {
        let now = self.clock.now();
        let mut reader = self.database.read().await?;
        Ok(match credential {
            Credential::Session(secret, via) => {
                let idle_since = now - self.max_idle;
                let found = sign_in::by_session(&mut reader, &hash_secret(secret), now, idle_since).await?;
                found.map(|found| account_actor(found.user, *via))
            }
            Credential::Token(secret) => sign_in::by_token(&mut reader, &hash_secret(secret), now).await?.map(token_actor),
        })
    }

    async fn touch_credential(&self, user: &User, credential: CredentialKind, secret_hash: &str) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        sign_in::touch(&mut tx, credential, secret_hash, now).await?;
        account::touch(&mut tx, &user.id, now).await?;
        Ok(tx.commit().await?)
    }

    /// Ends all sessions of the actor's account, including the current one; tokens stay.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`] with a restricted token.
    pub async fn end_own(&self, actor: &Actor) -> Result<()> {
        self.end_all(actor, &actor.name).await
    }

    /// Ends all sessions of an account; tokens stay.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::NotFound`].
    pub async fn end_all_of(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        self.end_all(actor, name).await
    }

    async fn end_all(&self, actor: &Actor, name: &str) -> Result<()> {
        if !actor.may_end_credentials() {
            return Err(Error::Forbidden(message!("token.restricted")));
        }
        let mut tx = self.database.write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        sign_in::delete_sessions_of(&mut tx, &user.id, None).await?;
        second_factor::delete_pending(&mut tx, &user.id).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::SessionsEnd, "user", &user.name)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "all sessions ended");
        Ok(())
    }
}
