//! Response models of the audit log.

use chrono_tz::Tz;

use super::named::{RunResult, Timestamp};
use super::{PageInfo, split_page, timestamp};
use crate::domain::audit::Entry;
use crate::domain::page::Page;

view! {
    /// A change, or a sign-in attempt.
    #[oai(rename = "AuditEntry", read_only_all)]
    pub struct EntryView from (entry: Entry) {
        /// A ULID; ids sort by time.
        id: String = entry.id,
        at: Timestamp = timestamp(entry.at, Tz::UTC),
        /// The account's name; for a refused sign-in, the name that was entered.
        actor: String = entry.actor,
        /// `page`, `api`, `command_line` or `server`.
        via: String = entry.via.as_str().to_owned(),
        /// The network address of the request.
        address: Option<String> = entry.address,
        /// The action, such as `task.update`.
        action: String = entry.action.as_str().to_owned(),
        /// The target of the change, such as `task:daily-report`.
        target: String = entry.target,
        /// The values before, with secrets hidden.
        before: Option<RunResult> = entry.before.map(RunResult),
        /// The values after, with secrets hidden.
        after: Option<RunResult> = entry.after.map(RunResult),
    }
}

view! {
    /// One page of audit entries, newest first.
    #[oai(read_only_all)]
    pub struct AuditList from (page: Page<Entry>) where
        (items, page) = split_page(page, EntryView::from);
    {
        items: Vec<EntryView> = items,
        #[oai(flatten)]
        page: PageInfo = page,
    }
}
