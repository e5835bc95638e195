//! Accounts, one row each. Passwords are stored as hashes; callers hash them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::column::{FromRow, StoredRow, insert_sql, json_text, stored, update_sql, written};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::user::User;

/// Returns whether any account exists.
pub async fn any_exists(s: &mut dyn Session) -> Result<bool> {
    let found: Option<String> = fetch!(scalar, s, "check for accounts", "select id from users limit 1")?;
    Ok(found.is_some())
}

/// Inserts an account. Without a password hash nobody can sign in with a password.
///
/// # Errors
/// [`super::Error::Conflict`] if the name exists in any case.
pub async fn insert(s: &mut dyn Session, user: &User, password_hash: Option<&str>) -> Result<()> {
    let text = insert_sql("users", UserRow::COLUMNS, &[("password_hash", "$2")]);
    execute!(s, "insert the account", &text, rows(&[UserRow(user)])?, password_hash).map(drop)
}

/// Updates role, grants, tags and the disabled flag.
pub async fn update(s: &mut dyn Session, user: &User) -> Result<()> {
    let text = update_sql("users", UserRow::COLUMNS, &["name", "created_at"]);
    execute!(s, "update the account", &text, rows(&[UserRow(user)])?).map(drop)
}

written! {
    UserRow of User as user => {
        id Text = user.id,
        name Text = user.name,
        role Text = user.role.as_str(),
        grants Text = json_text(&user.grants),
        tags Text = json_text(&user.tags),
        disabled Flag = user.disabled,
        created_at Integer = millis(user.created_at),
    }
}

/// Replaces the password hash.
pub async fn set_password(s: &mut dyn Session, user_id: &str, password_hash: &str) -> Result<()> {
    let text = "update users set password_hash = $2 where id = $1";
    execute!(s, "set the password", text, user_id, password_hash).map(drop)
}

/// Deletes an account with its sessions and tokens.
pub async fn delete(s: &mut dyn Session, user_id: &str) -> Result<()> {
    execute!(s, "delete the account", "delete from users where id = $1", user_id).map(drop)
}

/// Sets `last_seen_at`.
pub async fn touch(s: &mut dyn Session, user_id: &str, now: DateTime<Utc>) -> Result<()> {
    let text = "update users set last_seen_at = $2 where id = $1";
    execute!(s, "update the account's last use", text, user_id, millis(now)).map(drop)
}

/// Returns an account and its password hash by case-insensitive name.
pub async fn by_name(s: &mut dyn Session, name: &str) -> Result<Option<(User, Option<String>)>> {
    let text = format!("select {COLUMNS}, u.password_hash from users u where lower(u.name) = lower($1)");
    let found: Option<PasswordRow> = fetch!(optional, s, "read the account", &text, name)?;
    Ok(found.map(|row| (row.user, row.password_hash)))
}

/// Returns all accounts ordered by name.
pub async fn all(s: &mut dyn Session) -> Result<Vec<User>> {
    let text = format!("select {COLUMNS} from users u order by lower(u.name)");
    fetch!(all, s, "list accounts", &text)
}

stored! {
    /// Columns of an account; the table's alias is `u`.
    pub(super) COLUMNS: User as u { id, name, role, grants, tags, disabled, created_at, last_seen_at }
}

struct PasswordRow {
    user: User,
    password_hash: Option<String>,
}

impl FromRow for PasswordRow {
    fn from_row<R: StoredRow>(row: &R) -> sqlx::Result<Self> {
        Ok(Self { user: User::from_row(row)?, password_hash: row.value("password_hash")? })
    }
}

/// Returns all tags that limit the scope of an account or a token.
pub async fn scope_tags(s: &mut dyn Session) -> Result<HashSet<String>> {
    let text = "select tags from users where tags <> '[]' union select tags from tokens where tags <> '[]'";
    let found: Vec<TagsRow> = fetch!(all, s, "read the tags of scopes", text)?;
    Ok(found.into_iter().flat_map(|row| row.tags).collect())
}

/// The tags of one row.
pub(super) struct TagsRow {
    pub tags: Vec<String>,
}

stored! {
    TagsRow { tags }
}
