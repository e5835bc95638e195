//! Views of bulk actions: confirmation and progress.

use serde::Serialize;

use super::View;

#[derive(Debug, Clone, Serialize)]
pub struct BulkConfirm {
    /// `run`, `pause`, `resume` or `delete`.
    pub action: &'static str,
    pub matched: i64,
    /// Ids of the first few tasks.
    pub named: Vec<String>,
    pub more: i64,
    pub hidden: Vec<Hidden>,
    pub back: String,
    pub dangerous: bool,
}

/// A hidden form field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hidden {
    pub name: String,
    pub value: String,
}

/// Progress of a bulk action.
#[derive(Debug, Clone, Serialize)]
pub struct BulkProgressView {
    pub action: &'static str,
    pub processed: i64,
    pub of: i64,
    /// The address of this view, which shows the progress later.
    pub href: String,
    /// The address that stops the action.
    pub stop: String,
}

impl View for BulkProgressView {
    const TEMPLATE: &'static str = "pages/bulk_progress.html";

    fn samples() -> Vec<Self> {
        let (href, stop) = ("/tasks/-/bulk/1?search=x".into(), "/tasks/-/bulk/1/stop?search=x".into());
        vec![BulkProgressView { action: "run", processed: 1500, of: 10_000, href, stop }]
    }
}

impl View for BulkConfirm {
    const TEMPLATE: &'static str = "pages/bulk_confirm.html";

    fn samples() -> Vec<Self> {
        let sample = |action, matched, more| BulkConfirm {
            action,
            matched,
            named: vec!["日报".into()],
            more,
            hidden: vec![Hidden { name: "all".into(), value: "true".into() }],
            back: "/tasks".into(),
            dangerous: action == "delete",
        };
        vec![sample("run", 0, 0), sample("pause", 1, 0), sample("resume", 3, 2), sample("delete", 3, 2)]
    }
}
