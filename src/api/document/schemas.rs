//! Schemas written by hand: request bodies, whose values are read raw, and triggers, told apart by `type`.

use serde_json::{Map, Value, json};

use crate::domain::execution::{Cause, Status};
use crate::domain::user::Role;

/// All of them, by name.
pub fn by_hand() -> Map<String, Value> {
    let mut all = Map::new();
    for group in [words(), values(), triggers(), cron(), tasks(), policies(), requests(), accounts()] {
        if let Value::Object(group) = group {
            all.extend(group);
        }
    }
    all
}

fn words() -> Value {
    json!({
        "ExecutionStatus": {"type": "string", "enum": Status::ALL.map(Status::as_str),
            "description": "Where an execution stands. `queued` waits for a worker or its next attempt; `interrupted` lost its \
                process; `skipped` was due while as many runs as allowed were going; `missed` was due while nothing could run it."},
        "ExecutionCause": {"type": "string", "enum": Cause::ALL.map(Cause::as_str),
            "description": "Why an execution exists: its instant came, a person or a program asked for it, its instant passed \
                while the scheduler was down, another execution's end asked for it, or it ran elsewhere and was imported."},
        "Backoff": {"type": "string", "enum": ["fixed", "exponential"],
            "description": "Whether each wait is the same, or twice the one before."},
        "Role": {"type": "string", "enum": Role::ALL.map(Role::as_str),
            "description": "What an account may do; each role may do all that the one before may."},
    })
}

fn values() -> Value {
    json!({
        "Instant": {"type": "string", "format": "date-time",
            "description": "RFC 3339 with milliseconds and an offset: in the task's zone where a task is concerned, otherwise in UTC.",
            "example": "2026-11-21T08:00:00.000+08:00"},
        "Seconds": {"type": "number", "minimum": 0, "description": "A number of seconds, down to the millisecond.", "example": 300},
        "Params": {"type": "object", "additionalProperties": true,
            "description": "Parameters, as the task type's `params_schema` says.", "example": {"message": "hello"}},
        "Chain": {"type": "array", "maxItems": 20, "items": reference("ChainLink"),
            "description": "The tasks that start when a run of this one ends."},
        "TaskContent": {"type": "object", "additionalProperties": true,
            "description": "What could be set of a task, as it was then; the form of `TaskInput`.", "example": {"id": "daily-report"}},
        "RunResult": {"description": "What a run gave, as its type defines it.", "example": {"exit_code": 0}},
        "JsonSchema": {"type": "object", "additionalProperties": true, "description": "A JSON Schema (2020-12)."},
    })
}

fn triggers() -> Value {
    json!({
        "Trigger": {
            "description": "When a task fires: on a date, an interval, a cron rule, or when the machine is idle.",
            "oneOf": [reference("DateTrigger"), reference("IntervalTrigger"), reference("CronTrigger"), reference("IdleTrigger")],
            "discriminator": {"propertyName": "type", "mapping": {
                "date": "#/components/schemas/DateTrigger", "interval": "#/components/schemas/IntervalTrigger",
                "cron": "#/components/schemas/CronTrigger", "idle": "#/components/schemas/IdleTrigger"}},
        },
        "DateTrigger": closed("Fires once.", &["type", "run_date"], json!({
            "type": kind("date"), "run_date": time("When to fire.", "2026-12-10 08:00:00"), "timezone": zone()})),
        "IntervalTrigger": closed("Fires again and again at a fixed distance.", &["type"], json!({
            "type": kind("interval"), "weeks": whole("Weeks.", 0, 5228), "days": whole("Days.", 0, 36_600), "hours": whole("Hours.", 0, 878_400),
            "minutes": whole("Minutes.", 5, 52_704_000), "seconds": whole("Seconds.", 0, 3_162_240_000), "start_date": start(), "end_date": end(),
            "timezone": zone(), "jitter": jitter()})),
        "IdleTrigger": closed("Fires when the machine has been idle for a while.", &["type"], json!({
            "type": kind("idle"),
            "idle_duration": {"type": "integer", "format": "int64", "nullable": true, "minimum": 1, "maximum": 31_622_400,
                "description": "How long it must be idle, in seconds.", "example": 60},
            "cpu_below_percent": {"type": "number", "nullable": true, "minimum": 0, "exclusiveMinimum": true, "maximum": 100,
                "description": "The load under which it counts as idle, in percent.", "example": 20},
            "repeat": {"type": "boolean", "nullable": true, "description": "Fire again in each idle time, not only in the first.", "example": false},
            "start_date": start(), "end_date": end(), "timezone": zone()})),
    })
}

fn cron() -> Value {
    json!({
        "CronTrigger": closed(
            "Fires at the times that a cron rule names: by fields, or by an `expression` instead of all fields. Fields left out \
             in front of the first given one fire at every value, those behind it at their least.",
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
                "start_date": start(), "end_date": end(), "timezone": zone(), "jitter": jitter()}),
        ),
        "CronField": {"description": "A number, or an expression: `*`, `*/5`, `8-18`, `8-18/2`, `1,15`, names where there are some.",
            "oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 4096}]},
    })
}

