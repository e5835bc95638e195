//! Hand-written schemas: request bodies, which are validated by `service`, and triggers, distinguished by `type`.

use serde_json::{Map, Value, json};

use super::schema_parts::{
    alert_seconds, bounded, end_date, field, integer, jitter, kind, object, optional, reference, seconds, start, tag_list, text,
    time, without_null, zone,
};
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
            that passed while the scheduler was down, the end of another execution, a call of a hook, a backfill, or an import from elsewhere."},
        "CalendarRule": {"type": "string", "enum": ["only", "except", "before_holiday", "after_holiday"],
            "description": "`only` on working days; `except` on the other days; on the last working day before a holiday, or on the first \
            after one.", "example": "only"},
        // In Go all constants share one name space, and `SKIP` is one of `OnOverlap`.
        "OnClosed": {"type": "string", "enum": ["skip", "next_working_day", "previous_working_day", "hold"],
            "x-enum-varnames": ["ON_CLOSED_SKIP", "ON_CLOSED_NEXT_WORKING_DAY", "ON_CLOSED_PREVIOUS_WORKING_DAY", "ON_CLOSED_HOLD"],
            "description": "`skip`: it is recorded as skipped; moved to the next working day, or to the one before, at the same time; \
            `hold`: it runs once when the calendar opens or the freeze ends.", "example": "skip"},
        "OnOverlap": {"type": "string", "enum": ["skip", "queue", "cancel_running", "allow"],
            "description": "What happens to a run while `max_instances` runs of the task are queued or running. `skip`: an occurrence is \
            skipped, a request is refused with 409; `queue`: it waits until an earlier run ends; `cancel_running`: the oldest run is \
            cancelled, and it starts when that one has ended; `allow`: it runs beside them."},
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
        "Inputs": {"type": "array", "maxItems": 30, "items": reference("InputField"),
            "description": "The values that a run of the task asks for, used in its parameters as `{{ input.name }}`."},
        "TaskContent": {"type": "object", "additionalProperties": true,
            "description": "The writable fields of a task at that version, as in `TaskInput`.", "example": {"id": "daily-report"}},
        "RunResult": {"description": "The result of a run, defined by its task type.", "example": {"exit_code": 0}},
        "JsonSchema": {"type": "object", "additionalProperties": true, "description": "A JSON Schema (2020-12)."},
    })
}

