//! View of the audit log.

use serde::Serialize;

use super::context::ViewContext;
use super::{Choice, Moment, Pager, View, pretty};
use crate::domain::audit::{AuditEvent, Entry};
use crate::web::urls::with_query;

#[derive(Debug, Clone, Serialize)]
pub struct AuditPage {
    pub filter: Filter,
    pub actions: Vec<Choice>,
    pub rows: Vec<AuditRow>,
    pub pager: Pager,
    /// Download URLs of the filtered entries.
    pub csv: String,
    pub jsonl: String,
    /// Error message about the filter; empty if it is valid.
    pub fault: String,
    /// Time zone of the times in the filter; if empty, the page's script fills in the browser's.
    pub zone: String,
}

/// The filter as submitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    pub actor: String,
    pub action: String,
    pub target: String,
    pub from: String,
    pub to: String,
    pub search: String,
    /// Whether any filter is set.
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    pub at: Moment,
    pub actor: String,
    pub via: &'static str,
    pub address: String,
    pub action: &'static str,
    pub target: String,
    /// URL of the audit entries of this target.
    pub target_href: String,
    /// JSON before the change; empty if unknown.
    pub before: String,
    pub after: String,
}

impl AuditRow {
    pub fn new(ctx: &ViewContext, entry: &Entry) -> AuditRow {
        let json = |value: &Option<serde_json::Value>| value.as_ref().map(pretty).unwrap_or_default();
        AuditRow {
            at: Moment::precise(entry.at, ctx.zone),
            actor: entry.actor.clone(),
            via: entry.via.as_str(),
            address: entry.address.clone().unwrap_or_default(),
            action: entry.action.as_str(),
            target: entry.target.clone(),
            target_href: with_query("/audit", &[("target", &entry.target)]),
            before: json(&entry.before),
            after: json(&entry.after),
        }
    }
}

/// Options of the action filter.
pub fn action_choices(ctx: &ViewContext) -> Vec<Choice> {
    AuditEvent::ALL.iter().map(|event| Choice::new(event.as_str(), ctx.t(&format!("audit.event.{}", event.as_str())))).collect()
}

impl View for AuditPage {
    const TEMPLATE: &'static str = "pages/audit.html";

    fn samples() -> Vec<Self> {
        let row = |event: &AuditEvent, before: &str, via| AuditRow {
            at: Moment::precise(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC),
            actor: "<b>".into(),
            via,
            address: if before.is_empty() { String::new() } else { "127.0.0.1".into() },
            action: event.as_str(),
            target: "task:<b>".into(),
            target_href: "/audit?target=task%3Ab".into(),
            before: before.into(),
            after: before.into(),
        };
        let mut rows: Vec<_> = AuditEvent::ALL.iter().map(|event| row(event, "{\"name\": \"<b>\"}", "page")).collect();
        rows.extend(["api", "command_line", "server"].map(|via| row(&AuditEvent::TaskRun, "", via)));
        let page = |rows, filter: Filter, fault: &str| AuditPage {
            filter,
            actions: vec![Choice::new("task.create", "…")],
            rows,
            pager: Pager::default(),
            csv: "/audit/export?format=csv".into(),
            jsonl: "/audit/export?format=jsonl".into(),
            fault: fault.into(),
            zone: "UTC".into(),
        };
        let submitted = Filter { actor: "<b>".into(), from: "x".into(), active: true, ..Filter::default() };
        vec![page(rows, submitted.clone(), "…"), page(Vec::new(), submitted, ""), page(Vec::new(), Filter::default(), "")]
    }
}
