//! Accounts linked to an OIDC subject, and pending OIDC logins.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::account::{COLUMNS, UserRow};
use super::database::on_session;
use super::{Error, Result, Session, millis};
use crate::domain::user::User;

/// Returns the account linked to a provider's subject, disabled or not.
pub async fn user_of(s: &mut dyn Session, issuer: &str, subject: &str) -> Result<Option<User>> {
    let text =
        format!("select {COLUMNS} from identities i join users u on u.id = i.user_id where i.issuer = $1 and i.subject = $2");
    let found: Option<LinkedRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(issuer).bind(subject).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the linked account"))?;
    found.map(|row| row.user.try_into()).transpose()
}

#[derive(Debug, FromRow)]
struct LinkedRow {
    #[sqlx(flatten)]
    user: UserRow,
}

/// Links an account to a provider's subject.
///
/// # Errors
/// [`Error::Conflict`] if the subject is linked to an account.
pub async fn link(s: &mut dyn Session, issuer: &str, subject: &str, user_id: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into identities (issuer, subject, user_id, created_at) values ($1, $2, $3, $4)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(issuer).bind(subject).bind(user_id).bind(millis(now));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("link the account"))
}

/// Returns the ids of all linked accounts.
pub async fn linked_user_ids(s: &mut dyn Session) -> Result<Vec<String>> {
    on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql("select distinct user_id from identities")).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list linked accounts"))
}

/// Returns whether an account is linked.
pub async fn is_linked(s: &mut dyn Session, user_id: &str) -> Result<bool> {
    let text = "select issuer from identities where user_id = $1 limit 1";
    let found: Option<String> =
        on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).bind(user_id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("check the account's link"))?;
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
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from pending_oidc_logins where expires_at <= $1")).bind(millis(now));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete expired logins"))?;
    let text = "insert into pending_oidc_logins (state_hash, browser_hash, nonce, verifier, next, expires_at)
        select $1, $2, $3, $4, $5, $6 where (select count(*) from pending_oidc_logins) < $7";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(state_hash).bind(&login.browser_hash).bind(&login.nonce);
        let query = query.bind(&login.verifier).bind(&login.next).bind(millis(expires_at)).bind(max);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("save the pending login"))
}

/// Deletes and returns a pending login; a second call returns `None`.
pub async fn take_pending_login(s: &mut dyn Session, state_hash: &str, now: DateTime<Utc>) -> Result<Option<PendingOidcLogin>> {
    let text = "delete from pending_oidc_logins where state_hash = $1 and expires_at > $2
        returning browser_hash, nonce, verifier, next";
    let found: Option<(String, String, String, String)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(state_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the pending login"))?;
    Ok(found.map(|(browser_hash, nonce, verifier, next)| PendingOidcLogin { browser_hash, nonce, verifier, next }))
}
