//! Response models of accounts and tokens.

use chrono_tz::Tz;

use super::named::{RoleWord, Timestamp};
use super::timestamp;
use crate::api::answer::resource;
use crate::domain::user::{Token, User};
use crate::service::SignInMethods;

view! {
    /// An account.
    #[oai(rename = "User", read_only_all)]
    pub struct UserView new(user: User, ways: &SignInMethods) where
        (second_factor, single_sign_on) = (ways.has_second_factor(&user), ways.is_linked(&user));
        at = |when| timestamp(when, Tz::UTC);
    {
        name: String = user.name,
        role: RoleWord = RoleWord(user.role.as_str()),
        /// Dangerous task types that it may set up although its role does not allow it.
        grants: Vec<String> = user.grants,
        /// Limits the account to tasks with one of these tags; empty: all tasks.
        tags: Vec<String> = user.tags,
        /// Whether sign-in and tokens are disabled.
        disabled: bool = user.disabled,
        /// Whether a code is required in addition to the password.
        second_factor: bool = second_factor,
        /// Whether it signs in through the identity provider and has no password.
        single_sign_on: bool = single_sign_on,
        created_at: Timestamp = at(user.created_at),
        /// When it was last used, to the minute.
        last_seen_at: Option<Timestamp> = user.last_seen_at.map(at),
    }
}

resource!(UserView, "account", None);

view! {
    /// A token without its text.
    #[oai(rename = "Token", read_only_all)]
    pub struct TokenView from (token: Token) where
        at = |when| timestamp(when, Tz::UTC);
    {
        id: String = token.id,
        /// The account it belongs to.
        user: String = token.user,
        name: String = token.name,
        role: RoleWord = RoleWord(token.role.as_str()),
        /// Limits the token to tasks with one of these tags, among those of its account; empty: all of them.
        tags: Vec<String> = token.tags,
        created_at: Timestamp = at(token.created_at),
        /// Null: never.
        expires_at: Option<Timestamp> = token.expires_at.map(at),
        /// When it was last used, to the minute.
        used_at: Option<Timestamp> = token.used_at.map(at),
    }
}

view! {
    /// A token with its text.
    #[oai(rename = "CreatedToken", read_only_all)]
    pub struct NewTokenView new(token: Token, text: String) where
        shown = TokenView::from(token);
    {
        id: String = shown.id,
        name: String = shown.name,
        role: RoleWord = shown.role,
        /// As in the list.
        tags: Vec<String> = shown.tags,
        /// Null: never.
        expires_at: Option<Timestamp> = shown.expires_at,
        /// The value for `Authorization: Bearer`. It is shown only once.
        token: String = text,
    }
}
