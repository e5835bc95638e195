//! Accounts: the first administrator, sign-in and sign-out, and who a cookie or a token belongs to.

use super::secrets::{hash_password, hash_secret, new_secret, verify_password};
use super::{Error, Result, Service};
use crate::domain::fault::Fault;
use crate::domain::user::{Actor, Role, User, Via, check_password, check_token, check_user_name};
use crate::ids::new_id;
use crate::storage::{self, account};

/// Secrets are shorter than this; longer ones are not looked up.
const MAX_SECRET: usize = 512;
/// The name of the token that the settings give.
const SETUP_TOKEN: &str = "settings";

/// The administrator that the settings give, for automatic set-ups.
#[derive(Clone, Default)]
pub struct AdminSetup {
    pub user: Option<String>,
    pub password: Option<String>,
    pub token: Option<String>,
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
        let now = self.clock().now();
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
            account::put_token(&mut tx, &hash_secret(token), &user.id, SETUP_TOKEN, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn insert_admin(&self, tx: &mut storage::Tx, name: &str, hash: Option<&str>) -> Result<User> {
        let now = self.clock().now();
        let user = User { id: new_id(now), name: name.to_owned(), role: Role::Admin };
        account::insert(tx, &user, hash, now).await?;
        Ok(user)
    }

    /// Signs in. Answers the session's secret, for the cookie.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], the same for an unknown name and a wrong password.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<(User, String)> {
        let found = account::by_name(&mut self.database().read().await?, name).await?;
        let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
        let right = password.len() <= crate::domain::user::MAX_PASSWORD && verify_password(password, hash.as_deref()).await?;
        let Some(user) = user.filter(|_| right) else {
            tracing::warn!(user = crate::domain::input::cut(name, 64), "sign-in refused");
            return Err(Error::Unauthorized("the name or the password is wrong".to_owned()));
        };
        let secret = new_secret()?;
        let now = self.clock().now();
        let mut tx = self.database().write().await?;
        account::insert_session(&mut tx, &hash_secret(&secret), &user.id, now, now + self.0.session).await?;
        tx.commit().await?;
        tracing::info!(user = user.name, "signed in");
        Ok((user, secret))
    }

    /// Ends a session; one that does not exist is ended already.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn sign_out(&self, session: &str) -> Result<()> {
        let mut tx = self.database().write().await?;
        account::end_session(&mut tx, &hash_secret(session), self.clock().now()).await?;
        Ok(tx.commit().await?)
    }

    /// Who a session's secret belongs to, if it has not run out.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn actor_by_session(&self, session: &str, via: Via) -> Result<Option<Actor>> {
        if session.is_empty() || session.len() > MAX_SECRET {
            return Ok(None);
        }
        let mut reader = self.database().read().await?;
        let user = account::by_session(&mut reader, &hash_secret(session), self.clock().now()).await?;
        Ok(user.map(|user| Actor { name: user.name, role: user.role, via }))
    }

    /// Who a token belongs to.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn actor_by_token(&self, token: &str) -> Result<Option<Actor>> {
        if token.is_empty() || token.len() > MAX_SECRET {
            return Ok(None);
        }
        let user = account::by_token(&mut self.database().read().await?, &hash_secret(token)).await?;
        Ok(user.map(|user| Actor { name: user.name, role: user.role, via: Via::Api }))
    }
}

fn check_account(name: &str, password: Option<&str>) -> Result<()> {
    let mut faults = Vec::new();
    if let Err(message) = check_user_name(name) {
        faults.push(Fault::new("/name", message));
    }
    if let Some(Err(message)) = password.map(check_password) {
        faults.push(Fault::new("/password", message));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
