//! Entries of the audit as answers show them.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::instant;
use super::named::{Instant, RunResult};
use crate::domain::audit::Entry;
use crate::domain::page::Page;

/// One change, or one try at signing in.
#[derive(Default, Object)]
#[oai(rename = "AuditEntry", read_only_all)]
pub struct EntryView {
    /// A ULID; ids sort by time.
    id: String,
    at: Instant,
    /// The account's name; of a refused sign-in, the name that was tried.
    actor: String,
    /// `page`, `api` or `command_line`.
    via: String,
    /// The network address that the request came from.
    address: Option<String>,
    /// Such as `task.update`.
    action: String,
    /// What was changed, such as `task:daily-report`.
    target: String,
    /// How it was, secrets hidden.
    before: Option<RunResult>,
    /// How it is since, secrets hidden.
    after: Option<RunResult>,
}

/// One page of the audit, newest first.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct AuditList {
    items: Vec<EntryView>,
    /// `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
    /// `cursor` of the page before; null on the first one.
    prev_cursor: Option<String>,
    /// How many entries match.
    total: i64,
    /// Whether `total` is exact, or a lower bound.
    total_is_exact: bool,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            at: instant(entry.at, Tz::UTC),
            actor: entry.actor,
            via: entry.via.as_str().to_owned(),
            address: entry.address,
            action: entry.action.as_str().to_owned(),
            target: entry.target,
            before: entry.before.map(RunResult),
            after: entry.after.map(RunResult),
        }
    }
}

impl From<Page<Entry>> for AuditList {
    fn from(page: Page<Entry>) -> Self {
        Self {
            items: page.items.into_iter().map(EntryView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.encode()),
            prev_cursor: page.previous.map(|cursor| cursor.encode()),
            total: page.total,
            total_is_exact: page.total_is_exact,
        }
    }
}
