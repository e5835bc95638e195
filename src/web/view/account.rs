//! Views of setup, sign-in and the user's own account.

use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::web::urls;

#[derive(Debug, Clone, Default, Serialize)]
pub struct Login {
    pub name: String,
    pub next: String,
    /// Why the sign-in failed; empty at first.
    pub message: String,
    /// Display name of the identity provider; empty if none is configured.
    pub provider: String,
    /// URL that starts a sign-in through the identity provider.
    pub provider_href: String,
}

impl Login {
    /// Returns an empty sign-in form; the link to the provider keeps the page to return to.
    pub fn empty(provider: Option<&str>, next: &str) -> Login {
        let provider_href = urls::with_query("/login/oidc", &[("next", next)]);
        Login { provider: provider.unwrap_or_default().to_owned(), provider_href, ..Login::default() }
    }
}

impl View for Login {
    const TEMPLATE: &'static str = "pages/login.html";

    fn samples() -> Vec<Self> {
        let sample = Login {
            name: "alice".into(),
            next: "/tasks".into(),
            message: "…".into(),
            provider: "<b>".into(),
            provider_href: "/login/oidc".into(),
        };
        vec![Login::default(), sample]
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Setup {
    /// The request is not local: the one-time code from the log is required.
    pub needs_code: bool,
    /// The submitted code if it is correct.
    pub code: String,
    pub code_fault: String,
    pub name: String,
    pub name_fault: String,
    pub password_fault: String,
    pub message: String,
    pub min_password: usize,
}

impl View for Setup {
    const TEMPLATE: &'static str = "pages/setup.html";

    fn samples() -> Vec<Self> {
        let rejected = Setup {
            needs_code: true,
            code: "4KQ7".into(),
            code_fault: "…".into(),
            name: "a b".into(),
            name_fault: "…".into(),
            password_fault: "…".into(),
            message: "…".into(),
            min_password: 8,
        };
        vec![Setup::default(), Setup { needs_code: true, ..Setup::default() }, rejected]
    }
}

/// The user's own account.
#[derive(Debug, Clone, Serialize)]
pub struct AccountPage {
    pub role: &'static str,
    pub grants: Vec<String>,
    pub form: Fields,
    pub message: String,
    pub min_password: usize,
}

impl View for AccountPage {
    const TEMPLATE: &'static str = "pages/account.html";

    fn samples() -> Vec<Self> {
        let page = |grants, message: &str| AccountPage {
            role: "editor",
            grants,
            form: Fields::default(),
            message: message.into(),
            min_password: 8,
        };
        vec![page(vec![], ""), page(vec!["<b>".into()], "…")]
    }
}
