//! The query parameters of each list, as tables: what the document shows, and what a request is read by.

use serde_json::{Value, json};

use super::query::Param;
use crate::domain::audit::Act;
use crate::domain::execution::{Cause, Status};
use crate::domain::page::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, TaskSort};
use crate::service::AuditFormat;

const fn one(name: &'static str, description: &'static str, schema: fn() -> Value) -> Param {
    Param { name, description, schema, many: false }
}

/// Which page of a list.
pub const PAGE: &[Param] = &[
    one(
        "page_size",
        "How many rows a page holds at most.",
        || json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}),
    ),
    one(
        "cursor",
        "`next_cursor` or `prev_cursor` of an earlier answer to the same question.",
        || json!({"type": "string", "pattern": "^([0-9a-f]{2})+$"}),
    ),
];

/// Which tasks.
pub const TASKS: &[Param] = &[
    one("search", "Part of the id, the name, the description or a tag, in any case.", text),
    one("type", "Only tasks of this type.", text),
    one("status", "Only tasks whose last run has this status.", status),
    one("tag", "Only tasks with this tag.", text),
    one("enabled", "Only tasks that are enabled (`true`) or paused (`false`).", || json!({"type": "boolean"})),
    one("sort", "The order; a `-` in front turns it round.", sort),
];

/// Which executions, of any task.
pub const EXECUTIONS: &[Param] = &[
    one("task_id", "Only executions of this task; it may be deleted by now.", text),
    one("task_type", "Only executions of tasks of this type.", text),
];

/// Which executions of one task.
pub const EXECUTIONS_OF_TASK: &[Param] = &[
    Param {
        name: "status",
        description: "Only executions with one of these statuses: given several times, or as a list with commas.",
        schema: || json!({"type": "array", "items": status()}),
        many: true,
    },
    one(
        "cause",
        "Only executions that exist for this reason.",
        || json!({"type": "string", "enum": Cause::ALL.map(Cause::as_str)}),
    ),
    one(
        "from",
        "Only executions started at this time or later: RFC 3339, or a date with or without a time in the server's zone.",
        text,
    ),
    one("to", "Only executions started before this time, in the same forms.", text),
    one("search", "Part of the id, the task's id, the parameters or the error, in any case.", text),
];

/// Which entries of the audit.
pub const AUDIT: &[Param] = &[
    one("actor", "Only what this account did.", text),
    one("action", "Only this action.", || json!({"type": "string", "enum": acts()})),
    one("target", "Only changes of this, such as `task:daily-report`, or of its kind: `task:`.", text),
    one("from", "Only entries of this time or later: RFC 3339, or a date with or without a time in the server's zone.", text),
    one("to", "Only entries before this time, in the same forms.", text),
    one("search", "Part of the account, the address, the target, or of what was before or after, in any case.", text),
];

/// The form of an exported audit.
pub const AUDIT_FORMAT: &[Param] = &[one(
    "format",
    "The form of the file: CSV, or JSON Lines.",
    || json!({"type": "string", "enum": AuditFormat::ALL.map(AuditFormat::extension), "default": "csv"}),
)];

/// Which versions.
pub const VERSIONS: &[Param] =
    &[one("before", "Only versions below this number.", || json!({"type": "integer", "format": "int64", "minimum": 1}))];

/// Which output.
pub const OUTPUT: &[Param] = &[
    one("attempt", "Only what this attempt wrote.", || json!({"type": "integer", "minimum": 1, "maximum": 100})),
    one(
        "after",
        "Only what was written since: the `Belfry-Output-Place` of an earlier answer.",
        || json!({"type": "string", "pattern": "^[0-9]{1,9}\\.[0-9]{1,9}$"}),
    ),
];

/// How an export is written.
pub const EXPORT: &[Param] = &[one(
    "format",
    "The form of the document; without it `Accept` decides.",
    || json!({"type": "string", "enum": ["json", "yaml"]}),
)];

/// What an import may do.
pub const IMPORT: &[Param] = &[
    one("dry_run", "Only tell what would be done.", || json!({"type": "boolean", "default": false})),
    one("prune", "Delete the tasks that the document does not name.", || json!({"type": "boolean", "default": false})),
];

/// The longest window that figures are given for: 31 days, in seconds.
pub const MAX_WINDOW: i64 = 31 * 86_400;

/// Figures over which time.
pub const STATS: &[Param] = &[one(
    "window_seconds",
    "How far back to look, in seconds.",
    || json!({"type": "integer", "minimum": 1, "maximum": MAX_WINDOW, "default": 86_400}),
)];

/// Which events.
pub const EVENTS: &[Param] = &[
    one("execution_id", "Only changes and output of this execution.", text),
    one("task_id", "Only changes of this task and its executions, without output.", text),
];

fn acts() -> Vec<&'static str> {
    Act::ALL.iter().map(|act| act.as_str()).collect()
}

fn text() -> Value {
    json!({"type": "string"})
}

fn status() -> Value {
    json!({"type": "string", "enum": Status::ALL.map(Status::as_str)})
}

fn sort() -> Value {
    let both = TaskSort::ALL.iter().flat_map(|sort| [sort.as_str().to_owned(), format!("-{}", sort.as_str())]);
    json!({"type": "string", "enum": both.collect::<Vec<_>>(), "default": "id"})
}
