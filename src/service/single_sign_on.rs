//! Single sign-on with OpenID Connect: redirects to the identity provider and signs in the linked account on return. An
//! identity never takes over an existing local account of the same name.

mod error;

pub use error::SignInError;

use std::sync::Arc;

use chrono::Duration;
use serde_json::json;

use super::Error;
use super::account_checks::require_an_administrator;
use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::hashing::{hash_secret, new_secret};
use super::sessions::SessionService;
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::single_sign_on::VerifiedIdentity;
use crate::domain::user::{Actor, Role, User, Via};
use crate::ids::new_id;
use crate::oidc::{AuthorizationRequest, Provider};
use crate::storage::identity::PendingOidcLogin;
use crate::storage::{Database, Tx, account, identity, sign_in};

/// The time limit of a sign-in at the provider.
const LOGIN_LIFETIME: Duration = Duration::minutes(10);
/// The maximum number of pending sign-ins, so that nobody can fill the table.
const MAX_PENDING_LOGINS: i64 = 10_000;
/// The actor name in the audit log before the account is known.
const UNKNOWN: &str = "single sign-on";

/// The redirect to the identity provider.
#[derive(Debug, Clone)]
pub struct OidcRedirect {
    /// The authorization URL.
    pub url: String,
    /// The secret for a cookie that binds the sign-in to this browser.
    pub browser: String,
}

/// The unverified parameters of the callback request.
#[derive(Debug, Clone, Default)]
pub struct OidcCallback {
    pub code: String,
    pub state: String,
    /// The issuer parameter (RFC 9207), if any.
    pub issuer: Option<String>,
    /// The provider's error code, if any.
    pub error: Option<String>,
    /// The secret in the browser's cookie.
    pub browser: String,
}

/// A completed sign-in through the identity provider.
#[derive(Debug)]
pub struct OidcLogin {
    pub user: User,
    /// The session secret, for the cookie.
    pub session: String,
    /// The path to continue at.
    pub next: String,
}

type Result<T> = std::result::Result<T, SignInError>;

/// Signs in accounts through the identity provider.
#[derive(Clone)]
pub struct SingleSignOnService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
    sessions: SessionService,
    provider: Option<Arc<Provider>>,
}

