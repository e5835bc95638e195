//! View of export and import: preview of an import, and state of the tasks file.

use serde::Serialize;
use serde_json::Value;

use super::context::ViewContext;
use super::fault_text::FaultText;
use super::task_form::Difference;
use super::tasks::task_href;
use super::{Moment, View, type_title};
use crate::domain::task::Task;
use crate::domain::transfer::{Change, ChangeKind};
use crate::service::{FileStatus, ImportOutcome};

/// Maximum number of changes shown.
const SHOWN: usize = 200;

#[derive(Debug, Clone, Default, Serialize)]
pub struct TransferPage {
    /// Error message about the document as a whole.
    pub message: String,
    /// Faults within the document.
    pub faults: Vec<FaultText>,
    /// The submitted document.
    pub document: String,
    pub prune: bool,
    pub plan: Option<PlanView>,
    pub file: Option<FileView>,
    pub drifted: Vec<DriftRow>,
}

/// Preview of an import.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    pub changes: Vec<ChangeRow>,
    /// Number of changes not shown.
    pub more: usize,
    pub created: usize,
    pub updated: usize,
    pub deleted: usize,
    pub unchanged: usize,
    /// Names of the calendars that are saved, separated by commas.
    pub calendars: String,
    /// Names of missing secrets, separated by commas.
    pub missing: String,
    pub notify_rules: usize,
    pub heartbeats: usize,
    /// Missing hooks, separated by commas.
    pub missing_hooks: String,
    /// The document as one line of JSON, submitted again to apply it.
    pub document: String,
    pub prune: bool,
    /// Hash of the shown plan: the import applies only this plan.
    pub seen: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChangeRow {
    pub kind: &'static str,
    pub id: String,
    /// Empty if the task does not exist yet.
    pub href: String,
    pub type_title: String,
    pub differences: Vec<Difference>,
    pub before: Vec<Moment>,
    pub after: Vec<Moment>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FileView {
    pub name: String,
    pub at: Moment,
    /// Empty if the file was applied.
    pub error: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct DriftRow {
    pub id: String,
    pub href: String,
    pub enabled: bool,
}

impl PlanView {
    pub fn new(ctx: &ViewContext, outcome: &ImportOutcome, document: &Value, prune: bool, seen: String) -> PlanView {
        let count = |kind| outcome.changes.iter().filter(|change| change.kind == kind).count();
        PlanView {
            changes: outcome.changes.iter().take(SHOWN).map(|change| ChangeRow::new(ctx, change)).collect(),
            more: outcome.changes.len().saturating_sub(SHOWN),
            created: count(ChangeKind::Create),
            updated: count(ChangeKind::Update),
            deleted: count(ChangeKind::Delete),
            unchanged: outcome.unchanged,
            calendars: outcome.calendars.join(", "),
            missing: outcome.missing_secrets.join(", "),
            notify_rules: outcome.notify_rules,
            heartbeats: outcome.heartbeats,
            missing_hooks: outcome.missing_hooks.join(", "),
            document: document.to_string(),
            prune,
            seen,
        }
    }
}

impl ChangeRow {
    fn new(ctx: &ViewContext, change: &Change) -> ChangeRow {
        let text = |value: &Option<Value>| match value {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let moments = |firings: &[chrono::DateTime<chrono_tz::Tz>]| -> Vec<Moment> {
            firings.iter().map(|at| Moment::new(at.to_utc(), at.timezone())).collect()
        };
        let same = change.firings_before == change.firings_after;
        ChangeRow {
            kind: change.kind.as_str(),
            href: if change.kind == ChangeKind::Create { String::new() } else { task_href(&change.id) },
            id: change.id.clone(),
            type_title: type_title(&change.task_type, ctx),
            differences: change
                .differences
                .iter()
                .map(|one| Difference { field: one.pointer.clone(), theirs: text(&one.before), mine: text(&one.after) })
                .collect(),
            before: if same { Vec::new() } else { moments(&change.firings_before) },
            after: if same { Vec::new() } else { moments(&change.firings_after) },
        }
    }
}

impl FileView {
    pub fn new(ctx: &ViewContext, status: FileStatus) -> FileView {
        let errors: Vec<String> = status.errors.iter().map(|error| error.text(ctx.language)).collect();
        FileView { name: status.name, at: Moment::new(status.at, ctx.zone), error: errors.join("\n") }
    }
}

impl DriftRow {
    pub fn new(task: &Task) -> DriftRow {
        DriftRow { id: task.id.clone(), href: task_href(&task.id), enabled: task.enabled }
    }
}

impl View for TransferPage {
    const TEMPLATE: &'static str = "pages/transfer.html";

    fn samples() -> Vec<Self> {
        let moment = || Moment::new(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC);
        let row = |kind, differences| ChangeRow {
            kind,
            id: "<b>".into(),
            href: if kind == "create" { String::new() } else { "/tasks/b".into() },
            type_title: "<b>".into(),
            differences,
            before: if kind == "create" { vec![] } else { vec![moment()] },
            after: if kind == "delete" { vec![] } else { vec![moment(), moment()] },
        };
        let difference =
            |theirs: &str, mine: &str| Difference { field: "/name".into(), theirs: theirs.into(), mine: mine.into() };
        let plan = PlanView {
            changes: vec![
                row("create", vec![]),
                row("update", vec![difference("<b>", ""), difference("", "<b>")]),
                row("delete", vec![]),
            ],
            more: 3,
            created: 1,
            updated: 1,
            deleted: 1,
            unchanged: 5,
            calendars: "<b>".into(),
            missing: "<b>".into(),
            notify_rules: 2,
            heartbeats: 1,
            missing_hooks: "<b>".into(),
            document: "{\"<b>\": 1}".into(),
            prune: true,
            seen: "0".into(),
        };
        let nothing = PlanView {
            changes: vec![],
            more: 0,
            created: 0,
            updated: 0,
            deleted: 0,
            calendars: String::new(),
            missing: String::new(),
            notify_rules: 0,
            heartbeats: 0,
            missing_hooks: String::new(),
            prune: false,
            ..plan.clone()
        };
        let drift = |enabled| DriftRow { id: "<b>".into(), href: "/tasks/b".into(), enabled };
        let file = |error: &str| Some(FileView { name: "<b>".into(), at: moment(), error: error.into() });
        vec![
            TransferPage {
                plan: Some(plan),
                file: file(""),
                drifted: vec![drift(true), drift(false)],
                ..TransferPage::default()
            },
            TransferPage { plan: Some(nothing), file: file("<b>"), ..TransferPage::default() },
            TransferPage {
                message: "<b>".into(),
                faults: vec![FaultText::new("/tasks/0/id", "<b>"), FaultText::new("", "<b>")],
                document: "<b>".into(),
                prune: true,
                ..TransferPage::default()
            },
            TransferPage::default(),
        ]
    }
}
