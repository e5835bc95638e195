//! Whom an identity provider vouches for, and readers on their way to it and back.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::account::{COLUMNS, UserRow};
use super::database::on_session;
use super::{Error, Result, Session, millis};
use crate::domain::user::User;

/// The account of a provider's subject, disabled or not.
///
/// # Errors
/// Where the database fails.
pub async fn account_of(s: &mut dyn Session, issuer: &str, subject: &str) -> Result<Option<User>> {
    let text =
        format!("select {COLUMNS} from identities i join users u on u.id = i.user_id where i.issuer = $1 and i.subject = $2");
    let found: Option<Linked> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(issuer).bind(subject).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the linked account"))?;
    found.map(|row| row.user.try_into()).transpose()
}

#[derive(Debug, FromRow)]
struct Linked {
    #[sqlx(flatten)]
    user: UserRow,
}

/// Links an account with a provider's subject.
///
/// # Errors
/// [`Error::Conflict`] where the subject has an account already.
pub async fn link(s: &mut dyn Session, issuer: &str, subject: &str, user_id: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into identities (issuer, subject, user_id, created_at) values ($1, $2, $3, $4)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(issuer).bind(subject).bind(user_id).bind(millis(now));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("link the account"))
}

/// Ids of the accounts that are linked.
///
/// # Errors
/// Where the database fails.
pub async fn linked(s: &mut dyn Session) -> Result<Vec<String>> {
    on_session!(s, |conn, dialect| {
        sqlx::query_scalar(dialect.sql("select distinct user_id from identities")).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("list linked accounts"))
}

/// Whether an account is linked.
///
/// # Errors
/// Where the database fails.
pub async fn is_linked(s: &mut dyn Session, user_id: &str) -> Result<bool> {
    let text = "select issuer from identities where user_id = $1 limit 1";
    let found: Option<String> =
        on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).bind(user_id).fetch_optional(&mut *conn).await)
            .map_err(Error::on("look for the account's link"))?;
    Ok(found.is_some())
}

/// A reader who was sent to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderVisit {
    /// Of what the reader's browser keeps.
    pub browser_hash: String,
    pub nonce: String,
    /// Of PKCE.
    pub verifier: String,
    /// Where the reader wanted to go.
    pub next: String,
}

/// Keeps a visit, and forgets those that have run out. False, and nothing is kept, where there are `most` already.
///
/// # Errors
/// Where the database fails.
pub async fn begin_visit(
    s: &mut dyn Session,
    state_hash: &str,
    visit: &ProviderVisit,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    most: i64,
) -> Result<bool> {
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from provider_visits where expires_at <= $1")).bind(millis(now));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("forget old visits"))?;
    let text = "insert into provider_visits (state_hash, browser_hash, nonce, verifier, next, expires_at)
        select $1, $2, $3, $4, $5, $6 where (select count(*) from provider_visits) < $7";
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(state_hash).bind(&visit.browser_hash).bind(&visit.nonce);
        let query = query.bind(&visit.verifier).bind(&visit.next).bind(millis(expires_at)).bind(most);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("keep the visit"))
}

/// Ends a visit and answers what was kept; a second call finds nothing.
///
/// # Errors
/// Where the database fails.
pub async fn end_visit(s: &mut dyn Session, state_hash: &str, now: DateTime<Utc>) -> Result<Option<ProviderVisit>> {
    let text = "delete from provider_visits where state_hash = $1 and expires_at > $2
        returning browser_hash, nonce, verifier, next";
    let found: Option<(String, String, String, String)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(state_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("end the visit"))?;
    Ok(found.map(|(browser_hash, nonce, verifier, next)| ProviderVisit { browser_hash, nonce, verifier, next }))
}
