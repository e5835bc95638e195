//! Accounts: the first administrator, sign-in and sign-out, and who a cookie or a token belongs to.

use chrono::Duration;

use super::audit::Told;
use super::secrets::{hash_password, hash_secret, new_secret, verify_password};
use super::{Error, Result, Service};
use crate::domain::audit::Act;
use crate::domain::fault::Fault;
use crate::domain::input::cut;
use crate::domain::permission::Reach;
use crate::domain::user::{Actor, MAX_PASSWORD, Role, Token, User, Via, check_password, check_token, check_user_name};
use crate::ids::new_id;
use crate::storage::sign_in::{KnownToken, WayIn};
use crate::storage::{self, account, second_factor, sign_in};

/// Secrets are shorter than this; longer ones are not looked up.
const MAX_SECRET: usize = 512;
/// The name of the token that the settings give.
const SETUP_TOKEN: &str = "settings";
/// The use of a session or token is noted at most this often.
const NOTED_EVERY: Duration = Duration::minutes(1);

/// The administrator that the settings give, for automatic set-ups.
#[derive(Clone, Default)]
pub struct AdminSetup {
    pub user: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
}

/// How far a sign-in by password came.
#[derive(Debug)]
pub enum SignedIn {
    /// The account, and the session's secret for the cookie.
    Done(User, String),
    /// A code is asked for; the secret that stands for this sign-in until then.
    SecondStep(String),
}

/// What a request showed of its sender. Never written anywhere.
#[derive(Clone)]
pub enum Credential {
    Session(String, Via),
    Token(String),
}

