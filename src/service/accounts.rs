//! Authentication: the first administrator, sign-in and sign-out, and the actor of a session or token.

use chrono::Duration;

use super::audit::AuditEntry;
use super::secrets::{hash_password, hash_secret, new_secret, verify_password};
use super::{Error, Result, Service};
use crate::domain::audit::AuditEvent;
use crate::domain::fault::Fault;
use crate::domain::input::truncate;
use crate::domain::permission::TagScope;
use crate::domain::user::{Actor, MAX_PASSWORD, Role, Token, User, Via, check_password, check_token, check_user_name};
use crate::ids::new_id;
use crate::storage::sign_in::{ActiveToken, CredentialKind};
use crate::storage::{self, account, second_factor, sign_in};

/// The maximum length of a session secret or token, in bytes; longer ones are not looked up.
const MAX_SECRET: usize = 512;
/// The name of the token from the settings.
const SETUP_TOKEN: &str = "settings";
/// The minimum interval between updates of a credential's last use.
const TOUCH_INTERVAL: Duration = Duration::minutes(1);

/// The administrator in the settings, for unattended setup.
#[derive(Clone, Default)]
pub struct AdminSetup {
    pub user: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
}

/// The result of a sign-in by password.
#[derive(Debug)]
pub enum SignedIn {
    /// Signed in: the account, and the session secret for the cookie.
    Done(User, String),
    /// A second factor is required: the secret of the pending sign-in.
    SecondStep(String),
}

/// The credential of a request. Never stored or logged.
#[derive(Clone)]
pub enum Credential {
    Session(String, Via),
    Token(String),
}

impl Service {
    /// Whether no account exists yet.
    pub async fn needs_setup(&self) -> Result<bool> {
        Ok(!account::any_exists(&mut self.database().read().await?).await?)
    }

    /// Creates the first administrator.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name or password; [`Error::Conflict`] if an account exists already.
    pub async fn set_up(&self, name: &str, password: &str) -> Result<User> {
        check_account(name, Some(password))?;
        let hash = hash_password(password).await?;
        let mut tx = self.database().write().await?;
        if account::any_exists(&mut tx).await? {
            return Err(Error::Conflict("there is an administrator already; sign in".to_owned()));
        }
        let user = self.insert_admin(&mut tx, name, Some(&hash)).await?;
        tx.commit().await?;
        self.0.setup_code.close();
        tracing::info!(user = user.name, "first administrator created");
        Ok(user)
    }

