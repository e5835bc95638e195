//! API tokens. The token text is shown once, at creation.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::hashing::{hash_secret, new_secret};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::tag_scope::TagScope;
use crate::domain::user::{Action, Actor, Role, Token, check_limits};
use crate::i18n::message;
use crate::ids::new_id;
use crate::storage::{Database, account, sign_in};

/// The prefix of every token, for secret scanners.
const PREFIX: &str = "blf_";
const MAX_NAME: usize = 100;

/// A new token.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: String,
    /// `None`: the role of the account.
    pub role: Option<Role>,
    /// Limits the token to tasks with one of these tags, within the account's scope; empty: the account's scope.
    pub tags: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Manages API tokens.
#[derive(Clone)]
pub struct TokenService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
}

impl TokenService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), audit_log: shared.audit_log.clone() }
    }

    /// The actor's tokens; for administrators all tokens.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Token>> {
        allow(actor, Action::See)?;
        let of = (!actor.role.allows(Action::Administer)).then_some(actor.name.as_str());
        Ok(sign_in::tokens(&mut self.database.read().await?, of).await?)
    }

    /// Creates a token of the actor's account. The second value is its text, which is not stored.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name, a role, tags or an end beyond the actor's own, or an expiry in the past.
    pub async fn create(&self, actor: &Actor, new: &NewToken) -> Result<(Token, String)> {
        allow(actor, Action::See)?;
        let now = self.clock.now();
        check(new, actor, now)?;
        let secret = format!("{PREFIX}{}", new_secret()?);
        let mut token = Token {
            id: new_id(now),
            user: actor.name.clone(),
            name: new.name.trim().to_owned(),
            role: new.role.unwrap_or(actor.role),
            tags: new.tags.clone(),
            created_at: now,
            expires_at: new.expires_at.or(end_of(actor)),
            used_at: None,
        };
        let mut tx = self.database.write().await?;
        let Some((user, _)) = account::by_name(&mut tx, &actor.name).await? else {
            return Err(Error::Conflict(message!("token.needs_account")));
        };
        // A token created with a limited token inherits its limits.
        if let (Some(own), true) = (actor.scope.tags(), token.tags.is_empty())
            && TagScope::from_tags(&user.tags) != actor.scope
        {
            token.tags = own.to_vec();
        }
        let parent = actor.token.as_ref().map(|own| own.id.as_str());
        sign_in::insert_token(&mut tx, &hash_secret(&secret), &user.id, parent, &token).await?;
        let after = json!({"name": token.name, "role": token.role.as_str(), "tags": token.tags, "expires_at": token.expires_at});
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::TokenCreate, "token", &token.id).after(after)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, token = token.name, role = token.role.as_str(), "token created");
        Ok((token, secret))
    }

    /// Revokes a token of the actor or, for administrators, any token, with those that were created with it; effective with the next
    /// request. A restricted token revokes only itself.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a token of another account; [`Error::Forbidden`] for another token by a restricted one.
    pub async fn revoke(&self, actor: &Actor, id: &str) -> Result<()> {
        let known = self.list(actor).await?.into_iter().find(|token| token.id == id);
        let Some(token) = known else {
            return Err(Error::NotFound(message!("token.missing", id = truncate(id, 40))));
        };
        if !actor.may_end_credentials() && actor.token.as_ref().is_none_or(|own| own.id != token.id) {
            return Err(Error::Forbidden(message!("token.restricted")));
        }
        let mut tx = self.database.write().await?;
        sign_in::delete_token(&mut tx, id).await?;
        let before = json!({"user": token.user, "name": token.name, "role": token.role.as_str(), "tags": token.tags});
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::TokenRevoke, "token", id).before(before)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, token = token.name, "token revoked");
        Ok(())
    }
}

fn check(new: &NewToken, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let length = new.name.trim().chars().count();
    if !(1..=MAX_NAME).contains(&length) || new.name.chars().any(char::is_control) {
        return Err(Error::invalid("/name", message!("value.name_length", min = 1, max = MAX_NAME).of("name")));
    }
    if let Some(role) = new.role.filter(|role| *role > actor.role) {
        let (asked, own) = (role.as_str(), actor.role.as_str());
        return Err(Error::invalid("/role", message!("token.role_above", role = asked, own).of("role")));
    }
    check_limits(&new.tags, new.role.unwrap_or(actor.role)).map_err(Error::Invalid)?;
    if let Some(own) = actor.scope.tags()
        && (own.is_empty() || new.tags.iter().any(|tag| !own.contains(tag)))
    {
        return Err(Error::invalid("/tags", message!("token.tags_beyond", own = own.join(", ")).of("tags")));
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("/expires_at", message!("value.not_in_future").of("expires_at")));
    }
    if let (Some(end), Some(asked)) = (end_of(actor), new.expires_at)
        && asked > end
    {
        let own = end.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Err(Error::invalid("/expires_at", message!("token.ends_later", own).of("expires_at")));
    }
    Ok(())
}

/// When the token of the request expires, if it does.
fn end_of(actor: &Actor) -> Option<DateTime<Utc>> {
    actor.token.as_ref().and_then(|token| token.expires_at)
}
