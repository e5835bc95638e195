//! Accounts, one row each. Passwords are stored as hashes; callers hash them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::database::on_session;
use super::{Error, Result, Session, millis, optional_time_from_millis, rows, time_from_millis};
use crate::domain::user::{Role, User};

/// Returns whether any account exists.
pub async fn any_exists(s: &mut dyn Session) -> Result<bool> {
    let found: Option<String> = on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql("select id from users limit 1"))
        .fetch_optional(&mut *conn)
        .await)
    .map_err(Error::on("check for accounts"))?;
    Ok(found.is_some())
}

/// Inserts an account. Without a password hash nobody can sign in with a password.
///
/// # Errors
/// [`Error::Conflict`] if the name exists in any case.
pub async fn insert(s: &mut dyn Session, user: &User, password_hash: Option<&str>) -> Result<()> {
    let text = "insert into users (id, name, role, password_hash, grants, disabled, created_at, tags) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text))
            .bind(&user.id)
            .bind(&user.name)
            .bind(user.role.as_str())
            .bind(password_hash)
            .bind(rows(&user.grants)?)
            .bind(user.disabled)
            .bind(millis(user.created_at))
            .bind(rows(&user.tags)?)
            .execute(&mut *conn)
            .await
            .map(drop)
    })
    .map_err(Error::on("insert the account"))
}

/// Updates role, grants, tags and the disabled flag.
pub async fn update(s: &mut dyn Session, user: &User) -> Result<()> {
    let text = "update users set role = $2, grants = $3, disabled = $4, tags = $5 where id = $1";
    on_session!(s, |conn, dialect| {
        let query = sqlx::query(dialect.sql(text)).bind(&user.id).bind(user.role.as_str());
        query.bind(rows(&user.grants)?).bind(user.disabled).bind(rows(&user.tags)?).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("update the account"))
}

/// Replaces the password hash.
pub async fn set_password(s: &mut dyn Session, user_id: &str, password_hash: &str) -> Result<()> {
    let text = "update users set password_hash = $2 where id = $1";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(user_id).bind(password_hash).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("set the password"))
}

/// Deletes an account with its sessions and tokens.
pub async fn delete(s: &mut dyn Session, user_id: &str) -> Result<()> {
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql("delete from users where id = $1")).bind(user_id).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete the account"))
}

/// Sets `last_seen_at`.
pub async fn touch(s: &mut dyn Session, user_id: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "update users set last_seen_at = $2 where id = $1";
    on_session!(s, |conn, dialect| {
        sqlx::query(dialect.sql(text)).bind(user_id).bind(millis(now)).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("update the account's last use"))
}

/// Returns an account and its password hash by case-insensitive name.
pub async fn by_name(s: &mut dyn Session, name: &str) -> Result<Option<(User, Option<String>)>> {
    let text = format!("select {COLUMNS}, u.password_hash from users u where lower(u.name) = lower($1)");
    let found: Option<PasswordRow> =
        on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).bind(name).fetch_optional(&mut *conn).await)
            .map_err(Error::on("read the account"))?;
    found.map(|row| Ok((row.user.try_into()?, row.password_hash))).transpose()
}

/// Returns all accounts ordered by name.
pub async fn all(s: &mut dyn Session) -> Result<Vec<User>> {
    let text = format!("select {COLUMNS} from users u order by lower(u.name)");
    let found: Vec<UserRow> = on_session!(s, |conn, dialect| sqlx::query_as(dialect.sql(&text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("list accounts"))?;
    found.into_iter().map(User::try_from).collect()
}

/// Columns of an account; the table's alias is `u`.
pub(super) const COLUMNS: &str = "u.id as user_id, u.name as user_name, u.role as user_role, u.grants, u.disabled, \
    u.created_at as user_created_at, u.last_seen_at, u.tags as user_tags";

#[derive(Debug, FromRow)]
pub(super) struct UserRow {
    user_id: String,
    user_name: String,
    user_role: String,
    grants: String,
    disabled: bool,
    user_created_at: i64,
    last_seen_at: Option<i64>,
    user_tags: String,
}

#[derive(Debug, FromRow)]
struct PasswordRow {
    #[sqlx(flatten)]
    user: UserRow,
    password_hash: Option<String>,
}

impl TryFrom<UserRow> for User {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<User> {
        Ok(User {
            role: read_role(&row.user_role)?,
            grants: serde_json::from_str(&row.grants).map_err(|error| Error::InvalidValue(format!("grants: {error}")))?,
            tags: read_tags(&row.user_tags)?,
            created_at: time_from_millis(row.user_created_at)?,
            last_seen_at: optional_time_from_millis(row.last_seen_at)?,
            id: row.user_id,
            name: row.user_name,
            disabled: row.disabled,
        })
    }
}

pub(super) fn read_tags(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|error| Error::InvalidValue(format!("tags: {error}")))
}

/// Returns all tags that limit the scope of an account or a token.
pub async fn scope_tags(s: &mut dyn Session) -> Result<HashSet<String>> {
    let text = "select tags from users where tags <> '[]' union select tags from tokens where tags <> '[]'";
    let found: Vec<String> = on_session!(s, |conn, dialect| sqlx::query_scalar(dialect.sql(text)).fetch_all(&mut *conn).await)
        .map_err(Error::on("read the tags of scopes"))?;
    let lists = found.iter().map(|tags| read_tags(tags)).collect::<Result<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

pub(super) fn read_role(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| Error::InvalidValue(format!("role '{text}'")))
}