    /// Creates the administrator of the settings if no account exists, and replaces the token of the settings.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name, password or token; [`Error::Conflict`] if the account does not exist but others
    /// do.
    pub async fn bootstrap(&self, setup: &AdminSetup) -> Result<()> {
        if setup.user.is_none() && setup.password.is_none() && setup.token.is_none() {
            return Ok(());
        }
        let name = setup.user.as_deref().unwrap_or("admin");
        check_account(name, setup.password.as_deref())?;
        let hash = match &setup.password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let mut tx = self.database().write().await?;
        let user = match account::by_name(&mut tx, name).await? {
            Some((user, _)) => user,
            None if account::any_exists(&mut tx).await? => {
                return Err(Error::Conflict(format!(
                    "there is no account '{name}', but there are others; sign in with one of those"
                )));
            }
            None => self.insert_admin(&mut tx, name, hash.as_deref()).await?,
        };
        if let Some(token) = &setup.token {
            check_token(token).map_err(|message| Error::invalid("/token", message))?;
            self.put_setup_token(&mut tx, &user, token).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn put_setup_token(&self, tx: &mut storage::Tx, user: &User, secret: &str) -> Result<()> {
        let (now, hash) = (self.clock().now(), hash_secret(secret));
        let token = Token {
            id: new_id(now),
            user: user.name.clone(),
            name: SETUP_TOKEN.to_owned(),
            role: user.role,
            tags: Vec::new(),
            created_at: now,
            expires_at: None,
            used_at: None,
        };
        sign_in::delete_tokens_named(tx, &user.id, SETUP_TOKEN, &hash).await?;
        Ok(sign_in::insert_token(tx, &hash, &user.id, &token).await?)
    }

    async fn insert_admin(&self, tx: &mut storage::Tx, name: &str, hash: Option<&str>) -> Result<User> {
        let now = self.clock().now();
        let user = User {
            id: new_id(now),
            name: name.to_owned(),
            role: Role::Admin,
            grants: Vec::new(),
            tags: Vec::new(),
            disabled: false,
            created_at: now,
            last_seen_at: None,
        };
        account::insert(tx, &user, hash).await?;
        Ok(user)
    }

    /// Signs in an account without a second factor. Returns the session secret, for the cookie.
    ///
    /// # Errors
    /// As [`Service::sign_in_by_password`]; [`Error::Unauthorized`] if the account has a second factor.
    pub async fn sign_in(&self, name: &str, password: &str, address: Option<&str>) -> Result<(User, String)> {
        match self.sign_in_by_password(name, password, address).await? {
            SignedIn::Done(user, session) => Ok((user, session)),
            SignedIn::SecondStep(_) => Err(Error::Unauthorized("a second-factor code is required".to_owned())),
        }
    }

    /// Signs in by password from a network address; with a second factor this is the first of two steps.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], identical for an unknown name, a wrong password and a disabled account;
    /// [`Error::TooManyRequests`] after several failed attempts for this account or from this address.
    pub async fn sign_in_by_password(&self, name: &str, password: &str, address: Option<&str>) -> Result<SignedIn> {
        let by_account = format!("user:{}", truncate(&name.to_lowercase(), 64));
        let keys: Vec<String> = address.map(|from| format!("address:{from}")).into_iter().chain([by_account.clone()]).collect();
        self.check_throttle(&keys)?;
        let found = account::by_name(&mut self.database().read().await?, name).await?;
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        let right = password.len() <= MAX_PASSWORD && verify_password(password, hash.as_deref()).await?;
        let claimed = Actor::new(truncate(name, 64), Role::Viewer, Via::Page).with_address(address.map(str::to_owned));
        let Some(user) = user.filter(|user| right && !user.disabled) else {
            self.record_refused_sign_in(&claimed).await?;
            return Err(Error::Unauthorized("the name or the password is wrong".to_owned()));
        };
        self.0.throttle.undo_attempt(&keys);
        let mut tx = self.database().write().await?;
        let factor = second_factor::get(&mut tx, &user.id).await?;
        if factor.is_some_and(|factor| factor.confirmed_at.is_some()) {
            let pending = self.begin_second_step(&mut tx, &user).await?;
            tx.commit().await?;
            return Ok(SignedIn::SecondStep(pending));
        }
        self.0.throttle.reset(&by_account);
        let session = self.create_session(&mut tx, &user, &claimed, false).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, address, "signed in");
        Ok(SignedIn::Done(user, session))
    }

    /// Counts an attempt, or refuses it while the throttle is active. Undo the count after a success.
    pub(super) fn check_throttle(&self, keys: &[String]) -> Result<()> {
        match self.0.throttle.record_attempt(keys, self.clock().now()) {
            Some(seconds) => Err(Error::TooManyRequests(format!("too many failed attempts; wait {seconds} s"))),
            None => Ok(()),
        }
    }

    /// Creates a session in the transaction of the sign-in and returns its secret. `claimed` is the client that signs in.
    pub(super) async fn create_session(
        &self,
        tx: &mut storage::Tx,
        user: &User,
        claimed: &Actor,
        by_provider: bool,
    ) -> Result<String> {
        let (secret, now) = (new_secret()?, self.clock().now());
        let ends = now + self.0.deps.session;
        sign_in::insert_session(tx, &hash_secret(&secret), &user.id, now, ends, by_provider).await?;
        account::touch(tx, &user.id, now).await?;
        let actor = Actor { name: user.name.clone(), role: user.role, ..claimed.clone() };
        self.record_audit(tx, &actor, AuditEntry::new(AuditEvent::SignIn, "user", &user.name)).await?;
        Ok(secret)
    }

    async fn record_refused_sign_in(&self, claimed: &Actor) -> Result<()> {
        tracing::warn!(user = claimed.name, address = claimed.address, "sign-in refused");
        let mut tx = self.database().write().await?;
        self.record_audit(&mut tx, claimed, AuditEntry::new(AuditEvent::SignInRefused, "user", &claimed.name)).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a session; succeeds if it does not exist.
    pub async fn sign_out(&self, session: &str) -> Result<()> {
        let actor = self.session(session, Via::Page).await?.map(|(actor, _)| actor);
        let mut tx = self.database().write().await?;
        sign_in::delete_session(&mut tx, &hash_secret(session), self.clock().now()).await?;
        if let Some(actor) = actor {
            self.record_audit(&mut tx, &actor, AuditEntry::new(AuditEvent::SignOut, "user", &actor.name)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The actor of a session, if it is valid.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the account must set up a second factor first.
    pub async fn actor_by_session(&self, session: &str, via: Via) -> Result<Option<Actor>> {
        match self.session(session, via).await? {
            Some((_, true)) => {
                Err(Error::Forbidden("a second factor is required; set it up in the web interface first".to_owned()))
            }
            found => Ok(found.map(|(actor, _)| actor)),
        }
    }

    /// The actor of a session, if it is valid, and whether the account must set up a second factor first.
    pub async fn session(&self, session: &str, via: Via) -> Result<Option<(Actor, bool)>> {
        if session.is_empty() || session.len() > MAX_SECRET {
            return Ok(None);
        }
        let (now, hash) = (self.clock().now(), hash_secret(session));
        let idle_since = now - self.0.deps.session_idle;
        let mut reader = self.database().read().await?;
        let found = sign_in::by_session(&mut reader, &hash, now, idle_since).await?;
        drop(reader);
        let Some(found) = found else { return Ok(None) };
        if now - found.used_at >= TOUCH_INTERVAL {
            self.touch_credential(&found.user, CredentialKind::Session, &hash).await?;
        }
        let must_enrol = self.0.deps.second_factor_required && found.password_only;
        Ok(Some((actor(found.user, via), must_enrol)))
    }

    /// The actor of a token, if it is valid.
    pub async fn actor_by_token(&self, token: &str) -> Result<Option<Actor>> {
        if token.is_empty() || token.len() > MAX_SECRET {
            return Ok(None);
        }
        let (now, hash) = (self.clock().now(), hash_secret(token));
        let found = sign_in::by_token(&mut self.database().read().await?, &hash, now).await?;
        let Some(known) = found else { return Ok(None) };
        if known.used_at.is_none_or(|at| now - at >= TOUCH_INTERVAL) {
            self.touch_credential(&known.user, CredentialKind::Token, &hash).await?;
        }
        Ok(Some(token_actor(known)))
    }

    /// Checks the credential of a long-lived connection again; `None` if the session or token has ended. Does not count as
    /// use.
    pub async fn revalidate(&self, credential: &Credential) -> Result<Option<Actor>> {
        let now = self.clock().now();
        let mut reader = self.database().read().await?;
        Ok(match credential {
            Credential::Session(secret, via) => {
                let idle_since = now - self.0.deps.session_idle;
                let found = sign_in::by_session(&mut reader, &hash_secret(secret), now, idle_since).await?;
                found.map(|found| actor(found.user, *via))
            }
            Credential::Token(secret) => sign_in::by_token(&mut reader, &hash_secret(secret), now).await?.map(token_actor),
        })
    }

    async fn touch_credential(&self, user: &User, credential: CredentialKind, secret_hash: &str) -> Result<()> {
        let now = self.clock().now();
        let mut tx = self.database().write().await?;
        sign_in::touch(&mut tx, credential, secret_hash, now).await?;
        account::touch(&mut tx, &user.id, now).await?;
        Ok(tx.commit().await?)
    }
}

/// The actor of an account.
fn actor(user: User, via: Via) -> Actor {
    cap_role(Actor { grants: user.grants, scope: TagScope::from_tags(&user.tags), ..Actor::new(user.name, user.role, via) })
}

/// The actor of a token, with at most the permissions of its account.
fn token_actor(known: ActiveToken) -> Actor {
    let account = actor(known.user, Via::Api);
    let (role, scope) = (account.role.min(known.role), account.scope.narrowed_to(&known.tags));
    cap_role(Actor { role, scope, ..account })
}

/// Caps the role of an actor limited to tags below administrator, who sees all tasks.
fn cap_role(actor: Actor) -> Actor {
    let role = if actor.scope.is_all() { actor.role } else { actor.role.min(Role::Editor) };
    Actor { role, ..actor }
}

/// Validates an account name and a new password.
pub(super) fn check_account(name: &str, password: Option<&str>) -> Result<()> {
    let mut faults = Vec::new();
    if let Err(message) = check_user_name(name) {
        faults.push(Fault::new("/name", message));
    }
    if let Some(Err(message)) = password.map(|password| check_password(password, name)) {
        faults.push(Fault::new("/password", message));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
