//! What went wrong, for people.

use serde::Serialize;

use super::View;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    pub status: u16,
    pub title: String,
    pub text: String,
    pub detail: String,
    /// Finds the entry in the log; empty where there is none.
    pub reference: String,
}

impl ErrorPage {
    /// `key`: the texts below `error.`.
    pub fn new(visit: &Visit, status: u16, key: &str, detail: String, reference: String) -> ErrorPage {
        let said = |part: &str| visit.t(&format!("error.{key}.{part}")).to_owned();
        ErrorPage { status, title: said("title"), text: said("text"), detail, reference }
    }
}

impl View for ErrorPage {
    const TEMPLATE: &'static str = "pages/error.html";

    fn samples() -> Vec<Self> {
        let page = |detail: &str, reference: &str| ErrorPage {
            status: 500,
            title: "…".into(),
            text: "…".into(),
            detail: detail.into(),
            reference: reference.into(),
        };
        vec![page("", "0a1b2c"), page("there is no task 'x'", "")]
    }
}
