//! Hand-written schemas: request bodies, which are validated by `service`, and triggers, distinguished by `type`.

use serde_json::{Map, Value, json};

use crate::domain::execution::{Cause, Status};
use crate::domain::user::Role;

/// All of them, by name.
pub fn hand_written() -> Map<String, Value> {
    let mut all = Map::new();
    for group in [enums(), values(), triggers(), cron(), tasks(), policies(), requests(), accounts()] {
        if let Value::Object(group) = group {
            all.extend(group);
        }
    }
    all
}

fn enums() -> Value {
    json!({
        "ExecutionStatus": {"type": "string", "enum": Status::ALL.map(Status::as_str),
            "description": "The status of an execution. `queued`: waiting for a worker or its next attempt; `interrupted`: its process \
            ended; `skipped`: due while the maximum number of runs was running; `missed`: due while nothing could run it."},
        "ExecutionCause": {"type": "string", "enum": Cause::ALL.map(Cause::as_str),
            "description": "The cause of an execution: its scheduled time, a request by a person or a program, a scheduled time \
            that passed while the scheduler was down, the end of another execution, or an import from elsewhere."},
        "Backoff": {"type": "string", "enum": ["fixed", "exponential"],
            "description": "Whether each delay is the same, or twice the previous one."},
        "Role": {"type": "string", "enum": Role::ALL.map(Role::as_str),
            "description": "The role of an account; each role includes the permissions of the previous one."},
    })
}

fn values() -> Value {
    json!({
        "Timestamp": {"type": "string", "format": "date-time",
            "description": "RFC 3339 with milliseconds and an offset: in the task's zone if it belongs to a task, otherwise in UTC.",
            "example": "2026-11-21T08:00:00.000+08:00"},
        "Seconds": {"type": "number", "minimum": 0, "description": "Seconds, with millisecond precision.", "example": 300},
        "Params": {"type": "object", "additionalProperties": true,
            "description": "Parameters, defined by the task type's `params_schema`.", "example": {"message": "hello"}},
        "Chain": {"type": "array", "maxItems": 20, "items": reference("ChainLink"),
            "description": "The tasks to start when a run of this one ends."},
        "TaskContent": {"type": "object", "additionalProperties": true,
            "description": "The writable fields of a task at that version, as in `TaskInput`.", "example": {"id": "daily-report"}},
        "RunResult": {"description": "The result of a run, defined by its task type.", "example": {"exit_code": 0}},
        "JsonSchema": {"type": "object", "additionalProperties": true, "description": "A JSON Schema (2020-12)."},
    })
}

fn triggers() -> Value {
    json!({
        "Trigger": {
            "description": "When a task fires: on a date, an interval, a cron expression, or when the machine is idle.",
            "oneOf": [reference("DateTrigger"), reference("IntervalTrigger"), reference("CronTrigger"), reference("IdleTrigger")],
            "discriminator": {"propertyName": "type", "mapping": {
                "date": "#/components/schemas/DateTrigger", "interval": "#/components/schemas/IntervalTrigger",
                "cron": "#/components/schemas/CronTrigger", "idle": "#/components/schemas/IdleTrigger"}},
        },
        "DateTrigger": object("Fires once.", &["type", "run_date"], json!({
            "type": kind("date"), "run_date": time("The fire time.", "2026-12-10 08:00:00"), "timezone": zone()})),
        "IntervalTrigger": object("Fires repeatedly at a fixed interval.", &["type"], json!({
            "type": kind("interval"), "weeks": integer("Weeks.", 0, 5228),
                "days": integer("Days.", 0, 36_600), "hours": integer("Hours.", 0, 878_400),
            "minutes": integer("Minutes.", 5, 52_704_000),
                "seconds": integer("Seconds.", 0, 3_162_240_000), "start_date": start(), "end_date": end_date(),
            "timezone": zone(), "jitter": jitter()})),
        "IdleTrigger": object("Fires when the machine has been idle for some time.", &["type"], json!({
            "type": kind("idle"),
            "idle_duration": {"type": "integer", "format": "int64", "nullable": true, "minimum": 1, "maximum": 31_622_400,
                "description": "How long it must be idle, in seconds.", "example": 60},
            "cpu_below_percent": {"type": "number", "nullable": true, "minimum": 0, "exclusiveMinimum": true, "maximum": 100,
                "description": "The load under which it counts as idle, in percent.", "example": 20},
            "repeat": {"type": "boolean", "nullable": true,
                "description": "Fire in every idle period, not only in the first.", "example": false},
            "start_date": start(), "end_date": end_date(), "timezone": zone()})),
    })
}

