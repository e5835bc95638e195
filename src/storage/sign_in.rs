//! Sessions and API tokens. Their secrets are stored as hashes; callers hash them.

use chrono::{DateTime, Utc};

use super::account::COLUMNS;
use super::column::{FromRow, StoredRow, insert_sql, json_text, stored, written};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
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
    execute!(s, "save the session", text, secret_hash, user_id, millis(now), millis(expires_at), by_provider).map(drop)
}

/// Deletes a session and all expired ones.
pub async fn delete_session(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "delete from sessions where secret_hash = $1 or expires_at <= $2";
    execute!(s, "delete the session", text, secret_hash, millis(now)).map(drop)
}

/// Deletes all sessions of an account except the one with the hash `except`.
pub async fn delete_sessions_of(s: &mut dyn Session, user_id: &str, except: Option<&str>) -> Result<()> {
    let text = "delete from sessions where user_id = $1 and secret_hash <> $2";
    execute!(s, "delete the account's sessions", text, user_id, except.unwrap_or_default()).map(drop)
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
    fetch!(optional, s, "read the session", &text, secret_hash, millis(now), millis(idle_since))
}

impl FromRow for ActiveSession {
    fn from_row<R: StoredRow>(row: &R) -> sqlx::Result<Self> {
        Ok(Self { user: User::from_row(row)?, used_at: row.value("used_at")?, password_only: row.value("password_only")? })
    }
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
    execute!(s, "update the last use of a session or token", text, secret_hash, millis(now)).map(drop)
}

/// Inserts a token. `parent` is the id of the token that it was created with.
pub async fn insert_token(
    s: &mut dyn Session,
    secret_hash: &str,
    user_id: &str,
    parent: Option<&str>,
    token: &Token,
) -> Result<()> {
    let text = insert_sql("tokens", TokenRow::COLUMNS, &[("secret_hash", "$2"), ("user_id", "$3"), ("parent", "$4")]);
    execute!(s, "save the token", &text, rows(&[TokenRow(token)])?, secret_hash, user_id, parent).map(drop)
}

written! {
    TokenRow of Token as token => {
        id Text = token.id,
        name Text = token.name,
        role Text = token.role.as_str(),
        tags Text = json_text(&token.tags),
        created_at Integer = millis(token.created_at),
        expires_at Integer = token.expires_at.map(millis),
    }
}

/// Deletes the account's tokens of this name, any token with this secret, and those that were created with them.
pub async fn delete_tokens_named(s: &mut dyn Session, user_id: &str, name: &str, secret_hash: &str) -> Result<()> {
    let text = "delete from tokens where (user_id = $1 and name = $2) or secret_hash = $3";
    execute!(s, "replace the token", text, user_id, name, secret_hash).map(drop)
}

/// Deletes a token and those that were created with it. Returns false if it does not exist.
pub async fn delete_token(s: &mut dyn Session, id: &str) -> Result<bool> {
    Ok(execute!(s, "revoke the token", "delete from tokens where id = $1", id)? > 0)
}

/// Returns the tokens of one account or of all, ordered by account and name.
pub async fn tokens(s: &mut dyn Session, user_name: Option<&str>) -> Result<Vec<Token>> {
    let text = "select x.id, u.name as account, x.name, x.role, x.tags, x.created_at, x.expires_at, x.used_at
        from tokens x join users u on u.id = x.user_id
        where cast($1 as text) is null or lower(u.name) = lower($1) order by lower(u.name), x.name, x.id";
    fetch!(all, s, "list tokens", text, user_name)
}

stored! {
    Token { id, user = account, name, role, tags, created_at, expires_at, used_at }
}

/// A valid token and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveToken {
    /// The account that owns the token.
    pub user: User,
    pub id: String,
    /// The token's own role and tag scope.
    pub role: Role,
    pub tags: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub used_at: Option<DateTime<Utc>>,
}

/// Returns the token of a secret if it has not expired and its account is enabled.
pub async fn by_token(s: &mut dyn Session, secret_hash: &str, now: DateTime<Utc>) -> Result<Option<ActiveToken>> {
    let text = format!(
        "select {COLUMNS}, x.id as token_id, x.role, x.tags, x.expires_at, x.used_at from tokens x join users u on u.id = x.user_id
        where x.secret_hash = $1 and (x.expires_at is null or x.expires_at > $2) and not u.disabled"
    );
    fetch!(optional, s, "read the token", &text, secret_hash, millis(now))
}

impl FromRow for ActiveToken {
    fn from_row<R: StoredRow>(row: &R) -> sqlx::Result<Self> {
        let (id, role, tags) = (row.value("token_id")?, row.value("role")?, row.value("tags")?);
        let (expires_at, used_at) = (row.value("expires_at")?, row.value("used_at")?);
        Ok(Self { user: User::from_row(row)?, id, role, tags, expires_at, used_at })
    }
}
