//! Sessions of people and tokens of programs. Their secrets are kept as hashes only; the hashing is the caller's.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::account::{COLUMNS, UserRow, read_role};
use super::database::on_session;
use super::{Error, Result, Session, instant, millis, optional_instant};
use crate::domain::user::{Role, Token, User};

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
    let text = "insert into sessions (secret_hash, user_id, created_at, used_at, expires_at) values ($1, $2, $3, $3, $4)";
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

/// Ends all sessions of an account, but for one that may go on.
///
/// # Errors
/// Where the database fails.
pub async fn end_sessions_of(s: &mut dyn Session, user_id: &str, but_for: Option<&str>) -> Result<()> {
    let text = "delete from sessions where user_id = $1 and secret_hash <> $2";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(user_id).bind(but_for.unwrap_or_default()).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("end the account's sessions"))
}

/// The account of a session that has not run out and was used since `idle_since`, and when it was last used.
///
/// # Errors
/// Where the database fails.
pub async fn by_session(
    s: &mut dyn Session,
    secret_hash: &str,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Option<(User, DateTime<Utc>)>> {
    let text = format!(
        "select {COLUMNS}, x.used_at from sessions x join users u on u.id = x.user_id
        where x.secret_hash = $1 and x.expires_at > $2 and x.used_at > $3 and not u.disabled"
    );
    let found: Option<SessionRow> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_as(dialect.sql(&text)).bind(secret_hash).bind(millis(now)).bind(millis(idle_since));
        query.fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the session"))?;
    found.map(|row| Ok((row.user.try_into()?, instant(row.used_at)?))).transpose()
}

#[derive(Debug, FromRow)]
struct SessionRow {
    #[sqlx(flatten)]
    user: UserRow,
    used_at: i64,
}

/// Notes that a session or a token was used.
///
/// # Errors
/// Where the database fails.
pub async fn used(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<()> {
    for text in
        ["update sessions set used_at = $2 where secret_hash = $1", "update tokens set used_at = $2 where secret_hash = $1"]
    {
        on_session!(s, |conn, dialect| {
            sqlx::query(dialect.sql(text)).bind(secret_hash).bind(millis(now)).execute(&mut *conn).await.map(drop)
        })
        .map_err(Error::on("note the use of a session or token"))?;
    }
    Ok(())
}

/// Keeps a token.
///
/// # Errors
/// Where the database fails.
pub async fn insert_token(s: &mut dyn Session, secret_hash: &str, user_id: &str, token: &Token) -> Result<()> {
    let text =
        "insert into tokens (id, secret_hash, user_id, name, role, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&token.id)
            .bind(secret_hash)
            .bind(user_id)
            .bind(&token.name)
            .bind(token.role.as_str())
            .bind(millis(token.created_at))
            .bind(token.expires_at.map(millis))
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("keep the token"))
}

/// Withdraws the tokens of an account with this name, and any token with this secret.
///
/// # Errors
/// Where the database fails.
pub async fn delete_tokens_named(s: &mut dyn Session, user_id: &str, name: &str, secret_hash: &str) -> Result<()> {
    let text = "delete from tokens where (user_id = $1 and name = $2) or secret_hash = $3";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(user_id).bind(name).bind(secret_hash).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("replace the token"))
}

/// Withdraws a token. False where there is none.
///
/// # Errors
/// Where the database fails.
pub async fn delete_token(s: &mut dyn Session, id: &str) -> Result<bool> {
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from tokens where id = $1")).bind(id);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("withdraw the token"))
}

/// Tokens, of one account or of all, by account and name.
///
/// # Errors
/// Where the database fails.
pub async fn tokens(s: &mut dyn Session, user_name: Option<&str>) -> Result<Vec<Token>> {
    let text = "select x.id, u.name as owner, x.name, x.role, x.created_at, x.expires_at, x.used_at
        from tokens x join users u on u.id = x.user_id
        where cast($1 as text) is null or lower(u.name) = lower($1) order by lower(u.name), x.name, x.id";
    let found: Vec<TokenRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(text)).bind(user_name).fetch_all(&mut *conn).await)
            .map_err(Error::on("list tokens"))?;
    found.into_iter().map(Token::try_from).collect()
}

#[derive(Debug, FromRow)]
struct TokenRow {
    id: String,
    owner: String,
    name: String,
    role: String,
    created_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Error;

    fn try_from(row: TokenRow) -> Result<Token> {
        Ok(Token {
            role: read_role(&row.role)?,
            created_at: instant(row.created_at)?,
            expires_at: optional_instant(row.expires_at)?,
            used_at: optional_instant(row.used_at)?,
            id: row.id,
            user: row.owner,
            name: row.name,
        })
    }
}

/// The account of a token that has not run out, the token's own role, and when it was last used.
///
/// # Errors
/// Where the database fails.
pub async fn by_token(
    s: &mut dyn Session,
    secret_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<(User, Role, Option<DateTime<Utc>>)>> {
    let text = format!(
        "select {COLUMNS}, x.role as token_role, x.used_at from tokens x join users u on u.id = x.user_id
        where x.secret_hash = $1 and (x.expires_at is null or x.expires_at > $2) and not u.disabled"
    );
    let found: Option<OfToken> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(secret_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the token"))?;
    found.map(|row| Ok((row.user.try_into()?, read_role(&row.token_role)?, optional_instant(row.used_at)?))).transpose()
}

#[derive(Debug, FromRow)]
struct OfToken {
    #[sqlx(flatten)]
    user: UserRow,
    token_role: String,
    used_at: Option<i64>,
}
