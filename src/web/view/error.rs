//! View of the error page.

use serde::Serialize;

use super::View;
use super::context::ViewContext;

#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    pub status: u16,
    pub title: String,
    pub text: String,
    pub detail: String,
    /// Reference of the log entry; empty if there is none.
    pub reference: String,
    /// The page without its query; empty if that is not what is wrong.
    pub without_query: String,
}

impl ErrorPage {
    /// `key`: its texts are under `error.<key>`.
    pub fn new(ctx: &ViewContext, status: u16, key: &str, detail: String, reference: String, without_query: String) -> ErrorPage {
        let text_of = |part: &str| ctx.t(&format!("error.{key}.{part}")).to_owned();
        ErrorPage { status, title: text_of("title"), text: text_of("text"), detail, reference, without_query }
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
            without_query: if reference.is_empty() { "/tasks".into() } else { String::new() },
        };
        vec![page("", "0a1b2c"), page("there is no task 'x'", "")]
    }
}
