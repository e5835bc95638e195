//! Tables of query parameters, used both for the document and for parsing requests.

use serde_json::{Value, json};

use super::query::Param;
use crate::domain::audit::AuditEvent;
use crate::domain::execution::{Cause, Status};
use crate::domain::page::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, TaskSort};
use crate::service::AuditFormat;

const fn one(name: &'static str, description: &'static str, schema: fn() -> Value) -> Param {
    Param { name, description, schema, many: false }
}

/// The page of a list.
pub const PAGE: &[Param] = &[
    one(
        "page_size",
        "The maximum number of rows on a page.",
        || json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}),
    ),
    one(
        "cursor",
        "`next_cursor` or `prev_cursor` of an earlier response to the same query.",
        || json!({"type": "string", "pattern": "^([0-9a-f]{2})+$"}),
    ),
];

/// The filter of tasks.
pub const TASKS: &[Param] = &[
    one("search", "Part of the id, name, description or a tag, ignoring case.", text),
    one("type", "Only tasks of this type.", text),
    one("status", "Only tasks whose last run has this status.", status),
    one("tag", "Only tasks with this tag.", text),
    one("enabled", "Only tasks that are enabled (`true`) or paused (`false`).", || json!({"type": "boolean"})),
    one("sort", "The order; a leading `-` reverses it.", sort),
];

/// The filter of executions of any task.
pub const EXECUTIONS: &[Param] = &[
    one("task_id", "Only executions of this task, which may have been deleted.", text),
    one("task_type", "Only executions of tasks of this type.", text),
];

/// The filter of executions of one task.
pub const EXECUTIONS_OF_TASK: &[Param] = &[
    Param {
        name: "status",
        description: "Only executions with one of these statuses: repeated, or as a comma-separated list.",
        schema: || json!({"type": "array", "items": status()}),
        many: true,
    },
    one("cause", "Only executions with this cause.", || json!({"type": "string", "enum": Cause::ALL.map(Cause::as_str)})),
    one(
        "from",
        "Only executions started at this time or later: RFC 3339, or a date with or without a time in the server's zone.",
        text,
    ),
    one("to", "Only executions started before this time, in the same forms.", text),
    one(
        "search",
        "The id, or a part of the task's id, the parameters or the error, ignoring case; looks at the newest 100,000 executions.",
        text,
    ),
];

/// The filter of audit entries.
pub const AUDIT: &[Param] = &[
    one("actor", "Only entries by this account.", text),
    one("action", "Only entries with this action.", || json!({"type": "string", "enum": actions()})),
    one("target", "Only entries about this target, such as `task:daily-report`, or about its kind: `task:`.", text),
    one("from", "Only entries at this time or later: RFC 3339, or a date with or without a time in the server's zone.", text),
    one("to", "Only entries before this time, in the same forms.", text),
    one("search", "Part of the account, address, target, or the values before or after, ignoring case.", text),
];

/// The filter of incidents.
pub const INCIDENTS: &[Param] = &[
    one("status", "Only open or only closed incidents.", || json!({"type": "string", "enum": ["open", "closed"]})),
    one("task_id", "Only incidents of this task, which may have been deleted.", text),
];

/// The format of an exported audit log.
pub const AUDIT_FORMAT: &[Param] = &[one(
    "format",
    "The format of the file: CSV, or JSON Lines.",
    || json!({"type": "string", "enum": AuditFormat::ALL.map(AuditFormat::as_str), "default": "csv"}),
)];

/// The span of a verification.
pub const VERIFY: &[Param] = &[
    one(
        "from",
        "Occurrences from this time on: RFC 3339, or a date with or without a time in the server's zone; by default a day before `to`.",
        text,
    ),
    one("to", "Occurrences before this time, in the same forms; by default now.", text),
    one("task_id", "Only this task, which may have been deleted.", text),
];

