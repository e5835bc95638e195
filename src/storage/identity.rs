//! Accounts linked to an OIDC subject, and pending OIDC logins.

use chrono::{DateTime, Utc};

use super::account::COLUMNS;
use super::statement::{execute, fetch};
use super::{Result, Session, millis};
use crate::domain::user::User;

/// Returns the account linked to a provider's subject, disabled or not.
pub async fn user_of(s: &mut dyn Session, issuer: &str, subject: &str) -> Result<Option<User>> {
    let text =
        format!("select {COLUMNS} from identities i join users u on u.id = i.user_id where i.issuer = $1 and i.subject = $2");
    fetch!(optional, s, "read the linked account", &text, issuer, subject)
}

/// Links an account to a provider's subject.
///
/// # Errors
/// [`super::Error::Conflict`] if the subject is linked to an account.
pub async fn link(s: &mut dyn Session, issuer: &str, subject: &str, user_id: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into identities (issuer, subject, user_id, created_at) values ($1, $2, $3, $4)";
    execute!(s, "link the account", text, issuer, subject, user_id, millis(now)).map(drop)
}

/// Returns the ids of all linked accounts.
pub async fn linked_user_ids(s: &mut dyn Session) -> Result<Vec<String>> {
    fetch!(scalars, s, "list linked accounts", "select distinct user_id from identities")
}

/// Returns whether an account is linked.
pub async fn is_linked(s: &mut dyn Session, user_id: &str) -> Result<bool> {
    let text = "select issuer from identities where user_id = $1 limit 1";
    let found: Option<String> = fetch!(scalar, s, "check the account's link", text, user_id)?;
    Ok(found.is_some())
}

/// A login that was redirected to the identity provider and has not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOidcLogin {
    /// Hash of the value in the browser's cookie.
    pub browser_hash: String,
    pub nonce: String,
    /// The PKCE code verifier.
    pub verifier: String,
    /// Path to redirect to after the login.
    pub next: String,
}

/// Inserts a pending login and deletes expired ones. Returns false, and inserts nothing, if there are `max` already.
pub async fn insert_pending_login(
    s: &mut dyn Session,
    state_hash: &str,
    login: &PendingOidcLogin,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    max: i64,
) -> Result<bool> {
    execute!(s, "delete expired logins", "delete from pending_oidc_logins where expires_at <= $1", millis(now))?;
    let text = "insert into pending_oidc_logins (state_hash, browser_hash, nonce, verifier, next, expires_at)
        select $1, $2, $3, $4, $5, $6 where (select count(*) from pending_oidc_logins) < $7";
    Ok(execute!(
        s,
        "save the pending login",
        text,
        state_hash,
        &login.browser_hash,
        &login.nonce,
        &login.verifier,
        &login.next,
        millis(expires_at),
        max
    )? > 0)
}

/// Deletes and returns a pending login; a second call returns `None`.
pub async fn take_pending_login(s: &mut dyn Session, state_hash: &str, now: DateTime<Utc>) -> Result<Option<PendingOidcLogin>> {
    let text = "delete from pending_oidc_logins where state_hash = $1 and expires_at > $2
        returning browser_hash, nonce, verifier, next";
    let found: Option<(String, String, String, String)> =
        fetch!(optional, s, "read the pending login", text, state_hash, millis(now))?;
    Ok(found.map(|(browser_hash, nonce, verifier, next)| PendingOidcLogin { browser_hash, nonce, verifier, next }))
}
