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

/// Progress of a bulk action; its form continues with the remaining tasks.
#[derive(Debug, Clone, Serialize)]
pub struct BulkProgress {
    pub action: &'static str,
    pub processed: i64,
    pub of: i64,
    pub hidden: Vec<Hidden>,
    pub back: String,
}

impl View for BulkProgress {
    const TEMPLATE: &'static str = "pages/bulk_progress.html";

    fn samples() -> Vec<Self> {
        let hidden = vec![Hidden { name: "after".into(), value: "<b>".into() }];
        vec![BulkProgress { action: "run", processed: 1500, of: 10_000, hidden, back: "/tasks".into() }]
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
