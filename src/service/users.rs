//! Accounts: administrators list, create, change and delete them; every account changes its own password.

use serde_json::{Value, json};

use super::accounts::check_account;
use super::audit::AuditEntry;
use super::secrets::{hash_password, hash_secret, verify_password};
use super::{Error, Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::user::{Action, Actor, Role, User, check_limits};
use crate::ids::new_id;
use crate::storage::{self, Tx, account, identity, second_factor, sign_in};

/// A new account.
#[derive(Clone)]
pub struct NewUser {
    pub name: String,
    pub role: Role,
    /// `None`: no sign-in by password.
    pub password: Option<String>,
    pub grants: Vec<String>,
    /// Limits the account to tasks with one of these tags; empty: all tasks.
    pub tags: Vec<String>,
}

/// A change of an account; `None` leaves a field unchanged.
#[derive(Clone, Default)]
pub struct UserChange {
    pub role: Option<Role>,
    pub grants: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub disabled: Option<bool>,
    pub password: Option<String>,
}

impl Service {
    /// All accounts, by name.
    pub async fn users(&self, actor: &Actor) -> Result<Vec<User>> {
        allow(actor, Action::Administer)?;
        Ok(account::all(&mut self.database().read().await?).await?)
    }

    /// One account.
    ///
    /// # Errors
    /// [`Error::NotFound`], and as [`Service::users`].
    pub async fn user(&self, actor: &Actor, name: &str) -> Result<User> {
        allow(actor, Action::Administer)?;
        Ok(require_account(account::by_name(&mut self.database().read().await?, name).await?, name)?.0)
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] if the name is taken (ignoring case), [`Error::Forbidden`].
    pub async fn create_user(&self, actor: &Actor, new: &NewUser) -> Result<User> {
        allow(actor, Action::Administer)?;
        check_account(&new.name, new.password.as_deref())?;
        self.check_grants(&new.grants)?;
        check_limits(&new.tags, new.role).map_err(Error::Invalid)?;
        let hash = match &new.password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let now = self.clock().now();
        let user = User {
            id: new_id(now),
            name: new.name.clone(),
            role: new.role,
            grants: new.grants.clone(),
            tags: new.tags.clone(),
            disabled: false,
            created_at: now,
            last_seen_at: None,
        };
        let mut tx = self.database().write().await?;
        account::insert(&mut tx, &user, hash.as_deref()).await.map_err(|error| match error {
            storage::Error::Conflict(_) => Error::Conflict(format!("there is an account '{}' already", user.name)),
            other => other.into(),
        })?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::UserCreate, "user", &user.name).after(audit_state(&user)))
            .await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, role = user.role.as_str(), "account created");
        Ok(user)
    }

    /// Changes an account. A new password, another role or disabling ends its sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Conflict`] if no administrator would be left,
    /// [`Error::Forbidden`].
    pub async fn update_user(&self, actor: &Actor, name: &str, change: &UserChange) -> Result<User> {
        allow(actor, Action::Administer)?;
        check_account(name, change.password.as_deref())?;
        self.check_grants(change.grants.as_deref().unwrap_or_default())?;
        let hash = match &change.password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let mut tx = self.database().write().await?;
        let (former, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        let user = User {
            role: change.role.unwrap_or(former.role),
            grants: change.grants.clone().unwrap_or_else(|| former.grants.clone()),
            tags: change.tags.clone().unwrap_or_else(|| former.tags.clone()),
            disabled: change.disabled.unwrap_or(former.disabled),
            ..former.clone()
        };
        check_limits(&user.tags, user.role).map_err(Error::Invalid)?;
        account::update(&mut tx, &user).await?;
        if let Some(hash) = &hash {
            refuse_linked(&mut tx, &user).await?;
            account::set_password(&mut tx, &user.id, hash).await?;
            self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::UserPassword, "user", &user.name)).await?;
        }
        if hash.is_some() || user.disabled || user.role != former.role {
            sign_in::delete_sessions_of(&mut tx, &user.id, None).await?;
            second_factor::delete_pending(&mut tx, &user.id).await?;
        }
        if user != former {
            let entry = AuditEntry::new(AuditEvent::UserUpdate, "user", &user.name)
                .before(audit_state(&former))
                .after(audit_state(&user));
            self.record_audit(&mut tx, actor, entry).await?;
        }
        require_an_administrator(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, role = user.role.as_str(), user.disabled, "account changed");
        Ok(user)
    }

    /// Deletes an account with its sessions and tokens; its audit entries stay.
    pub async fn delete_user(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database().write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        account::delete(&mut tx, &user.id).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::UserDelete, "user", &user.name).before(audit_state(&user)))
            .await?;
        require_an_administrator(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, "account deleted");
        Ok(())
    }

    /// Changes the actor's own password; other sessions of the account end.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the current password is wrong or the new one is not allowed; [`Error::TooManyRequests`] after
    /// several failed attempts.
    pub async fn change_own_password(&self, actor: &Actor, present: &str, new: &str, session: Option<&str>) -> Result<()> {
        check_account(&actor.name, Some(new))?;
        let (keys, now) = ([format!("password:{}", actor.name)], self.clock().now());
        if let Some(seconds) = self.0.throttle.record_attempt(&keys, now) {
            return Err(Error::TooManyRequests(format!("too many failed attempts; wait {seconds} s")));
        }
        let account = account::by_name(&mut self.database().read().await?, &actor.name).await?;
        let (user, hash) = require_account(account, &actor.name)?;
        if !verify_password(present, hash.as_deref()).await? {
            return Err(Error::invalid("/present", "present: is not the current password"));
        }
        self.0.throttle.reset(&keys[0]);
        let hash = hash_password(new).await?;
        let mut tx = self.database().write().await?;
        account::set_password(&mut tx, &user.id, &hash).await?;
        second_factor::delete_pending(&mut tx, &user.id).await?;
        sign_in::delete_sessions_of(&mut tx, &user.id, session.map(hash_secret).as_deref()).await?;
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::UserPassword, "user", &user.name)).await?;
        Ok(tx.commit().await?)
    }

    fn check_grants(&self, grants: &[String]) -> Result<()> {
        let unknown = grants.iter().enumerate().find(|(_, grant)| self.registry().get(grant).is_none());
        match unknown {
            Some((place, grant)) => {
                let known = self.registry().names().join(", ");
                Err(Error::invalid(
                    &format!("/grants/{place}"),
                    format!("grants: '{}' is not one of {known}", truncate(grant, 40)),
                ))
            }
            None => Ok(()),
        }
    }
}

pub(super) fn require_account<T>(account: Option<T>, name: &str) -> Result<T> {
    account.ok_or_else(|| Error::NotFound(format!("there is no account '{}'", truncate(name, 64))))
}

/// Refuses a password for an account that is linked with the identity provider.
async fn refuse_linked(tx: &mut Tx, user: &User) -> Result<()> {
    if identity::is_linked(tx, &user.id).await? {
        return Err(Error::invalid("/password", "password: the account signs in through the identity provider and has none"));
    }
    Ok(())
}

/// Refuses a change that would leave no enabled administrator.
pub(super) async fn require_an_administrator(tx: &mut Tx) -> Result<()> {
    let all = account::all(tx).await?;
    match all.iter().any(|user| user.role == Role::Admin && !user.disabled) {
        true => Ok(()),
        false => Err(Error::Conflict("no administrator would be left".to_owned())),
    }
}

fn audit_state(user: &User) -> Value {
    json!({"name": user.name, "role": user.role.as_str(), "grants": user.grants, "tags": user.tags, "disabled": user.disabled})
}
