//! View of the API tokens, including a newly created one.

use serde::Serialize;

use super::context::ViewContext;
use super::task_form::Fields;
use super::{Choice, Moment, View, role_choices};
use crate::domain::user::{Action, Role, Token};
use crate::web::urls::encode;

#[derive(Debug, Clone, Serialize)]
pub struct TokenList {
    pub rows: Vec<TokenRow>,
    /// Tokens of all accounts are shown, with an account column.
    pub all: bool,
    /// The newly created token, whose text is shown only once.
    pub created_token: Option<CreatedToken>,
    pub message: String,
    pub form: Fields,
    /// Roles up to the user's own.
    pub roles: Vec<Choice>,
    /// Time zone of the submitted expiry; if empty, the page's script fills in the browser's.
    pub zone: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    pub user: String,
    pub name: String,
    pub role: &'static str,
    /// Tags it is limited to; empty: not limited.
    pub tags: Vec<String>,
    pub created: Moment,
    pub expires: Option<Moment>,
    pub expired: bool,
    pub used: Option<Moment>,
    pub revoke: String,
}

#[derive(Clone, Serialize)]
pub struct CreatedToken {
    pub name: String,
    pub text: String,
}

impl std::fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns the URL that revokes a token.
pub fn revoke_href(id: &str) -> String {
    format!("/settings/tokens/{}/revoke", encode(id))
}

impl TokenRow {
    fn new(ctx: &ViewContext, token: &Token) -> TokenRow {
        let zone = ctx.zone;
        TokenRow {
            user: token.user.clone(),
            name: token.name.clone(),
            role: token.role.as_str(),
            tags: token.tags.clone(),
            created: Moment::new(token.created_at, zone),
            expires: token.expires_at.map(|at| Moment::new(at, zone)),
            expired: token.expires_at.is_some_and(|at| at <= ctx.now),
            used: token.used_at.map(|at| Moment::new(at, zone)),
            revoke: revoke_href(&token.id),
        }
    }
}

impl TokenList {
    pub fn new(ctx: &ViewContext, tokens: &[Token], form: Fields, zone: &str) -> TokenList {
        let role = ctx.actor.map_or(Role::Viewer, |actor| actor.role);
        TokenList {
            rows: tokens.iter().map(|token| TokenRow::new(ctx, token)).collect(),
            all: role.allows(Action::Administer),
            created_token: None,
            message: String::new(),
            form,
            roles: role_choices(ctx, role),
            zone: zone.to_owned(),
        }
    }
}

impl View for TokenList {
    const TEMPLATE: &'static str = "pages/tokens.html";

    fn samples() -> Vec<Self> {
        let moment = || Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
        let row = TokenRow {
            user: "alice".into(),
            name: "<b>".into(),
            role: "viewer",
            tags: vec!["<b>".into()],
            created: moment(),
            expires: Some(moment()),
            expired: true,
            used: Some(moment()),
            revoke: revoke_href("01J"),
        };
        let lasting = TokenRow { tags: Vec::new(), expires: None, expired: false, used: None, ..row.clone() };
        let list = |rows, all| TokenList {
            rows,
            all,
            created_token: all.then(|| CreatedToken { name: "<b>".into(), text: "blf_x".into() }),
            message: if all { "…".into() } else { String::new() },
            form: Fields::default(),
            roles: vec![Choice::new("viewer", "…")],
            zone: "UTC".into(),
        };
        vec![list(vec![row, lasting.clone()], true), list(vec![lasting], false), list(Vec::new(), false)]
    }
}