impl Service {
    /// Whether no account exists yet.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn needs_setup(&self) -> Result<bool> {
        Ok(!account::any(&mut self.database().read().await?).await?)
    }

    /// Makes the first administrator.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad name or password; [`Error::Conflict`] where there is an account already.
    pub async fn set_up(&self, name: &str, password: &str) -> Result<User> {
        check_account(name, Some(password))?;
        let hash = hash_password(password).await?;
        let mut tx = self.database().write().await?;
        if account::any(&mut tx).await? {
            return Err(Error::Conflict("there is an administrator already; sign in".to_owned()));
        }
        let user = self.insert_admin(&mut tx, name, Some(&hash)).await?;
        tx.commit().await?;
        self.0.setup_code.close();
        tracing::info!(user = user.name, "first administrator created");
        Ok(user)
    }

    /// Makes the administrator and token that the settings give: the account where there is none yet, the token anew.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad name, password or token; [`Error::Conflict`] where the token's account does not exist
    /// though others do.
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
            None if account::any(&mut tx).await? => {
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

    /// Signs in an account without a second factor. Answers the session's secret, for the cookie.
    ///
    /// # Errors
    /// As [`Service::sign_in_by_password`]; [`Error::Unauthorized`] where the account has a second factor.
    pub async fn sign_in(&self, name: &str, password: &str, address: Option<&str>) -> Result<(User, String)> {
        match self.sign_in_by_password(name, password, address).await? {
            SignedIn::Done(user, session) => Ok((user, session)),
            SignedIn::SecondStep(_) => Err(Error::Unauthorized("a code of the second factor is needed".to_owned())),
        }
    }

    /// Signs in, from a network address; the first of two steps where the account has a second factor.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], the same for an unknown name, a wrong password and a disabled account;
    /// [`Error::TooManyRequests`] after several wrong tries for this account or from this address.
    pub async fn sign_in_by_password(&self, name: &str, password: &str, address: Option<&str>) -> Result<SignedIn> {
        let by_account = format!("user:{}", cut(&name.to_lowercase(), 64));
        let keys: Vec<String> = address.map(|from| format!("address:{from}")).into_iter().chain([by_account.clone()]).collect();
        self.may_try(&keys)?;
        let found = account::by_name(&mut self.database().read().await?, name).await?;
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        let right = password.len() <= MAX_PASSWORD && verify_password(password, hash.as_deref()).await?;
        let tried = Actor::new(cut(name, 64), Role::Viewer, Via::Page).at(address.map(str::to_owned));
        let Some(user) = user.filter(|user| right && !user.disabled) else {
            self.refused(&tried).await?;
            return Err(Error::Unauthorized("the name or the password is wrong".to_owned()));
        };
        self.0.throttle.take_back(&keys);
        let mut tx = self.database().write().await?;
        let factor = second_factor::of(&mut tx, &user.id).await?;
        if factor.is_some_and(|factor| factor.confirmed_at.is_some()) {
            let pending = self.await_second_step(&mut tx, &user).await?;
            tx.commit().await?;
            return Ok(SignedIn::SecondStep(pending));
        }
        self.0.throttle.succeeded(&by_account);
        let session = self.open_session(&mut tx, &user, &tried, false).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, address, "signed in");
        Ok(SignedIn::Done(user, session))
    }

    /// Counts a try, or refuses who must wait. One that turns out right is taken back.
    pub(super) fn may_try(&self, keys: &[String]) -> Result<()> {
        match self.0.throttle.attempt(keys, self.clock().now()) {
            Some(seconds) => Err(Error::TooManyRequests(format!("too many wrong tries; wait {seconds} s"))),
            None => Ok(()),
        }
    }

    /// Begins a session, in the transaction of the sign-in, and answers its secret. `tried` tells where from.
    pub(super) async fn open_session(
        &self,
        tx: &mut storage::Tx,
        user: &User,
        tried: &Actor,
        by_provider: bool,
    ) -> Result<String> {
        let (secret, now) = (new_secret()?, self.clock().now());
        let ends = now + self.0.parts.session;
        sign_in::insert_session(tx, &hash_secret(&secret), &user.id, now, ends, by_provider).await?;
        account::seen(tx, &user.id, now).await?;
        let actor = Actor { name: user.name.clone(), role: user.role, ..tried.clone() };
        self.tell(tx, &actor, Told::of(Act::SignIn, "user", &user.name)).await?;
        Ok(secret)
    }

    async fn refused(&self, tried: &Actor) -> Result<()> {
        tracing::warn!(user = tried.name, address = tried.address, "sign-in refused");
        let mut tx = self.database().write().await?;
        self.tell(&mut tx, tried, Told::of(Act::SignInRefused, "user", &tried.name)).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a session; one that does not exist is ended already.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn sign_out(&self, session: &str) -> Result<()> {
        let actor = self.session(session, Via::Page).await?.map(|(actor, _)| actor);
        let mut tx = self.database().write().await?;
        sign_in::end_session(&mut tx, &hash_secret(session), self.clock().now()).await?;
        if let Some(actor) = actor {
            self.tell(&mut tx, &actor, Told::of(Act::SignOut, "user", &actor.name)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Who a session's secret belongs to, if it has not run out.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where the account must have a second factor and has none, [`Error::Internal`].
    pub async fn actor_by_session(&self, session: &str, via: Via) -> Result<Option<Actor>> {
        match self.session(session, via).await? {
            Some((_, true)) => Err(Error::Forbidden("a second factor is required here; set it up on the pages first".to_owned())),
            found => Ok(found.map(|(actor, _)| actor)),
        }
    }

    /// Who a session's secret belongs to, if it has not run out, and whether a second factor must be set up before
    /// anything else.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn session(&self, session: &str, via: Via) -> Result<Option<(Actor, bool)>> {
        if session.is_empty() || session.len() > MAX_SECRET {
            return Ok(None);
        }
        let (now, hash) = (self.clock().now(), hash_secret(session));
        let idle_since = now - self.0.parts.session_idle;
        let mut reader = self.database().read().await?;
        let found = sign_in::by_session(&mut reader, &hash, now, idle_since).await?;
        drop(reader);
        let Some(found) = found else { return Ok(None) };
        if now - found.used_at >= NOTED_EVERY {
            self.note_use(&found.user, WayIn::Session, &hash).await?;
        }
        let must_enrol = self.0.parts.second_factor_required && found.by_password_alone;
        Ok(Some((actor(found.user, via), must_enrol)))
    }

    /// Who a token belongs to.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn actor_by_token(&self, token: &str) -> Result<Option<Actor>> {
        if token.is_empty() || token.len() > MAX_SECRET {
            return Ok(None);
        }
        let (now, hash) = (self.clock().now(), hash_secret(token));
        let found = sign_in::by_token(&mut self.database().read().await?, &hash, now).await?;
        let Some(known) = found else { return Ok(None) };
        if known.used_at.is_none_or(|at| now - at >= NOTED_EVERY) {
            self.note_use(&known.user, WayIn::Token, &hash).await?;
        }
        Ok(Some(program(known)))
    }

    /// Who stands behind something that goes on, such as a stream, now: nobody any more where the session or token has ended
    /// meanwhile. This does not count as use.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn still_in(&self, credential: &Credential) -> Result<Option<Actor>> {
        let now = self.clock().now();
        let mut reader = self.database().read().await?;
        Ok(match credential {
            Credential::Session(secret, via) => {
                let idle_since = now - self.0.parts.session_idle;
                let found = sign_in::by_session(&mut reader, &hash_secret(secret), now, idle_since).await?;
                found.map(|found| actor(found.user, *via))
            }
            Credential::Token(secret) => sign_in::by_token(&mut reader, &hash_secret(secret), now).await?.map(program),
        })
    }

    async fn note_use(&self, user: &User, way: WayIn, secret_hash: &str) -> Result<()> {
        let now = self.clock().now();
        let mut tx = self.database().write().await?;
        sign_in::used(&mut tx, way, secret_hash, now).await?;
        account::seen(&mut tx, &user.id, now).await?;
        Ok(tx.commit().await?)
    }
}

/// Whoever asks.
fn actor(user: User, via: Via) -> Actor {
    limited(Actor { grants: user.grants, reach: Reach::of(&user.tags), ..Actor::new(user.name, user.role, via) })
}

/// A program with a token: no more than its account.
fn program(known: KnownToken) -> Actor {
    let account = actor(known.user, Via::Api);
    let (role, reach) = (account.role.min(known.role), account.reach.narrowed(&known.tags));
    limited(Actor { role, reach, ..account })
}

/// An administrator reaches everything, so that whoever is limited to tags is none.
fn limited(actor: Actor) -> Actor {
    let role = if actor.reach.is_all() { actor.role } else { actor.role.min(Role::Editor) };
    Actor { role, ..actor }
}

/// Checks a name and a new password.
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
