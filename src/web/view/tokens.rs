//! The tokens, and one that was just made.

use serde::Serialize;

use super::task_form::Fields;
use super::{Choice, Moment, View, role_choices};
use crate::domain::user::{Action, Role, Token};
use crate::web::urls::encode;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct TokenList {
    pub rows: Vec<TokenRow>,
    /// Everybody's are shown: each with its account.
    pub all: bool,
    /// The one just made, whose text is shown this once.
    pub made: Option<MadeToken>,
    pub message: String,
    pub form: Fields,
    /// Roles up to the reader's own.
    pub roles: Vec<Choice>,
    /// The zone in which an end was typed; empty: the page's script says the reader's.
    pub zone: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    pub user: String,
    pub name: String,
    pub role: &'static str,
    /// What it is limited to; empty: nothing.
    pub tags: Vec<String>,
    pub created: Moment,
    pub expires: Option<Moment>,
    pub expired: bool,
    pub used: Option<Moment>,
    pub withdraw: String,
}

#[derive(Clone, Serialize)]
pub struct MadeToken {
    pub name: String,
    pub text: String,
}

impl std::fmt::Debug for MadeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeToken").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The address to withdraw a token.
pub fn withdraw_href(id: &str) -> String {
    format!("/settings/tokens/{}/withdraw", encode(id))
}

impl TokenRow {
    fn new(visit: &Visit, token: &Token) -> TokenRow {
        let zone = visit.service().zone();
        TokenRow {
            user: token.user.clone(),
            name: token.name.clone(),
            role: token.role.as_str(),
            tags: token.tags.clone(),
            created: Moment::new(token.created_at, zone),
            expires: token.expires_at.map(|at| Moment::new(at, zone)),
            expired: token.expires_at.is_some_and(|at| at <= visit.service().clock().now()),
            used: token.used_at.map(|at| Moment::new(at, zone)),
            withdraw: withdraw_href(&token.id),
        }
    }
}

impl TokenList {
    pub fn new(visit: &Visit, tokens: &[Token], form: Fields) -> TokenList {
        let role = visit.actor.as_ref().map_or(Role::Viewer, |actor| actor.role);
        TokenList {
            rows: tokens.iter().map(|token| TokenRow::new(visit, token)).collect(),
            all: role.allows(Action::Administer),
            made: None,
            message: String::new(),
            form,
            roles: role_choices(visit, role),
            zone: visit.form.get("zone").unwrap_or_default().to_owned(),
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
            withdraw: withdraw_href("01J"),
        };
        let lasting = TokenRow { tags: Vec::new(), expires: None, expired: false, used: None, ..row.clone() };
        let list = |rows, all| TokenList {
            rows,
            all,
            made: all.then(|| MadeToken { name: "<b>".into(), text: "blf_x".into() }),
            message: if all { "…".into() } else { String::new() },
            form: Fields::default(),
            roles: vec![Choice::new("viewer", "…")],
            zone: "UTC".into(),
        };
        vec![list(vec![row, lasting.clone()], true), list(vec![lasting], false), list(Vec::new(), false)]
    }
}
