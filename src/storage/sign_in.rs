//! Sessions and API tokens. Their secrets are stored as hashes; callers hash them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::account::{COLUMNS, UserRow, read_role, read_tags};
use super::database::on_session;
use super::{Error, Result, Session, millis, optional_time_from_millis, rows, time_from_millis};
use crate::domain::user::{Role, Token, User};

/// Inserts a session; `by_provider` if an identity provider authenticated the account.
pub async fn insert_session(
    s: &mut dyn Session,
    secret_hash: &str,
    user_id: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    by_provider: bool,
) -> Result<()> {
    let text = "insert into sessions (secret_hash, user_id, created_at, used_at, expires_at, by_provider)
        values ($1, $2, $3, $3, $4, $5)";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(secret_hash).bind(user_id).bind(millis(now)).bind(millis(expires_at));
        query.bind(by_provider).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("save the session"))
}

/// Deletes a session and all expired ones.
pub async fn delete_session(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "delete from sessions where secret_hash = $1 or expires_at <= $2";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(secret_hash).bind(millis(now)).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete the session"))
}

/// Deletes all sessions of an account except the one with the hash `except`.
pub async fn delete_sessions_of(s: &mut dyn Session, user_id: &str, except: Option<&str>) -> Result<()> {
    let text = "delete from sessions where user_id = $1 and secret_hash <> $2";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(user_id).bind(except.unwrap_or_default()).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete the account's sessions"))
}

/// A valid session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSession {
    pub user: User,
    pub used_at: DateTime<Utc>,
    /// Only a password was required: the account has no confirmed second factor and no identity provider authenticated it.
    pub password_only: bool,
}

/// Returns the session of a secret if it has not expired and was used since `idle_since`.
pub async fn by_session(
    s: &mut dyn Session,
    secret_hash: &str,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Option<ActiveSession>> {
    let text = format!(
        "select {COLUMNS}, x.used_at, not x.by_provider and not exists
            (select 1 from second_factors f where f.user_id = u.id and f.confirmed_at is not null) as password_only
        from sessions x join users u on u.id = x.user_id
        where x.secret_hash = $1 and x.expires_at > $2 and x.used_at > $3 and not u.disabled"
    );
    let found: Option<SessionRow> = on_session!(s, |conn, dialect| {
        let query = sqlx::query_as(dialect.sql(&text)).bind(secret_hash).bind(millis(now)).bind(millis(idle_since));
        query.fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the session"))?;
    let read = |row: SessionRow| {
        let password_only = row.password_only;
        Ok(ActiveSession { user: row.user.try_into()?, used_at: time_from_millis(row.used_at)?, password_only })
    };
    found.map(read).transpose()
}

#[derive(Debug, FromRow)]
struct SessionRow {
    #[sqlx(flatten)]
    user: UserRow,
    used_at: i64,
    password_only: bool,
}

/// The kind of credential a request was authenticated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    Session,
    Token,
}

/// Sets `used_at` of a session or a token.
pub async fn touch(s: &mut dyn Session, credential: CredentialKind, secret_hash: &str, now: DateTime<Utc>) -> Result<()> {
    let text = match credential {
        CredentialKind::Session => "update sessions set used_at = $2 where secret_hash = $1",
        CredentialKind::Token => "update tokens set used_at = $2 where secret_hash = $1",
    };
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(secret_hash).bind(millis(now)).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("update the last use of a session or token"))
}

/// Inserts a token.
pub async fn insert_token(s: &mut dyn Session, secret_hash: &str, user_id: &str, token: &Token) -> Result<()> {
    let text = "insert into tokens (id, secret_hash, user_id, name, role, created_at, expires_at, tags) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&token.id)
            .bind(secret_hash)
            .bind(user_id)
            .bind(&token.name)
            .bind(token.role.as_str())
            .bind(millis(token.created_at))
            .bind(token.expires_at.map(millis))
            .bind(rows(&token.tags)?)
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("save the token"))
}

/// Deletes the account's tokens of this name and any token with this secret.
pub async fn delete_tokens_named(s: &mut dyn Session, user_id: &str, name: &str, secret_hash: &str) -> Result<()> {
    let text = "delete from tokens where (user_id = $1 and name = $2) or secret_hash = $3";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(user_id).bind(name).bind(secret_hash).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("replace the token"))
}

/// Deletes a token. Returns false if it does not exist.
pub async fn delete_token(s: &mut dyn Session, id: &str) -> Result<bool> {
    let done = on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql("delete from tokens where id = $1")).bind(id);
        query.execute(&mut *conn).await.map(|done| done.rows_affected())
    });
    done.map(|rows| rows > 0).map_err(Error::on("revoke the token"))
}

/// Returns the tokens of one account or of all, ordered by account and name.
pub async fn tokens(s: &mut dyn Session, user_name: Option<&str>) -> Result<Vec<Token>> {
    let text = "select x.id, u.name as owner, x.name, x.role, x.tags, x.created_at, x.expires_at, x.used_at
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
    tags: String,
    created_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Error;

    fn try_from(row: TokenRow) -> Result<Token> {
        Ok(Token {
            role: read_role(&row.role)?,
            tags: read_tags(&row.tags)?,
            created_at: time_from_millis(row.created_at)?,
            expires_at: optional_time_from_millis(row.expires_at)?,
            used_at: optional_time_from_millis(row.used_at)?,
            id: row.id,
            user: row.owner,
            name: row.name,
        })
    }
}

/// A valid token and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveToken {
    /// The account that owns the token.
    pub user: User,
    /// The token's own role and tag scope.
    pub role: Role,
    pub tags: Vec<String>,
    pub used_at: Option<DateTime<Utc>>,
}

/// Returns the token of a secret if it has not expired and its account is enabled.
pub async fn by_token(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<Option<ActiveToken>> {
    let text = format!(
        "select {COLUMNS}, x.role as token_role, x.tags as token_tags, x.used_at from tokens x join users u on u.id = x.user_id
        where x.secret_hash = $1 and (x.expires_at is null or x.expires_at > $2) and not u.disabled"
    );
    let found: Option<ActiveTokenRow> = on_session!(s, |conn, dialect| {
        sqlx::query_as(dialect.sql(&text)).bind(secret_hash).bind(millis(now)).fetch_optional(&mut *conn).await
    })
    .map_err(Error::on("read the token"))?;
    let known = |row: ActiveTokenRow| {
        let (role, tags) = (read_role(&row.token_role)?, read_tags(&row.token_tags)?);
        Ok(ActiveToken { user: row.user.try_into()?, role, tags, used_at: optional_time_from_millis(row.used_at)? })
    };
    found.map(known).transpose()
}

#[derive(Debug, FromRow)]
struct ActiveTokenRow {
    #[sqlx(flatten)]
    user: UserRow,
    token_role: String,
    token_tags: String,
    used_at: Option<i64>,
}