impl SingleSignOnService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared, sessions: SessionService) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            audit_log: shared.audit_log.clone(),
            sessions,
            provider: deps.single_sign_on.clone(),
        }
    }

    /// The display name of the identity provider; `None` if there is none.
    pub fn provider_name(&self) -> Option<&str> {
        self.provider.as_ref().map(|provider| provider.settings().name.as_str())
    }

    fn provider(&self) -> Result<&Provider> {
        self.provider.as_deref().ok_or(SignInError::NotSetUp)
    }

    /// Starts a sign-in at the provider; `next` is the path to continue at afterwards.
    ///
    /// # Errors
    /// [`SignInError::NotSetUp`], [`SignInError::Provider`], [`SignInError::Crowded`].
    pub async fn start(&self, next: &str) -> Result<OidcRedirect> {
        let provider = self.provider()?;
        let request = AuthorizationRequest { state: new_secret()?, nonce: new_secret()?, verifier: new_secret()? };
        let browser = new_secret()?;
        let url = provider.authorization_url(&request).await.inspect_err(|error| {
            tracing::warn!(%error, issuer = provider.settings().issuer, "failed to reach the identity provider");
        })?;
        let pending = PendingOidcLogin {
            browser_hash: hash_secret(&browser),
            nonce: request.nonce,
            verifier: request.verifier,
            next: next.to_owned(),
        };
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        let state = hash_secret(&request.state);
        if !identity::insert_pending_login(&mut tx, &state, &pending, now, now + LOGIN_LIFETIME, MAX_PENDING_LOGINS).await? {
            return Err(SignInError::Crowded);
        }
        tx.commit().await?;
        Ok(OidcRedirect { url, browser })
    }

    /// Completes a sign-in with the parameters of the callback.
    ///
    /// # Errors
    /// The reason of the refusal, which is also logged and audited.
    pub async fn finish(&self, callback: &OidcCallback, address: Option<&str>) -> Result<OidcLogin> {
        let claimed = Actor::new(UNKNOWN, Role::Viewer, Via::Page).with_address(address.map(str::to_owned));
        let login = self.try_finish(callback, &claimed).await;
        if let Err(refused) = &login {
            self.record_refusal(refused, &claimed).await?;
        }
        login
    }

    async fn try_finish(&self, callback: &OidcCallback, claimed: &Actor) -> Result<OidcLogin> {
        let provider = self.provider()?;
        let pending = self.take_pending_login(callback).await?;
        if let Some(error) = &callback.error {
            return Err(SignInError::Denied(error.clone()));
        }
        provider.check_issuer(callback.issuer.as_deref()).await?;
        let identity = provider.identity(&callback.code, &pending.verifier, &pending.nonce).await?;
        let verified = provider.settings().evaluate_claims(&identity.subject, &identity.claims)?;
        let (user, session) = self.sign_in_identity(&provider.settings().issuer, verified, claimed).await?;
        tracing::info!(user = user.name, address = claimed.address, "signed in through the identity provider");
        Ok(OidcLogin { user, session, next: pending.next })
    }

    /// Takes the pending sign-in of a callback; it is consumed even if the sign-in fails later.
    async fn take_pending_login(&self, callback: &OidcCallback) -> Result<PendingOidcLogin> {
        let mut tx = self.database.write().await?;
        let pending = identity::take_pending_login(&mut tx, &hash_secret(&callback.state), self.clock.now()).await?;
        tx.commit().await?;
        pending.filter(|pending| pending.browser_hash == hash_secret(&callback.browser)).ok_or(SignInError::Stale)
    }

    async fn sign_in_identity(&self, issuer: &str, verified: VerifiedIdentity, claimed: &Actor) -> Result<(User, String)> {
        let mut tx = self.database.write().await?;
        let user = match identity::user_of(&mut tx, issuer, &verified.subject).await? {
            Some(user) if user.disabled => return Err(SignInError::Disabled(user.name)),
            Some(user) => self.update_role(&mut tx, user, verified.role, claimed).await?,
            None => self.create_linked_account(&mut tx, issuer, verified, claimed).await?,
        };
        let session = self.sessions.create(&mut tx, &user, claimed, true).await?;
        tx.commit().await?;
        Ok((user, session))
    }

    /// Sets the role of a linked account to the provider's; a changed role ends its other sessions.
    async fn update_role(&self, tx: &mut Tx, user: User, role: Role, claimed: &Actor) -> Result<User> {
        // An account limited to tags cannot be an administrator.
        let role = if user.tags.is_empty() { role } else { role.min(Role::Editor) };
        if user.role == role {
            return Ok(user);
        }
        let changed = User { role, ..user.clone() };
        account::update(tx, &changed).await?;
        require_an_administrator(tx).await.map_err(|error| match error {
            Error::Conflict(_) => SignInError::LastAdministrator,
            other => other.into(),
        })?;
        sign_in::delete_sessions_of(tx, &user.id, None).await?;
        let (before, after) = (json!({"role": user.role.as_str()}), json!({"role": role.as_str()}));
        let entry = AuditEntry::new(AuditEvent::UserUpdate, "user", &user.name).before(before).after(after);
        self.audit_log.record(tx, claimed, entry).await?;
        Ok(changed)
    }

    async fn create_linked_account(
        &self,
        tx: &mut Tx,
        issuer: &str,
        verified: VerifiedIdentity,
        claimed: &Actor,
    ) -> Result<User> {
        let now = self.clock.now();
        let user = User {
            id: new_id(now),
            name: verified.name?,
            role: verified.role,
            grants: Vec::new(),
            tags: Vec::new(),
            disabled: false,
            created_at: now,
            last_seen_at: None,
        };
        if account::by_name(tx, &user.name).await?.is_some() {
            return Err(SignInError::Taken(user.name));
        }
        account::insert(tx, &user, None).await?;
        identity::link(tx, issuer, &verified.subject, &user.id, now).await?;
        let shown = json!({"name": user.name, "role": user.role.as_str(), "issuer": issuer, "subject": verified.subject});
        self.audit_log.record(tx, claimed, AuditEntry::new(AuditEvent::UserCreate, "user", &user.name).after(shown)).await?;
        Ok(user)
    }

    /// Logs and audits a refused sign-in.
    async fn record_refusal(&self, refused: &SignInError, claimed: &Actor) -> Result<()> {
        tracing::warn!(reason = refused.key(), error = %refused, address = claimed.address, "sign-in through the identity provider refused");
        let mut tx = self.database.write().await?;
        let entry = AuditEntry::new(AuditEvent::SignInRefused, "user", UNKNOWN).after(json!({"reason": refused.to_string()}));
        self.audit_log.record(&mut tx, claimed, entry).await?;
        Ok(tx.commit().await.map_err(Error::from)?)
    }
}