fn triggers() -> Value {
    json!({
        "Trigger": {
            "description": "When a task fires: on a date, an interval, a cron expression, or when the machine is idle. Null is refused for its fields; in a \
                patch it removes the field.",
            "oneOf": [reference("DateTrigger"), reference("IntervalTrigger"), reference("CronTrigger"), reference("IdleTrigger")],
            "discriminator": {"propertyName": "type", "mapping": {
                "date": "#/components/schemas/DateTrigger", "interval": "#/components/schemas/IntervalTrigger",
                "cron": "#/components/schemas/CronTrigger", "idle": "#/components/schemas/IdleTrigger"}},
        },
        "DateTrigger": object("Fires once.", &["type", "run_date"], json!({
            "type": kind("date"), "run_date": time("The fire time.", "2026-12-10 08:00:00"), "timezone": zone(),
            "and": conditions()})),
        "TriggerCondition": {"type": "object", "additionalProperties": true,
            "description": "A date, interval or cron trigger without `and` and `jitter`. Without a time zone it has that of the trigger.",
            "example": {"type": "cron", "expression": "* * * * mon-fri"}},
        "IntervalTrigger": object("Fires repeatedly at a fixed interval.", &["type"], json!({
            "type": kind("interval"), "weeks": integer("Weeks.", 0, 5228),
                "days": integer("Days.", 0, 36_600), "hours": integer("Hours.", 0, 878_400),
            "minutes": integer("Minutes.", 5, 52_704_000),
                "seconds": integer("Seconds.", 0, 3_162_240_000), "start_date": start(), "end_date": end_date(),
            "timezone": zone(), "jitter": jitter(), "and": conditions()})),
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

fn conditions() -> Value {
    json!({"type": "array", "nullable": true, "maxItems": 3, "items": reference("TriggerCondition"),
        "description": "Conditions: it fires only at those of its times at which each of them fires too, in the same second."})
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
                "day_of_week": field("0-6 or sun-sat; 0 is Sunday.", "mon-fri"), "hour": field("0-23.", 8),
                "minute": field("0-59.", "*/15"), "second": field("0-59.", 0),
                "expression": {"type": "string", "nullable": true, "maxLength": 4096,
                    "description": "Five crontab fields (`*/5 8-18 * * mon-fri`), or six with seconds first, or seven with the year last, or `HH:MM[:SS]` (daily), or \
                        `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`, or `@every 1h30m` (saved as the interval \
                        that it means). Not together with fields."},
                "start_date": start(), "end_date": end_date(), "timezone": zone(), "jitter": jitter(),
                "and": conditions()}),
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
        "trigger": reference("Trigger"), "triggers": triggers_of_task(), "calendar": calendar_names(),
        "calendar_rule": optional("CalendarRule", "On which days of the calendars it runs, by default `only`."),
        "on_closed": optional("OnClosed", "What becomes of an occurrence while a calendar is closed or a freeze lasts, by default `skip`."),
        "nth_working_day": nth_working_day(),
        "params": optional("Params", "Parameters, defined by the type's `params_schema`."),
        "enabled": {"type": "boolean", "nullable": true, "default": true, "description": "Whether its trigger fires."},
        "allow_past": {"type": "boolean", "nullable": true, "default": false, "description": "Accept a `run_date` that has passed: it is \
            recorded at once, and runs only if `policy.misfire_grace_seconds` allows. It is not stored."},
        "policy": optional("PolicyInput", "Omitted fields come from the type's `default_policy`."),
        "chain": optional("Chain", "The tasks to start when a run of this one ends; a cycle is not allowed."),
        "inputs": optional("Inputs", "The values that a run asks for, used in the parameters as `{{ input.name }}`. A required one of a \
            task whose trigger fires needs a default."),
    });
    let id = json!({"type": "string", "minLength": 1, "maxLength": 64, "example": "daily-report",
        "description": "Letters of any script, digits, `.`, `_` and `-`, beginning with a letter or a digit. Cannot be changed."});
    let kind = json!({"type": "string", "example": "echo", "description": "One of `GET /task-types`. Cannot be changed."});
    let mut whole = Map::from_iter([("id".to_owned(), id), ("type".to_owned(), kind)]);
    whole.extend(settable.as_object().cloned().unwrap_or_default());
    json!({
        "TaskInput": without_null(object("The writable fields of a task.", &["id", "type", "trigger"], Value::Object(whole.clone())), &[]),
        "TaskRuleInput": without_null(object("One of several rules.", &["trigger"], json!({
            "trigger": reference("Trigger"),
            "name": text("A name, for lists and logs.", 100, "month end"),
            "enabled": {"type": "boolean", "default": true, "description": "Whether it fires."},
            "params": optional("Params", "Parameters that replace those of the task in its runs.")})), &[]),
        "TaskPatch": object("The fields of a task to change; null removes a field.", &[], Value::Object(whole)),
    })
}

/// Several rules of a task.
fn triggers_of_task() -> Value {
    json!({"type": "array", "nullable": true, "maxItems": 20, "items": reference("TaskRuleInput"),
        "description": "Several rules. What falls due by several at one time is one run, of the first of them. `trigger` is that of the \
            first; it may be left out."})
}

fn calendar_names() -> Value {
    json!({"type": "array", "nullable": true, "maxItems": 5, "items": {"type": "string", "minLength": 1, "maxLength": 64},
        "description": "The calendars that decide on which days it runs; a single one may be given as a text. A day is closed if it is in \
            one of them.", "example": ["cn"]})
}

fn nth_working_day() -> Value {
    json!({"type": "integer", "nullable": true, "minimum": -23, "maximum": 23, "description": "Only on this working day of the month: 1 is \
        the first, -1 the last; not 0.", "example": -1})
}

