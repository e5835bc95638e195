//! Response models of the audit log.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::{RunResult, Timestamp};
use super::{PageInfo, split_page, timestamp};
use crate::domain::audit::Entry;
use crate::domain::page::Page;

/// A change, or a sign-in attempt.
#[derive(Default, Object)]
#[oai(rename = "AuditEntry", read_only_all)]
pub struct EntryView {
    /// A ULID; ids sort by time.
    id: String,
    at: Timestamp,
    /// The account's name; for a refused sign-in, the name that was entered.
    actor: String,
    /// `page`, `api`, `command_line` or `server`.
    via: String,
    /// The network address of the request.
    address: Option<String>,
    /// The action, such as `task.update`.
    action: String,
    /// The target of the change, such as `task:daily-report`.
    target: String,
    /// The values before, with secrets hidden.
    before: Option<RunResult>,
    /// The values after, with secrets hidden.
    after: Option<RunResult>,
}

/// One page of audit entries, newest first.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct AuditList {
    items: Vec<EntryView>,
    #[oai(flatten)]
    page: PageInfo,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            at: timestamp(entry.at, Tz::UTC),
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
        let (items, page) = split_page(page, EntryView::from);
        Self { items, page }
    }
}