/// The span of a task's occurrences.
pub const OCCURRENCES: &[Param] = &[
    one(
        "from",
        "Occurrences from this time on: RFC 3339, or a date with or without a time in the task's zone; by default seven days ago.",
        text,
    ),
    one("to", "Occurrences before this time, in the same forms, at most 400 days later; by default a day ahead.", text),
    one("limit", "The most occurrences.", || json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})),
];

/// The time that is explained.
pub const WHY: &[Param] = &[one(
    "at",
    "The time, past or future: RFC 3339, or a date with or without a time in the task's zone; by default now.",
    text,
)];

/// The task and the range of backfills.
pub const BACKFILLS: &[Param] = &[
    one("task_id", "The task; required.", text),
    one("before", "Only backfills that were requested before this one, given by its id.", text),
];

/// The range of versions.
pub const VERSIONS: &[Param] =
    &[one("before", "Only versions below this number.", || json!({"type": "integer", "format": "int64", "minimum": 1}))];

/// The place in a heartbeat's record.
pub const PINGS: &[Param] = &[one("before", "Only rows with an id below this one.", text)];

/// The attempt whose output is wanted.
pub const ATTEMPT: &[Param] =
    &[one("attempt", "Only the output of this attempt.", || json!({"type": "integer", "minimum": 1, "maximum": 100}))];

/// The range of output.
pub const OUTPUT: &[Param] = &[one(
    "after",
    "Only output after this position: the `Belfry-Output-Place` of an earlier response.",
    || json!({"type": "string", "pattern": "^[0-9]{1,9}\\.[0-9]{1,9}$"}),
)];

/// The format of an export.
pub const EXPORT: &[Param] = &[one(
    "format",
    "The format of the document; by default from `Accept`.",
    || json!({"type": "string", "enum": ["json", "yaml"]}),
)];

/// The options of an import.
pub const IMPORT: &[Param] = &[
    one("dry_run", "Only return what would be done.", || json!({"type": "boolean", "default": false})),
    one("prune", "Delete the tasks that are not in the document.", || json!({"type": "boolean", "default": false})),
    one("tag", "Replace and delete only tasks with this tag.", text),
];

/// The span of a calendar's days.
pub const CALENDAR_DAYS: &[Param] = &[
    one("from", "The first day, `YYYY-MM-DD`; required.", date),
    one("to", "The last day, `YYYY-MM-DD`, at most 3,700 days later; required.", date),
];

/// The options of an import of days.
pub const CALENDAR_IMPORT: &[Param] =
    &[one("dry_run", "Only return what would be done.", || json!({"type": "boolean", "default": false}))];

/// The filter of freezes.
pub const FREEZES: &[Param] = &[one("all", "Also those that are over.", || json!({"type": "boolean", "default": false}))];

/// The longest window of statistics: 31 days, in seconds.
pub const MAX_WINDOW: i64 = 31 * 86_400;

/// The window of statistics.
pub const STATS: &[Param] = &[one(
    "window_seconds",
    "The length of the window up to now, in seconds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_WINDOW, "default": 86_400}),
)];

/// The filter of events.
pub const EVENTS: &[Param] = &[
    one("execution_id", "Only changes and output of this execution.", text),
    one("task_id", "Only changes of this task and its executions, without output.", text),
];

fn actions() -> Vec<&'static str> {
    AuditEvent::ALL.iter().map(|act| act.as_str()).collect()
}

fn text() -> Value {
    json!({"type": "string"})
}

fn date() -> Value {
    json!({"type": "string", "format": "date"})
}

fn status() -> Value {
    json!({"type": "string", "enum": Status::ALL.map(Status::as_str)})
}

fn sort() -> Value {
    let both = TaskSort::ALL.iter().flat_map(|sort| [sort.as_str().to_owned(), format!("-{}", sort.as_str())]);
    json!({"type": "string", "enum": both.collect::<Vec<_>>(), "default": "id"})
}