fn policies() -> Value {
    json!({
        "PolicyInput": object("How a task's runs are executed. Null is refused where it has no meaning of its own; in a patch it removes the field.",
            &[], json!({
            "max_instances": bounded("The maximum number of concurrent runs, for every cause.", 1, 1000),
            "on_overlap": optional("OnOverlap", "What happens to a run beyond `max_instances`."),
            "misfire_grace_seconds": seconds("How late an occurrence may still run. Null: no limit.", 31_622_400),
            "coalesce": {"type": "boolean", "nullable": true, "description": "Run only the latest of several due occurrences."},
            "timeout_seconds": {"type": "number", "nullable": true, "minimum": 0.001, "maximum": 31_622_400,
                "description": "The time limit of an attempt, after which it is timed out. Null: no limit."},
            "priority": bounded("Queued runs with a higher priority start first.", -1000, 1000),
            "queue": text("The queue whose limit the runs share.", 64, "default"),
            "retry": optional("RetryInput", "When a failed attempt is retried."),
            "retention": optional("RetentionInput", "How long executions are kept; by default as in the server's settings."),
            "alert": optional("AlertInput", "The limits beyond which the rules that name these events tell. Null: none.")})),
        "AlertInput": object("Limits of a task; each fires once, until the task is well again. Null: no limit.", &[], json!({
            "late_seconds": alert_seconds("How late a run may begin: event `late`."),
            "running_longer_than_seconds": alert_seconds("How long a run may take: event `running_long`."),
            "no_success_for_seconds": alert_seconds("How long the task may be without a success, from the last one or from the last change of the task: event `no_success`."),
            "failures_in_a_row": bounded("How many runs fail in a row: event `failures_in_a_row`.", 1, 40)})),
        "RetentionInput": object("How long a task's executions are kept.", &[], json!({
            "max_age_days": bounded("Days after an execution was queued; 0 keeps all. Null: as in the server's settings.", 0, 36_500),
            "max_executions":
                bounded("The number of executions kept; 0 keeps all. Null: as in the server's settings.", 0, 1_000_000_000)})),
        "RetryInput": object("When a failed attempt is retried.", &[], json!({
            "max_attempts": bounded("The total number of attempts; 1 means no retry.", 1, 100),
            "delay_seconds": seconds("The delay before the second attempt.", 86_400),
            "backoff": optional("Backoff", "How the delay grows."),
            "max_delay_seconds": seconds("The maximum delay.", 86_400),
            "jitter_seconds": seconds("A random time up to this is added to each delay.", 86_400),
            "on_interruption": {"type": "boolean", "nullable": true,
                "description": "Whether an attempt that a crash cut off is tried again even if `max_attempts` are used up. By default false for `send_email` and `send_sms`, true for other types."}})),
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
        "UserInput": without_null(object("A new account.", &["name"], json!({
            "name": user, "role": optional("Role", "The role; by default `viewer`."),
            "password": nullable(password("Null: no sign-in with a password.")), "grants": grants, "tags": tag_list(limits)})), &["password"]),
        "UserChange": without_null(object("The fields of an account to change.", &[], json!({
            "role": optional("Role", "The role."),
                "password": password("A new password."), "grants": grants, "tags": tag_list(limits),
            "disabled": {"type": "boolean", "description": "Whether sign-in and tokens are disabled."}})), &[]),
        "TokenInput": without_null(object("A token to create.", &["name"], json!({
            "name": text("The token's name.", 100, "deploy script"),
            "role": optional("Role", "At most the account's role, which is the default."),
            "tags": tag_list("Limits the token to tasks with one of these tags, among those of the account; empty: all of them. \
            Not for the role `admin`."),
            "expires_at": {"type": "string", "nullable": true, "example": "2027-01-01T00:00:00+08:00",
                "description": "When it expires: RFC 3339, or a date with or without a time in the server's zone. Null: never."}})), &["expires_at"]),
        "PasswordInput": object("The current and the new password.", &["present", "password"], json!({
            "present": password("The current password."), "password": password("The new password.")})),
    })
}

