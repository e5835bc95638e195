//! Accounts, sessions and tokens. Secrets are kept as hashes only; the hashing is the caller's.

use chrono::{DateTime, Utc};

use super::database::on_session;
use super::{Error, Result, Session, millis};
use crate::domain::user::{Role, User};

/// Whether there is any account.
///
/// # Errors
/// Where the database fails.
pub async fn any(s: &mut dyn Session) -> Result<bool> {
    let found: Option<String> = on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql("select id from users limit 1"))
        .fetch_optional(&mut *conn)
        .await)
    .map_err(Error::on("look for accounts"))?;
    Ok(found.is_some())
}

/// Inserts an account. Without a password hash nobody can sign in with a password.
///
/// # Errors
/// [`Error::Conflict`] where the name is taken, in any case.
pub async fn insert(s: &mut dyn Session, user: &User, password_hash: Option<&str>, now: DateTime<Utc>) -> Result<()> {
    let text = "insert into users (id, name, role, password_hash, created_at) values ($1, $2, $3, $4, $5)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&user.id)
            .bind(&user.name)
            .bind(user.role.as_str())
            .bind(password_hash)
            .bind(millis(now))
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("insert the account"))
}

/// An account and its password hash, by name in any case.
///
/// # Errors
/// Where the database fails.
pub async fn by_name(s: &mut dyn Session, name: &str) -> Result<Option<(User, Option<String>)>> {
    let text = "select id, name, role, password_hash from users where lower(name) = lower($1)";
    let found: Option<(String, String, String, Option<String>)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(name).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the account"))?;
    found.map(|(id, name, role, hash)| Ok((user(id, name, &role)?, hash))).transpose()
}

/// Keeps a session.
///
/// # Errors
/// Where the database fails.
pub async fn insert_session(
    s: &mut dyn Session,
    secret_hash: &str,
    user_id: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let text = "insert into sessions (secret_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(secret_hash).bind(user_id).bind(millis(now)).bind(millis(expires_at));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("keep the session"))
}

/// Ends a session, and forgets those that have run out.
///
/// # Errors
/// Where the database fails.
pub async fn end_session(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "delete from sessions where secret_hash = $1 or expires_at <= $2";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(secret_hash).bind(millis(now)).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("end the session"))
}

/// The account of a session that has not run out.
///
/// # Errors
/// Where the database fails.
pub async fn by_session(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<Option<User>> {
    let text = "select u.id, u.name, u.role from sessions x join users u on u.id = x.user_id
        where x.secret_hash = $1 and x.expires_at > $2";
    let found: Option<(String, String, String)> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(text)).bind(secret_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the session"))?;
    found.map(|(id, name, role)| user(id, name, &role)).transpose()
}

/// Makes a token the only one of its name for an account.
///
/// # Errors
/// Where the database fails.
pub async fn put_token(s: &mut dyn Session, secret_hash: &str, user_id: &str, name: &str, now: DateTime<Utc>) -> Result<()> {
    on_session!(s, |conn, dialect| {
        let text = "delete from tokens where (user_id = $1 and name = $2) or secret_hash = $3";
        sqlx::query(dialect.sql(text)).bind(user_id).bind(name).bind(secret_hash).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("replace the token"))?;
    let text = "insert into tokens (secret_hash, user_id, name, created_at) values ($1, $2, $3, $4)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(secret_hash).bind(user_id).bind(name).bind(millis(now));
        query.execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("keep the token"))
}

/// The account of a token.
///
/// # Errors
/// Where the database fails.
pub async fn by_token(s: &mut dyn Session, secret_hash: &str) -> Result<Option<User>> {
    let text = "select u.id, u.name, u.role from tokens x join users u on u.id = x.user_id where x.secret_hash = $1";
    let found: Option<(String, String, String)> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(secret_hash).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the token"))?;
    found.map(|(id, name, role)| user(id, name, &role)).transpose()
}

fn user(id: String, name: String, role: &str) -> Result<User> {
    let role = Role::parse(role).ok_or_else(|| Error::Unreadable(format!("role '{role}'")))?;
    Ok(User { id, name, role })
}
