//! Accounts and tokens as answers show them.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::instant;
use super::named::{Instant, RoleWord};
use crate::domain::user::{Token, User};

/// An account.
#[derive(Default, Object)]
#[oai(rename = "User", read_only_all)]
pub struct UserView {
    name: String,
    role: RoleWord,
    /// Dangerous task types that it may set up though its role may not.
    grants: Vec<String>,
    /// It can neither sign in nor use its tokens.
    disabled: bool,
    created_at: Instant,
    /// When it was last used, to the minute.
    last_seen_at: Option<Instant>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let at = |when| instant(when, Tz::UTC);
        Self {
            name: user.name,
            role: RoleWord(user.role.as_str()),
            grants: user.grants,
            disabled: user.disabled,
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
    created_at: Instant,
    /// Null: never.
    expires_at: Option<Instant>,
    /// When it was last used, to the minute.
    used_at: Option<Instant>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let at = |when| instant(when, Tz::UTC);
        Self {
            id: token.id,
            user: token.user,
            name: token.name,
            role: RoleWord(token.role.as_str()),
            created_at: at(token.created_at),
            expires_at: token.expires_at.map(at),
            used_at: token.used_at.map(at),
        }
    }
}

/// A token with its text.
#[derive(Default, Object)]
#[oai(rename = "NewToken", read_only_all)]
pub struct NewTokenView {
    id: String,
    name: String,
    role: RoleWord,
    /// Null: never.
    expires_at: Option<Instant>,
    /// What to send as `Authorization: Bearer`. It is never shown again.
    token: String,
}

impl NewTokenView {
    pub fn new(token: Token, text: String) -> Self {
        let shown = TokenView::from(token);
        Self { id: shown.id, name: shown.name, role: shown.role, expires_at: shown.expires_at, token: text }
    }
}
