//! Set-up and sign-in.

use serde::Serialize;

use super::View;
use super::task_form::Fields;
use crate::web::urls;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Default, Serialize)]
pub struct Login {
    pub name: String,
    pub next: String,
    /// Why it was refused; empty on the first look.
    pub message: String,
    /// What the identity provider is called; empty: there is none.
    pub provider: String,
    /// Where the way to it begins.
    pub provider_href: String,
}

impl Login {
    /// The sign-in page with nothing typed; the way to the provider leads to where the reader wanted to go.
    pub fn empty(visit: &Visit) -> Login {
        let provider = visit.service().single_sign_on().unwrap_or_default().to_owned();
        let next = visit.query.get("next").or(visit.form.get("next")).and_then(urls::local).unwrap_or_default();
        Login { provider, provider_href: urls::with_query("/login/oidc", &[("next", next)]), ..Login::default() }
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
    /// The reader does not sit at the machine itself: the one-time code of the log is asked for.
    pub needs_code: bool,
    /// The code typed, where it is right.
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
        let refused = Setup {
            needs_code: true,
            code: "4KQ7".into(),
            code_fault: "…".into(),
            name: "a b".into(),
            name_fault: "…".into(),
            password_fault: "…".into(),
            message: "…".into(),
            min_password: 8,
        };
        vec![Setup::default(), Setup { needs_code: true, ..Setup::default() }, refused]
    }
}

/// The reader's own account.
#[derive(Debug, Clone, Serialize)]
pub struct Own {
    pub role: &'static str,
    pub grants: Vec<String>,
    pub form: Fields,
    pub message: String,
    pub min_password: usize,
}

impl View for Own {
    const TEMPLATE: &'static str = "pages/account.html";

    fn samples() -> Vec<Self> {
        let own = |grants, message: &str| Own {
            role: "editor",
            grants,
            form: Fields::default(),
            message: message.into(),
            min_password: 8,
        };
        vec![own(vec![], ""), own(vec!["<b>".into()], "…")]
    }
}
