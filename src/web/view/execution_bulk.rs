//! View of the confirmation of an action on several executions.

use serde::Serialize;

use super::View;

#[derive(Debug, Clone, Serialize)]
pub struct ExecutionBulk {
    /// `rerun` or `cancel`.
    pub action: &'static str,
    /// The number of selected executions; the action may concern fewer.
    pub selected: usize,
    /// Ids of the executions, with the ids of their tasks.
    pub runs: Vec<(String, String)>,
    /// Key of the form.
    pub key: String,
    pub back: String,
}

impl View for ExecutionBulk {
    const TEMPLATE: &'static str = "pages/execution_bulk.html";

    fn samples() -> Vec<Self> {
        let sample = |action, runs| ExecutionBulk { action, selected: 2, runs, key: "01J".into(), back: "/executions".into() };
        vec![sample("rerun", vec![("01J".into(), "<b>".into())]), sample("cancel", vec![])]
    }
}
