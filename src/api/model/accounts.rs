//! Response models of accounts and tokens.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::{RoleWord, Timestamp};
use super::timestamp;
use crate::domain::user::{Token, User};
use crate::service::SignInMethods;

/// An account.
#[derive(Default, Object)]
#[oai(rename = "User", read_only_all)]
pub struct UserView {
    name: String,
    role: RoleWord,
    /// Dangerous task types that it may set up although its role does not allow it.
    grants: Vec<String>,
    /// Limits the account to tasks with one of these tags; empty: all tasks.
    tags: Vec<String>,
    /// Whether sign-in and tokens are disabled.
    disabled: bool,
    /// Whether a code is required in addition to the password.
    second_factor: bool,
    /// Whether it signs in through the identity provider and has no password.
    single_sign_on: bool,
    created_at: Timestamp,
    /// When it was last used, to the minute.
    last_seen_at: Option<Timestamp>,
}

impl UserView {
    pub fn new(user: User, ways: &SignInMethods) -> Self {
        let (second_factor, single_sign_on) = (ways.has_second_factor(&user), ways.is_linked(&user));
        let at = |when| timestamp(when, Tz::UTC);
        Self {
            name: user.name,
            role: RoleWord(user.role.as_str()),
            grants: user.grants,
            tags: user.tags,
            disabled: user.disabled,
            second_factor,
            single_sign_on,
            created_at: at(user.created_at),
            last_seen_at: user.last_seen_at.map(at),
        }
    }
}

/// A token without its text.
#[derive(Default, Object)]
#[oai(rename = "Token", read_only_all)]
pub struct TokenView {
    id: String,
    /// The account it belongs to.
    user: String,
    name: String,
    role: RoleWord,
    /// Limits the token to tasks with one of these tags, among those of its account; empty: all of them.
    tags: Vec<String>,
    created_at: Timestamp,
    /// Null: never.
    expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    used_at: Option<Timestamp>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let at = |when| timestamp(when, Tz::UTC);
        Self {
            id: token.id,
            user: token.user,
            name: token.name,
            role: RoleWord(token.role.as_str()),
            tags: token.tags,
            created_at: at(token.created_at),
            expires_at: token.expires_at.map(at),
            used_at: token.used_at.map(at),
        }
    }
}

/// A token with its text.
#[derive(Default, Object)]
#[oai(rename = "CreatedToken", read_only_all)]
pub struct NewTokenView {
    id: String,
    name: String,
    role: RoleWord,
    /// As in the list.
    tags: Vec<String>,
    /// Null: never.
    expires_at: Option<Timestamp>,
    /// The value for `Authorization: Bearer`. It is shown only once.
    token: String,
}

impl NewTokenView {
    pub fn new(token: Token, text: String) -> Self {
        let shown = TokenView::from(token);
        Self { id: shown.id, name: shown.name, role: shown.role, tags: shown.tags, expires_at: shown.expires_at, token: text }
    }
}