fn cron() -> Value {
    json!({
        "CronTrigger": object(
            "Fires at the times of a cron schedule, given by fields or by an `expression` instead of all fields. Omitted fields \
            before the first given one match every value, those after it only their minimum.",
            &["type"],
            json!({
                "type": kind("cron"),
                "year": field("Four digits.", "2026-2030"), "month": field("1-12 or jan-dec.", "1-6"),
                "day": field("1-31, `last`, `last fri`, `2nd mon`.", "last"), "week": field("ISO week, 1-53.", "*/2"),
                "day_of_week": field("0-6 or mon-sun; 0 is Monday.", "mon-fri"), "hour": field("0-23.", 8),
                "minute": field("0-59.", "*/15"), "second": field("0-59.", 0),
                "expression": {"type": "string", "nullable": true, "maxLength": 4096,
                    "description": "Five crontab fields (`*/5 8-18 * * mon-fri`), or six with seconds first, or `HH:MM[:SS]` (daily), or `@hourly`, `@daily`, \
                        `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`. Not together with fields."},
                "start_date": start(), "end_date": end_date(), "timezone": zone(), "jitter": jitter()}),
        ),
        "CronField": {"description": "A number, or an expression: `*`, `*/5`, `8-18`, `8-18/2`, `1,15`, or names where allowed.",
            // Not `oneOf`: some generated clients convert a number to a string and find two matches.
            "anyOf": [{"type": "integer"}, {"type": "string", "nullable": true, "maxLength": 4096}]},
    })
}

