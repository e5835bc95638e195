//! Accounts: administrators list, create, change and delete them; every account changes its own password.

use std::sync::Arc;

use serde_json::{Value, json};

use super::account_checks::{check_account, refuse_linked, require_account, require_an_administrator};
use super::attempt_guard::AttemptGuard;
use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::hashing::{hash_password, hash_secret, verify_password};
use super::throttle::Subject;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::grant::METRICS_GRANT;
use crate::domain::input::quoted;
use crate::domain::user::{Action, Actor, Role, User, check_limits};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::{self, Database, account, second_factor, sign_in};
use crate::tasks::registry::Registry;

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

/// Manages accounts.
#[derive(Clone)]
pub struct UserService {
    pub(super) database: Database,
    clock: SharedClock,
    registry: Arc<Registry>,
    attempts: AttemptGuard,
    audit_log: AuditLog,
}

impl UserService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, registry }, shared { attempts, audit_log })
    }

    /// All accounts, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<User>> {
        allow(actor, Action::Administer)?;
        Ok(account::all(&mut self.database.read().await?).await?)
    }

    /// One account.
    ///
    /// # Errors
    /// [`Error::NotFound`], and as [`UserService::list`].
    pub async fn get(&self, actor: &Actor, name: &str) -> Result<User> {
        allow(actor, Action::Administer)?;
        Ok(require_account(account::by_name(&mut self.database.read().await?, name).await?, name)?.0)
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] if the name is taken (ignoring case), [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, new: &NewUser) -> Result<User> {
        allow(actor, Action::Administer)?;
        check_account(&new.name, new.password.as_deref())?;
        self.check_grants(&new.grants)?;
        check_limits(&new.tags, new.role).map_err(Error::Invalid)?;
        let hash = match &new.password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let now = self.clock.now();
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
        let mut tx = self.database.write().await?;
        account::insert(&mut tx, &user, hash.as_deref()).await.map_err(|error| match error {
            storage::Error::Conflict(_) => Error::Conflict(message!("account.exists", name = &user.name)),
            other => other.into(),
        })?;
        self.audit_log
            .record(&mut tx, actor, AuditEntry::new(AuditEvent::UserCreate, "user", &user.name).after(audit_state(&user)))
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
    pub async fn update(&self, actor: &Actor, name: &str, change: &UserChange) -> Result<User> {
        allow(actor, Action::Administer)?;
        check_account(name, change.password.as_deref())?;
        self.check_grants(change.grants.as_deref().unwrap_or_default())?;
        let hash = match &change.password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let mut tx = self.database.write().await?;
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
            self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::UserPassword, "user", &user.name)).await?;
        }
        if hash.is_some() || user.disabled || user.role != former.role {
            sign_in::delete_sessions_of(&mut tx, &user.id, None).await?;
            second_factor::delete_pending(&mut tx, &user.id).await?;
        }
        if user != former {
            let entry = AuditEntry::new(AuditEvent::UserUpdate, "user", &user.name)
                .before(audit_state(&former))
                .after(audit_state(&user));
            self.audit_log.record(&mut tx, actor, entry).await?;
        }
        require_an_administrator(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, user = user.name, role = user.role.as_str(), user.disabled, "account changed");
        Ok(user)
    }

    /// Deletes an account with its sessions and tokens; its audit entries stay.
    pub async fn delete(&self, actor: &Actor, name: &str) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database.write().await?;
        let (user, _) = require_account(account::by_name(&mut tx, name).await?, name)?;
        account::delete(&mut tx, &user.id).await?;
        self.audit_log
            .record(&mut tx, actor, AuditEntry::new(AuditEvent::UserDelete, "user", &user.name).before(audit_state(&user)))
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
        self.attempts.check(Subject::Password(&actor.name), actor).await?;
        let account = account::by_name(&mut self.database.read().await?, &actor.name).await?;
        let (user, hash) = require_account(account, &actor.name)?;
        if !verify_password(present, hash.as_deref()).await? {
            return Err(Error::invalid("/present", message!("account.not_current_password").of("present")));
        }
        self.attempts.succeed(Subject::Password(&actor.name), actor.address.as_deref());
        let hash = hash_password(new).await?;
        let mut tx = self.database.write().await?;
        account::set_password(&mut tx, &user.id, &hash).await?;
        second_factor::delete_pending(&mut tx, &user.id).await?;
        sign_in::delete_sessions_of(&mut tx, &user.id, session.map(hash_secret).as_deref()).await?;
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::UserPassword, "user", &user.name)).await?;
        Ok(tx.commit().await?)
    }

    fn check_grants(&self, grants: &[String]) -> Result<()> {
        let is_known = |grant: &str| grant == METRICS_GRANT || self.registry.get(grant).is_some();
        let unknown = grants.iter().enumerate().find(|(_, grant)| !is_known(grant));
        match unknown {
            Some((place, grant)) => {
                let names = self.registry.names().into_iter().chain([METRICS_GRANT.to_owned()]);
                let known = names.collect::<Vec<_>>().join(", ");
                Err(Error::invalid(
                    &format!("/grants/{place}"),
                    message!("value.not_one_of", value = quoted(grant, 40), known).of("grants"),
                ))
            }
            None => Ok(()),
        }
    }
}

fn audit_state(user: &User) -> Value {
    json!({"name": user.name, "role": user.role.as_str(), "grants": user.grants, "tags": user.tags, "disabled": user.disabled})
}