fn tasks() -> Value {
    let settable = json!({
        "name": text("Its name for people; the id where it is left out.", 200, "Daily report"),
        "description": text("What it is for.", 4000, ""),
        "tags": {"type": "array", "nullable": true, "maxItems": 32, "items": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": "Words to find it by; the same letters as an id.", "example": ["report"]},
        "trigger": reference("Trigger"), "params": optional("Params", "Parameters, as the type's `params_schema` says."),
        "enabled": {"type": "boolean", "nullable": true, "default": true, "description": "Whether its trigger fires."},
        "policy": optional("PolicyInput", "What is left out comes from the type's `default_policy`."),
        "chain": optional("Chain", "The tasks that start when a run of this one ends; they must not lead back to it."),
    });
    let id = json!({"type": "string", "minLength": 1, "maxLength": 64, "example": "daily-report",
        "description": "Letters of any script, digits, `.`, `_` and `-`, beginning with a letter or a digit. Never changes."});
    let kind = json!({"type": "string", "example": "echo", "description": "One of `GET /task-types`. Never changes."});
    let mut whole = Map::from_iter([("id".to_owned(), id), ("type".to_owned(), kind)]);
    whole.extend(settable.as_object().cloned().unwrap_or_default());
    json!({
        "TaskInput": closed("A task as it can be set.", &["id", "type", "trigger"], Value::Object(whole.clone())),
        "TaskPatch": closed("The fields of a task that should change.", &[], Value::Object(whole)),
    })
}

fn policies() -> Value {
    json!({
        "PolicyInput": closed("How a task's runs are treated.", &[], json!({
            "max_instances": bounded("How many runs may go on at once; an instant due beyond that is skipped.", 1, 1000),
            "misfire_grace_seconds": seconds("How late an instant may still run. Null: however late.", 31_622_400),
            "coalesce": {"type": "boolean", "nullable": true, "description": "Of several due instants only the latest runs."},
            "timeout_seconds": {"type": "number", "nullable": true, "minimum": 0.001, "maximum": 31_622_400,
                "description": "After this long an attempt is ended as timed out. Null: no limit."},
            "priority": bounded("Jobs of a higher priority start first.", -1000, 1000),
            "queue": text("The queue whose limit the runs share.", 64, "default"),
            "retry": optional("RetryInput", "When a failed attempt is tried again."),
            "retention": optional("RetentionInput", "How long executions stay on record; as the server's settings say where it is left out.")})),
        "RetentionInput": closed("How long a task's executions stay on record.", &[], json!({
            "max_age_days": bounded("Days after an execution was queued; 0 keeps all. Null: as the server's settings say.", 0, 36_500),
            "max_executions": bounded("How many executions of the task; 0 keeps all. Null: as the server's settings say.", 0, 1_000_000_000)})),
        "RetryInput": closed("When a failed attempt is tried again.", &[], json!({
            "max_attempts": bounded("Attempts in all; 1 means no retry.", 1, 100),
            "delay_seconds": seconds("The wait before the second attempt.", 86_400),
            "backoff": optional("Backoff", "How the wait grows."),
            "max_delay_seconds": seconds("No wait is longer than this.", 86_400),
            "jitter_seconds": seconds("A random time up to this is added to each wait.", 86_400)})),
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
        "description": "Dangerous task types that the account may set up though its role may not.", "example": ["send_sql"]});
    let tags = |what: &str| {
        json!({"type": "array", "nullable": true, "maxItems": 32,
        "items": {"type": "string", "minLength": 1, "maxLength": 64}, "description": what, "example": []})
    };
    let limits = "It sees and touches only tasks with one of these tags; empty: all tasks. Not for the role `admin`.";
    let user = text("1 to 64 letters, digits, `.`, `_`, `-` and `@`.", 64, "bob");
    json!({
        "UserInput": closed("A new account.", &["name"], json!({
            "name": user, "role": optional("Role", "What it may do; `viewer` where it is left out."),
            "password": nullable(password("Null: no sign-in by password.")), "grants": grants, "tags": tags(limits)})),
        "UserChange": closed("What should change of an account.", &[], json!({
            "role": optional("Role", "What it may do."), "password": nullable(password("A new password.")), "grants": grants, "tags": tags(limits),
            "disabled": {"type": "boolean", "nullable": true, "description": "It can neither sign in nor use its tokens."}})),
        "TokenInput": closed("A token to be made.", &["name"], json!({
            "name": text("What it is for.", 100, "deploy script"),
            "role": optional("Role", "No more than the account's own, which it is where it is left out."),
            "tags": tags("It reaches only tasks with one of these tags, of those that the account reaches; empty: all of those. \
                Not for the role `admin`."),
            "expires_at": {"type": "string", "nullable": true, "example": "2027-01-01T00:00:00+08:00",
                "description": "When it ends: RFC 3339, or a date with or without a time in the server's zone. Null: never."}})),
        "PasswordInput": closed("One's present and new password.", &["present", "password"], json!({
            "present": password("The present password."), "password": password("The new password.")})),
    })
}

fn requests() -> Value {
    let status = optional("ExecutionStatus", "The last run's status.");
    json!({
        "RunRequest": closed("What one run should do otherwise.", &[], json!({
            "params": optional("Params", "Members that override the task's parameters, for this run only.")})),
        "SecretInput": closed("A secret's value.", &["value"], json!({
            "value": {"type": "string", "minLength": 1, "maxLength": 65_536, "description": "The value; it is never given back."}})),
        "MailTestInput": closed("Who gets the mail.", &["to"], json!({
            "to": text("An e-mail address.", 320, "alice@example.com")})),
        "SmsTestInput": closed("Who gets which message: a text, or a template that the provider knows.", &["to"], json!({
            "to": text("A phone number.", 32, "+8613800138000"),
            "text": {"type": "string", "nullable": true, "maxLength": 1000, "description": "What to send."},
            "template": {"type": "string", "nullable": true, "maxLength": 200, "description": "The code of a template."},
            "params": {"nullable": true, "description": "What the template's places are filled with: an object or a list, as the provider wants it."}})),
        "ChainLink": closed("A task to start.", &["task"], json!({
            "on": {"type": "string", "nullable": true, "enum": ["success", "failure", "always", null], "default": "success",
                "description": "At which end of a run: `failure` is failed, timed out or interrupted, and not tried again."},
            "task": text("The id of the task to start.", 64, "send-report"),
            "params": optional("Params", "Members that override that task's parameters; templates in them see this run as `previous`.")})),
        "TaskDocument": closed("All tasks, as one document.", &["tasks"], json!({
            "version": {"type": "integer", "nullable": true, "minimum": 1, "maximum": 1, "description": "The form of the document."},
            "tasks": {"type": "array", "items": reference("TaskInput"), "description": "The tasks, by id."},
            "secrets": {"type": "array", "nullable": true, "items": {"type": "string"},
                "description": "Names of the secrets that there are; their values are never in it."}})),
        "TaskDocumentText": {"description": "A document as YAML; what it holds is that of the JSON form."},
        "PastExecutions": {"description": "Runs that ended elsewhere: `executions` as here, a bare list of them, or lists by task.", "properties": {
            "executions": {"type": "array", "maxItems": 5000, "description": "The runs.", "items": {
                "type": "object", "required": ["task_id", "status", "started_at"], "properties": {
                    "task_id": {"type": "string", "description": "The task; what an id may not hold becomes `-`."},
                    "task_type": {"type": "string", "nullable": true, "description": "Its type; `imported` where it is left out."},
                    "status": {"type": "string", "description": "How it ended, such as `succeeded` or `failed`."},
                    "started_at": {"type": "string", "description": "When it began; without an offset in the server's zone."},
                    "duration_ms": {"type": "integer", "format": "int64", "nullable": true, "minimum": 0, "description": "How long it took."},
                    "error": {"type": "string", "nullable": true, "description": "Why it failed."},
                    "result": reference("AnyValue")}}}}},
        "AnyValue": {"nullable": true, "description": "Any JSON value."},
        "BulkRequest": closed("One action on many tasks: on those in `ids`, or on those that `filter` finds.", &["action"], json!({
            "action": {"type": "string", "enum": ["run", "pause", "resume", "delete"], "description": "What to do."},
            "ids": {"type": "array", "nullable": true, "maxItems": 10_000, "items": {"type": "string"}, "description": "Which tasks, by id."},
            "filter": optional("TaskFilter", "Which tasks, by what they are; `{}` means all.")})),
        "TaskFilter": closed("Which tasks.", &[], json!({
            "search": text("Part of the id, the name, the description or a tag, in any case.", 200, "report"),
            "type": text("Only tasks of this type.", 64, "echo"), "status": status, "tag": text("Only tasks with this tag.", 64, "report"),
            "enabled": {"type": "boolean", "nullable": true, "description": "Only enabled, or only paused tasks."}})),
        "PreviewRequest": closed("A question about a trigger.", &["trigger"], json!({
            "trigger": reference("Trigger"),
            "after": time("Firings after this time; now where it is left out.", "2026-11-21T00:00:00Z"),
            "count": {"type": "integer", "nullable": true, "minimum": 1, "maximum": 1000, "default": 5, "description": "How many firings."}})),
    })
}

/// An object that refuses other fields.
fn closed(description: &str, required: &[&str], properties: Value) -> Value {
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
    json!({"type": "string", "enum": [name], "description": "Tells the trigger's kind."})
}

fn field(description: &str, example: impl Into<Value>) -> Value {
    json!({"allOf": [reference("CronField")], "nullable": true, "description": description, "example": example.into()})
}

fn text(description: &str, max: u32, example: &str) -> Value {
    json!({"type": "string", "nullable": true, "maxLength": max, "description": description, "example": example})
}

fn whole(description: &str, example: u32, max: u64) -> Value {
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

fn end() -> Value {
    time("Not after this time.", "2027-12-01")
}

fn zone() -> Value {
    json!({"type": "string", "nullable": true, "description": "An IANA zone; the server's where it is left out.", "example": "Asia/Shanghai"})
}

fn jitter() -> Value {
    whole("Each firing is put off by up to this many seconds, by as much each time it is looked at.", 30, 1_000_000_000)
}
