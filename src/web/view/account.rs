//! Set-up and sign-in.

use serde::Serialize;

use super::View;
use super::task_form::Fields;

#[derive(Debug, Clone, Default, Serialize)]
pub struct Login {
    pub name: String,
    pub next: String,
    /// Why it was refused; empty on the first look.
    pub message: String,
}

impl View for Login {
    const TEMPLATE: &'static str = "pages/login.html";

    fn samples() -> Vec<Self> {
        vec![Login::default(), Login { name: "alice".into(), next: "/tasks".into(), message: "…".into() }]
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Setup {
    /// The reader sits at the machine itself.
    pub allowed: bool,
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
            allowed: true,
            name: "a b".into(),
            name_fault: "…".into(),
            password_fault: "…".into(),
            message: "…".into(),
            min_password: 8,
        };
        vec![Setup::default(), Setup { allowed: true, ..Setup::default() }, refused]
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