fn tasks() -> Value {
    let settable = json!({
        "name": text("The display name; by default the id.", 200, "Daily report"),
        "description": text("A description.", 4000, ""),
        "tags": {"type": "array", "nullable": true, "maxItems": 32, "items": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": "Tags, for filtering; the same characters as in an id.", "example": ["report"]},
        "trigger": reference("Trigger"), "params": optional("Params", "Parameters, defined by the type's `params_schema`."),
        "enabled": {"type": "boolean", "nullable": true, "default": true, "description": "Whether its trigger fires."},
        "policy": optional("PolicyInput", "Omitted fields come from the type's `default_policy`."),
        "chain": optional("Chain", "The tasks to start when a run of this one ends; a cycle is not allowed."),
    });
    let id = json!({"type": "string", "minLength": 1, "maxLength": 64, "example": "daily-report",
        "description": "Letters of any script, digits, `.`, `_` and `-`, beginning with a letter or a digit. Cannot be changed."});
    let kind = json!({"type": "string", "example": "echo", "description": "One of `GET /task-types`. Cannot be changed."});
    let mut whole = Map::from_iter([("id".to_owned(), id), ("type".to_owned(), kind)]);
    whole.extend(settable.as_object().cloned().unwrap_or_default());
    json!({
        "TaskInput": object("The writable fields of a task.", &["id", "type", "trigger"], Value::Object(whole.clone())),
        "TaskPatch": object("The fields of a task to change.", &[], Value::Object(whole)),
    })
}

fn policies() -> Value {
    json!({
        "PolicyInput": object("How a task's runs are executed.", &[], json!({
            "max_instances": bounded("The maximum number of concurrent runs; occurrences beyond it are skipped.", 1, 1000),
            "misfire_grace_seconds": seconds("How late an occurrence may still run. Null: no limit.", 31_622_400),
            "coalesce": {"type": "boolean", "nullable": true, "description": "Run only the latest of several due occurrences."},
            "timeout_seconds": {"type": "number", "nullable": true, "minimum": 0.001, "maximum": 31_622_400,
                "description": "The time limit of an attempt, after which it is timed out. Null: no limit."},
            "priority": bounded("Queued runs with a higher priority start first.", -1000, 1000),
            "queue": text("The queue whose limit the runs share.", 64, "default"),
            "retry": optional("RetryInput", "When a failed attempt is retried."),
            "retention": optional("RetentionInput", "How long executions are kept; by default as in the server's settings.")})),
        "RetentionInput": object("How long a task's executions are kept.", &[], json!({
            "max_age_days": bounded("Days after an execution was queued; 0 keeps all. Null: as in the server's settings.", 0, 36_500),
            "max_executions":
                bounded("The number of executions kept; 0 keeps all. Null: as in the server's settings.", 0, 1_000_000_000)})),
        "RetryInput": object("When a failed attempt is retried.", &[], json!({
            "max_attempts": bounded("The total number of attempts; 1 means no retry.", 1, 100),
            "delay_seconds": seconds("The delay before the second attempt.", 86_400),
            "backoff": optional("Backoff", "How the delay grows."),
            "max_delay_seconds": seconds("The maximum delay.", 86_400),
            "jitter_seconds": seconds("A random time up to this is added to each delay.", 86_400)})),
    })
}

fn accounts() -> Value {
    let password =
        |what: &str| json!({"type": "string", "format": "password", "minLength": 8, "maxLength": 1024, "description": what});
    let nullable = |mut schema: Value| {
        schema["nullable"] = json!(true);
        schema
    };
    let grants = json!({"type": "array", "nullable": true, "items": {"type": "string"},
        "description": "Dangerous task types that the account may set up although its role does not allow it; `metrics` allows reading `/metrics`.", "example": ["send_sql"]});
    let limits = "Limits the account to tasks with one of these tags; empty: all tasks. Not for the role `admin`.";
    let user = text("1 to 64 letters, digits, `.`, `_`, `-` and `@`.", 64, "bob");
    json!({
        "UserInput": object("A new account.", &["name"], json!({
            "name": user, "role": optional("Role", "The role; by default `viewer`."),
            "password": nullable(password("Null: no sign-in with a password.")), "grants": grants, "tags": tag_list(limits)})),
        "UserChange": object("The fields of an account to change.", &[], json!({
            "role": optional("Role", "The role."),
                "password": nullable(password("A new password.")), "grants": grants, "tags": tag_list(limits),
            "disabled": {"type": "boolean", "nullable": true, "description": "Whether sign-in and tokens are disabled."}})),
        "TokenInput": object("A token to create.", &["name"], json!({
            "name": text("The token's name.", 100, "deploy script"),
            "role": optional("Role", "At most the account's role, which is the default."),
            "tags": tag_list("Limits the token to tasks with one of these tags, among those of the account; empty: all of them. \
            Not for the role `admin`."),
            "expires_at": {"type": "string", "nullable": true, "example": "2027-01-01T00:00:00+08:00",
                "description": "When it expires: RFC 3339, or a date with or without a time in the server's zone. Null: never."}})),
        "PasswordInput": object("The current and the new password.", &["present", "password"], json!({
            "present": password("The current password."), "password": password("The new password.")})),
    })
}

fn tag_list(what: &str) -> Value {
    json!({"type": "array", "nullable": true, "maxItems": 32,
        "items": {"type": "string", "minLength": 1, "maxLength": 64}, "description": what, "example": []})
}

fn requests() -> Value {
    let status = optional("ExecutionStatus", "The last run's status.");
    json!({
        "RunRequest": object("Overrides for one run.", &[], json!({
            "params": optional("Params", "Parameters that override the task's, for this run only.")})),
        "SecretInput": object("A secret's value.", &["value"], json!({
            "value": {"type": "string", "minLength": 1, "maxLength": 65_536, "description": "The value; it is never returned."},
            "tags": tag_list("Only tasks with one of these tags may use it; an empty list lifts the limit. Null: unchanged."),
            "tasks": {"type": "array", "nullable": true, "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 64},
                "description": "The ids of single tasks that may use it; an empty list lifts the limit. Null: unchanged.", "example": []}})),
        "MailTestInput": object("The recipient of a test mail.", &["to"], json!({
            "to": text("An e-mail address.", 320, "alice@example.com")})),
        "SmsTestInput": object("The recipient and content of a test message: a text, or one of the provider's templates.", &["to"], json!({
            "to": text("A phone number.", 32, "+8613800138000"),
            "text": {"type": "string", "nullable": true, "maxLength": 1000, "description": "The text to send."},
            "template": {"type": "string", "nullable": true, "maxLength": 200, "description": "The code of a template."},
            "params": {"nullable": true,
                "description": "Values for the template's placeholders: an object or a list, as the provider requires."}})),
        "ChainLink": object("A task to start.", &["task"], json!({
            "on": {"type": "string", "nullable": true, "enum": ["success", "failure", "always", null],
                "description": "The outcome of the run that starts it, by default `success`; `failure` is failed, timed out or interrupted, without a further retry."},
            "task": text("The id of the task to start.", 64, "send-report"),
            "params": optional("Params", "Parameters that override that task's; their templates see this run as `previous`.")})),
        "TaskDocument": object("All tasks, as one document.", &["tasks"], json!({
            "version": {"type": "integer", "nullable": true, "minimum": 1, "maximum": 1,
                "description": "The version of the document format."},
            "tasks": {"type": "array", "items": reference("TaskInput"), "description": "The tasks, by id."},
            "secrets": {"type": "array", "nullable": true, "items": {"type": "string"},
                "description": "The names of the existing secrets, never their values."}})),
        "TaskDocumentText": {"description": "A document as YAML, with the same content as the JSON form."},
        "PastExecutions": {
            "description": "Runs that ended elsewhere: `executions` as here, a plain list of them, or lists by task.", "properties": {
            "executions": {"type": "array", "maxItems": 5000, "description": "The runs.", "items": {
                "type": "object", "required": ["task_id", "status", "started_at"], "properties": {
                    "task_id": {"type": "string", "description": "The task; characters not allowed in an id become `-`."},
                    "task_type": {"type": "string", "nullable": true, "description": "The task type; by default `imported`."},
                    "status": {"type": "string", "description": "The outcome, such as `succeeded` or `failed`."},
                    "started_at": {"type": "string", "description": "The start time; without an offset in the server's zone."},
                    "duration_ms": {"type": "integer", "format": "int64", "nullable": true, "minimum": 0,
                        "description": "The duration in milliseconds."},
                    "error": {"type": "string", "nullable": true, "description": "Why it failed."},
                    "result": reference("AnyValue")}}}}},
        "AnyValue": {"nullable": true, "description": "Any JSON value."},
        "BulkRequest": object("An action on many tasks: those in `ids`, or those that match `filter`.", &["action"], json!({
            "action": {"type": "string", "enum": ["run", "pause", "resume", "delete"], "description": "The action."},
            "ids": {"type": "array", "nullable": true, "maxItems": 10_000, "items": {"type": "string"},
                "description": "The ids of the tasks."},
            "filter": optional("TaskFilter", "The filter of the tasks; `{}` matches all.")})),
        "TaskFilter": object("A filter of tasks.", &[], json!({
            "search": text("Part of the id, name, description or a tag, ignoring case.", 200, "report"),
            "type": text("Only tasks of this type.", 64, "echo"), "status": status, "tag": text("Only tasks with this tag.", 64, "report"),
            "enabled": {"type": "boolean", "nullable": true, "description": "Only enabled, or only paused tasks."}})),
        "PreviewRequest": object("A trigger to preview.", &["trigger"], json!({
            "trigger": reference("Trigger"),
            "after": time("Only fire times after this time; by default now.", "2026-11-21T00:00:00Z"),
            "count": {"type": "integer", "nullable": true, "minimum": 1, "maximum": 1000, "default": 5,
                "description": "The number of fire times."}})),
    })
}

/// An object that allows no other fields.
fn object(description: &str, required: &[&str], properties: Value) -> Value {
    let mut schema = json!({"type": "object", "description": description});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["properties"] = properties;
    for name in required.iter().copied() {
        if let Some(Value::Object(property)) = schema["properties"].get_mut(name) {
            property.shift_remove("nullable");
        }
    }
    schema["additionalProperties"] = json!(false);
    schema
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn optional(name: &str, description: &str) -> Value {
    json!({"allOf": [reference(name)], "nullable": true, "description": description})
}

fn kind(name: &str) -> Value {
    json!({"type": "string", "enum": [name], "description": "The kind of trigger."})
}

fn field(description: &str, example: impl Into<Value>) -> Value {
    json!({"allOf": [reference("CronField")], "description": description, "example": example.into()})
}

fn text(description: &str, max: u32, example: &str) -> Value {
    json!({"type": "string", "nullable": true, "maxLength": max, "description": description, "example": example})
}

fn integer(description: &str, example: u32, max: u64) -> Value {
    json!({"type": "integer", "format": "int64", "nullable": true, "minimum": 0, "maximum": max, "description": description,
        "example": example})
}

fn bounded(description: &str, min: i64, max: i64) -> Value {
    json!({"type": "integer", "nullable": true, "minimum": min, "maximum": max, "description": description})
}

fn seconds(description: &str, max: u32) -> Value {
    json!({"type": "number", "nullable": true, "minimum": 0, "maximum": max, "description": format!("{description} In seconds.")})
}

fn time(description: &str, example: &str) -> Value {
    json!({"type": "string", "nullable": true, "example": example, "description": format!(
        "{description} `YYYY-MM-DD`, `YYYY-MM-DD HH:MM[:SS[.fff]]` in the trigger's zone, or RFC 3339.")})
}

fn start() -> Value {
    time("Not before this time.", "2026-12-01")
}

fn end_date() -> Value {
    time("Not after this time.", "2027-12-01")
}

fn zone() -> Value {
    json!({"type": "string", "nullable": true, "description": "An IANA time zone; by default the server's.", "example": "Asia/Shanghai"})
}

fn jitter() -> Value {
    integer("Each fire time is delayed by a fixed random number of seconds up to this.", 30, 1_000_000_000)
}
