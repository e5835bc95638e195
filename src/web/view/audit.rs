//! The audit.

use serde::Serialize;

use super::{Choice, Moment, Pager, View, pretty};
use crate::domain::audit::{Act, Entry};
use crate::web::urls::with_query;
use crate::web::visit::Visit;

#[derive(Debug, Clone, Serialize)]
pub struct AuditPage {
    pub filter: Filter,
    pub actions: Vec<Choice>,
    pub rows: Vec<AuditRow>,
    pub pager: Pager,
    /// Addresses of the files of what is shown.
    pub csv: String,
    pub jsonl: String,
    /// What of the filter could not be read.
    pub fault: String,
    /// The zone of the times in the filter; empty: the page's script says the reader's.
    pub zone: String,
}

/// The filter as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    pub actor: String,
    pub action: String,
    pub target: String,
    pub from: String,
    pub to: String,
    pub search: String,
    /// Anything is filtered at all.
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
    /// The audit of this target alone.
    pub target_href: String,
    /// As JSON; empty: nothing is known.
    pub before: String,
    pub after: String,
}

impl AuditRow {
    pub fn new(visit: &Visit, entry: &Entry) -> AuditRow {
        let json = |value: &Option<serde_json::Value>| value.as_ref().map(pretty).unwrap_or_default();
        AuditRow {
            at: Moment::precise(entry.at, visit.service().zone()),
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

/// The choices of actions, in this language.
pub fn action_choices(visit: &Visit) -> Vec<Choice> {
    Act::ALL.iter().map(|act| Choice::new(act.as_str(), visit.t(&format!("audit.act.{}", act.as_str())))).collect()
}

impl View for AuditPage {
    const TEMPLATE: &'static str = "pages/audit.html";

    fn samples() -> Vec<Self> {
        let row = |act: &Act, before: &str, via| AuditRow {
            at: Moment::precise(chrono::DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC),
            actor: "<b>".into(),
            via,
            address: if before.is_empty() { String::new() } else { "127.0.0.1".into() },
            action: act.as_str(),
            target: "task:<b>".into(),
            target_href: "/audit?target=task%3Ab".into(),
            before: before.into(),
            after: before.into(),
        };
        let mut rows: Vec<_> = Act::ALL.iter().map(|act| row(act, "{\"name\": \"<b>\"}", "page")).collect();
        rows.extend(["api", "command_line"].map(|via| row(&Act::TaskRun, "", via)));
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
        let typed = Filter { actor: "<b>".into(), from: "x".into(), active: true, ..Filter::default() };
        vec![page(rows, typed.clone(), "…"), page(Vec::new(), typed, ""), page(Vec::new(), Filter::default(), "")]
    }
}