fn requests() -> Value {
    let status = optional("ExecutionStatus", "The last run's status.");
    json!({
        "RunRequest": without_null(object("Overrides for one run.", &[], json!({
            "params": optional("Params", "Parameters that override the task's, for this run only."),
            "inputs": {"type": "object", "nullable": true, "additionalProperties": true, "maxProperties": 30, "example": {"city": "Shanghai"},
                "description": "Values of the task's inputs; those not given have their defaults."}})), &[]),
        "SecretInput": object("A secret's value.", &["value"], json!({
            "value": {"type": "string", "minLength": 1, "maxLength": 65_536, "description": "The value; it is never returned."},
            "tags": tag_list("Only tasks with one of these tags may use it; an empty list lifts the limit. Null: unchanged."),
            "tasks": {"type": "array", "nullable": true, "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 64},
                "description": "The ids of single tasks that may use it; an empty list lifts the limit. Null: unchanged.", "example": []}})),
        "MailTestInput": object("The recipient of a test mail.", &["to"], json!({
            "to": text("An e-mail address.", 320, "alice@example.com")})),
        "SmsTestInput": without_null(object("The recipient and content of a test message: a text, or one of the provider's templates.", &["to"], json!({
            "to": text("A phone number.", 32, "+8613800138000"),
            "text": {"type": "string", "maxLength": 1000, "description": "The text to send."},
            "template": {"type": "string", "maxLength": 200, "description": "The code of a template."},
            "params": {
                "description": "Values for the template's placeholders: an object or a list, as the provider requires."}})), &[]),
        "ChainLink": without_null(object("A task to start.", &["task"], json!({
            "on": {"type": "string", "enum": ["success", "failure", "always"],
                "description": "The outcome of the run that starts it, by default `success`; `failure` is failed, timed out or interrupted, without a further retry."},
            "task": text("The id of the task to start.", 64, "send-report"),
            "params": optional("Params", "Parameters that override that task's; their templates see this run as `previous`.")})), &[]),
        "TaskDocument": without_null(object("All tasks, as one document.", &["tasks"], json!({
            "version": {"type": "integer", "nullable": true, "minimum": 1, "maximum": 1,
                "description": "The version of the document format."},
            "tasks": {"type": "array", "items": reference("TaskInput"), "description": "The tasks, by id."},
            "secrets": {"type": "array", "nullable": true, "items": {"type": "string"},
                "description": "The names of the existing secrets, never their values."},
            "calendars": {"type": "array", "maxItems": 100, "items": reference("CalendarInput"),
                "description": "The calendars of this server, without the built-in ones."},
            "notify_rules": {"type": "array", "maxItems": 200, "items": reference("NotifyRuleInput"),
                "description": "Notification rules; an import replaces those of the same name."},
            "heartbeats": {"type": "array", "maxItems": 1000, "items": reference("HeartbeatInput"),
                "description": "Heartbeats, without their addresses; an import creates those that do not exist, each with a new address, and \
                    changes the others, which keep theirs."},
            "hooks": {"type": "array", "items": {"type": "object", "required": ["task"], "additionalProperties": false, "properties": {
                "task": {"type": "string", "maxLength": 64, "description": "The task's id."},
                "name": {"type": "string", "maxLength": 100, "description": "The hook's name."},
                "hmac": {"type": "string", "enum": ["none", "standard_webhooks", "github"], "description": "How its calls are signed."}}},
                "description": "The hooks of the tasks, without their addresses. An import creates none; it reports those that do not exist."},
            "states": {"type": "object", "nullable": true, "additionalProperties": {"type": "object"},
                "description": "What tasks keep from one run to the next, by task id. An import sets only the states of tasks that have none."}})), &[]),
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
        "BulkRequest": without_null(object("An action on many tasks: those in `ids`, or those that match `filter`.", &["action"], json!({
            "action": {"type": "string", "enum": ["run", "pause", "resume", "delete"], "description": "The action."},
            "ids": {"type": "array", "nullable": true, "maxItems": 10_000, "items": {"type": "string"},
                "description": "The ids of the tasks."},
            "filter": optional("TaskFilter", "The filter of the tasks; `{}` matches all."),
            "until": text("For `pause`: when the tasks resume by themselves, in each task's zone.", 64, "2026-12-01 08:00"),
            "reason": text("For `pause`: why the tasks are paused.", 500, "maintenance of the database")})), &[]),
        "TaskFilter": without_null(object("A filter of tasks.", &[], json!({
            "search": text("Part of the id, name, description or a tag, ignoring case.", 200, "report"),
            "type": text("Only tasks of this type.", 64, "echo"), "status": status, "tag": text("Only tasks with this tag.", 64, "report"),
            "enabled": {"type": "boolean", "nullable": true, "description": "Only enabled, or only paused tasks."}})), &[]),
        "PreviewRequest": without_null(object("A schedule to preview: `trigger` or `triggers`, and calendars.", &[], json!({
            "trigger": reference("Trigger"), "triggers": triggers_of_task(), "calendar": calendar_names(),
            "calendar_rule": optional("CalendarRule", "On which days of the calendars it runs, by default `only`."),
            "on_closed": optional("OnClosed", "What becomes of an occurrence while a calendar is closed or a freeze lasts, by default `skip`."),
            "nth_working_day": nth_working_day(),
            "after": time("Only fire times after this time; by default now.", "2026-11-21T00:00:00Z"),
            "count": {"type": "integer", "nullable": true, "minimum": 1, "maximum": 1000, "default": 5,
                "description": "The number of fire times."}})), &[]),
    })
}
