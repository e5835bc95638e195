//! The first administrator: created on the setup page, from the settings, or with the one-time code.

use std::sync::Arc;

use super::account_checks::check_account;
use super::deps::{ServiceDeps, Shared};
use super::hashing::{hash_password, hash_secret};
use super::setup_code::SetupCode;
use super::throttle::{Subject, Throttle};
use super::{Error, Result};
use crate::clock::SharedClock;
use crate::domain::user::{Role, Token, User, check_token};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::{self, Database, account, sign_in};

/// The name of the token from the settings.
const SETUP_TOKEN: &str = "settings";

/// The administrator in the settings, for unattended setup.
#[derive(Clone, Default)]
pub struct AdminSetup {
    pub user: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
}

/// Creates the first administrator.
#[derive(Clone)]
pub struct SetupService {
    database: Database,
    clock: SharedClock,
    throttle: Throttle,
    code: Arc<SetupCode>,
}

impl SetupService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            throttle: shared.throttle.clone(),
            code: Arc::default(),
        }
    }

    /// Whether no account exists yet.
    pub async fn is_needed(&self) -> Result<bool> {
        Ok(!account::any_exists(&mut self.database.read().await?).await?)
    }

    /// Creates the first administrator.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name or password; [`Error::Conflict`] if an account exists already.
    pub async fn create_admin(&self, name: &str, password: &str) -> Result<User> {
        check_account(name, Some(password))?;
        let hash = hash_password(password).await?;
        let mut tx = self.database.write().await?;
        if account::any_exists(&mut tx).await? {
            return Err(Error::Conflict(message!("account.administrator_exists")));
        }
        let user = self.insert_admin(&mut tx, name, Some(&hash)).await?;
        tx.commit().await?;
        self.code.close();
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
        let mut tx = self.database.write().await?;
        let user = match account::by_name(&mut tx, name).await? {
            Some((user, _)) => user,
            None if account::any_exists(&mut tx).await? => {
                return Err(Error::Conflict(message!("account.others_exist", name)));
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
        let (now, hash) = (self.clock.now(), hash_secret(secret));
        // The same one stays, with the tokens that were created with it.
        let known = sign_in::by_token(tx, &hash, now).await?;
        if known.is_some_and(|known| known.user.id == user.id && known.role == user.role && known.expires_at.is_none()) {
            return Ok(());
        }
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
        Ok(sign_in::insert_token(tx, &hash, &user.id, None, &token).await?)
    }

    async fn insert_admin(&self, tx: &mut storage::Tx, name: &str, hash: Option<&str>) -> Result<User> {
        let now = self.clock.now();
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

    /// Creates a code and replaces any earlier one; `None` if an account exists already.
    pub async fn create_code(&self) -> Result<Option<String>> {
        if !self.is_needed().await? {
            return Ok(None);
        }
        Ok(Some(self.code.renew()?))
    }

    /// Verifies a code entered from a network address.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it is wrong; [`Error::TooManyRequests`] after several wrong ones from this address.
    pub fn check_code(&self, given: &str, address: Option<&str>) -> Result<()> {
        let admitted = self.throttle.attempt(Subject::SetupCode, address, self.clock.now());
        admitted.map_err(|seconds| Error::TooManyRequests(message!("sign_in.too_many_attempts", seconds)))?;
        if self.code.matches(given) {
            self.throttle.succeed(Subject::SetupCode, address);
            return Ok(());
        }
        tracing::warn!(address, "setup code refused");
        Err(Error::Unauthorized(message!("sign_in.wrong_setup_code")))
    }
}
