//! API tokens. The token text is shown once, at creation.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::audit::AuditEntry;
use super::secrets::{hash_secret, new_secret};
use super::{Error, Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::permission::TagScope;
use crate::domain::user::{Action, Actor, Role, Token, check_limits};
use crate::ids::new_id;
use crate::storage::{account, sign_in};

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

impl Service {
    /// The actor's tokens; for administrators all tokens.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<Token>> {
        allow(actor, Action::See)?;
        let of = (!actor.role.allows(Action::Administer)).then_some(actor.name.as_str());
        Ok(sign_in::tokens(&mut self.database().read().await?, of).await?)
    }

    /// Creates a token of the actor's account. The second value is its text, which is not stored.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid name, a role or tags beyond the actor's own, or an expiry in the past.
    pub async fn create_token(&self, actor: &Actor, new: &NewToken) -> Result<(Token, String)> {
        allow(actor, Action::See)?;
        let now = self.clock().now();
        check(new, actor, now)?;
        let secret = format!("{PREFIX}{}", new_secret()?);
        let mut token = Token {
            id: new_id(now),
            user: actor.name.clone(),
            name: new.name.trim().to_owned(),
            role: new.role.unwrap_or(actor.role),
            tags: new.tags.clone(),
            created_at: now,
            expires_at: new.expires_at,
            used_at: None,
        };
        let mut tx = self.database().write().await?;
        let Some((user, _)) = account::by_name(&mut tx, &actor.name).await? else {
            return Err(Error::Conflict("a token belongs to an account; sign in with one".to_owned()));
        };
        // A token created with a limited token inherits its limits.
        if let (Some(own), true) = (actor.scope.tags(), token.tags.is_empty())
            && TagScope::from_tags(&user.tags) != actor.scope
        {
            token.tags = own.to_vec();
        }
        sign_in::insert_token(&mut tx, &hash_secret(&secret), &user.id, &token).await?;
        let after = json!({"name": token.name, "role": token.role.as_str(), "tags": token.tags, "expires_at": token.expires_at});
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::TokenCreate, "token", &token.id).after(after)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, token = token.name, role = token.role.as_str(), "token created");
        Ok((token, secret))
    }

    /// Revokes a token of the actor or, for administrators, any token; effective with the next request.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a token of another account.
    pub async fn revoke_token(&self, actor: &Actor, id: &str) -> Result<()> {
        let known = self.tokens(actor).await?.into_iter().find(|token| token.id == id);
        let Some(token) = known else {
            return Err(Error::NotFound(format!("there is no token '{}'", truncate(id, 40))));
        };
        let mut tx = self.database().write().await?;
        sign_in::delete_token(&mut tx, id).await?;
        let before = json!({"user": token.user, "name": token.name, "role": token.role.as_str(), "tags": token.tags});
        self.record_audit(&mut tx, actor, AuditEntry::new(AuditEvent::TokenRevoke, "token", id).before(before)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, token = token.name, "token revoked");
        Ok(())
    }
}

fn check(new: &NewToken, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let length = new.name.trim().chars().count();
    if !(1..=MAX_NAME).contains(&length) || new.name.chars().any(char::is_control) {
        return Err(Error::invalid("/name", format!("name: must have 1 to {MAX_NAME} characters, no control characters")));
    }
    if let Some(role) = new.role.filter(|role| *role > actor.role) {
        let (asked, own) = (role.as_str(), actor.role.as_str());
        return Err(Error::invalid("/role", format!("role: {asked} is above the account's own role, {own}")));
    }
    check_limits(&new.tags, new.role.unwrap_or(actor.role)).map_err(Error::Invalid)?;
    if let Some(own) = actor.scope.tags()
        && (own.is_empty() || new.tags.iter().any(|tag| !own.contains(tag)))
    {
        return Err(Error::invalid("/tags", format!("tags: must be among the account's own, {}", own.join(", "))));
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("/expires_at", "expires_at: must lie in the future"));
    }
    Ok(())
}
