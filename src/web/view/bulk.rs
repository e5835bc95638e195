//! The question before one action on many tasks.

use serde::Serialize;

use super::View;

#[derive(Debug, Clone, Serialize)]
pub struct BulkAsk {
    /// `run`, `pause`, `resume` or `delete`.
    pub action: &'static str,
    pub matched: i64,
    /// The first few tasks, and how many there are beside them.
    pub named: Vec<String>,
    pub more: i64,
    pub hidden: Vec<Hidden>,
    pub back: String,
    pub dangerous: bool,
}

/// A field that is sent along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hidden {
    pub name: String,
    pub value: String,
}

/// How far an action on many tasks has come; the form goes on with the others.
#[derive(Debug, Clone, Serialize)]
pub struct BulkProgress {
    pub action: &'static str,
    pub met: i64,
    pub of: i64,
    pub hidden: Vec<Hidden>,
    pub back: String,
}

impl View for BulkProgress {
    const TEMPLATE: &'static str = "pages/bulk_progress.html";

    fn samples() -> Vec<Self> {
        let hidden = vec![Hidden { name: "after".into(), value: "<b>".into() }];
        vec![BulkProgress { action: "run", met: 1500, of: 10_000, hidden, back: "/tasks".into() }]
    }
}

impl View for BulkAsk {
    const TEMPLATE: &'static str = "pages/bulk_ask.html";

    fn samples() -> Vec<Self> {
        let ask = |action, matched, more| BulkAsk {
            action,
            matched,
            named: vec!["日报".into()],
            more,
            hidden: vec![Hidden { name: "all".into(), value: "true".into() }],
            back: "/tasks".into(),
            dangerous: action == "delete",
        };
        vec![ask("run", 0, 0), ask("pause", 1, 0), ask("resume", 3, 2), ask("delete", 3, 2)]
    }
}
