//! Hand-written schemas of calendars, heartbeats, hooks, pauses and backfills.

use serde_json::{Map, Value, json};

use super::schema_parts::{bounded, object, text, without_null};

/// All of them, by name.
pub fn hand_written() -> Map<String, Value> {
    let groups = [pauses_and_backfills(), calendars(), inputs_hooks_heartbeats()];
    groups.into_iter().filter_map(|group| if let Value::Object(group) = group { Some(group) } else { None }).flatten().collect()
}

/// What starts runs, and what tells of runs elsewhere.
fn inputs_hooks_heartbeats() -> Value {
    json!({
        "InputField": without_null(object("A value that a run asks for.", &["name"], json!({
            "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 40, "description": "The name in templates.",
                "example": "city"},
            "title": text("The label in forms; by default the name.", 200, "City"),
            "type": {"type": "string", "enum": ["text", "number", "choice", "date", "boolean", "secret"],
                "description": "The kind of value, by default `text`. A `date` is `YYYY-MM-DD`; a `secret` is encrypted and never shown."},
            "choices": {"type": "array", "nullable": true, "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": "The values of a `choice`.", "example": []},
            "default": {"description": "The value of runs for which none is given: a text, a number, or true or false, as the type says. \
                Not for a `secret`.", "example": "Shanghai"},
            "required": {"type": "boolean", "nullable": true, "default": false, "description": "Whether a run needs a value."}})), &[]),
        "HeartbeatInput": without_null(object("The writable fields of a heartbeat, with `cron` or `period_seconds`.", &["id"], json!({
            "id": {"type": "string", "minLength": 1, "maxLength": 64, "example": "nightly-backup",
                "description": "Letters of any script, digits, `.`, `_` and `-`, beginning with a letter or a digit. Cannot be changed."},
            "name": text("The display name; by default the id.", 200, "Nightly backup"),
            "tags": {"type": "array", "nullable": true, "maxItems": 32, "items": {"type": "string", "minLength": 1, "maxLength": 64},
                "description": "Tags, for rules of notifications and the scope of accounts.", "example": ["backup"]},
            "cron": text("A ping is expected at the times of this cron expression.", 4096, "0 3 * * *"),
            "period_seconds": bounded("A ping is expected this long after the one before. In seconds.", 10, 31_622_400),
            "timezone": text("The IANA time zone of the cron expression; by default the server's.", 64, "Asia/Shanghai"),
            "grace_seconds": {"type": "integer", "nullable": true, "minimum": 0, "maximum": 31_622_400, "default": 300,
                "description": "How late a ping may come before it counts as missed. In seconds."},
            "enabled": {"type": "boolean", "nullable": true, "default": true, "description": "Whether pings are expected."}})), &[]),
        "HookInput": without_null(object("A new hook.", &[], json!({
            "name": text("The name, for lists and logs.", 100, "deploy"),
            "hmac": {"type": "string", "enum": ["none", "standard_webhooks", "github"],
                "description": "How calls are signed, by default `none`. `standard_webhooks`: Standard Webhooks 1.0, at most 5 minutes old; \
                    `github`: `X-Hub-Signature-256`."},
            "secret": {"type": "string", "format": "password", "minLength": 16, "maxLength": 400,
                "description": "The key of the signatures, for `standard_webhooks` in base64, with or without `whsec_`. By default the \
                    server makes one."}})), &[])
    })
}

fn pauses_and_backfills() -> Value {
    json!({
        "BackfillRequest": without_null(object("The occurrences to run: by a span, or one by one.", &[], json!({
            "from": text("The start of the span, inclusive: RFC 3339, or a date with or without a time in the task's zone. Required without `times`.", 64, "2026-11-01"),
            "to": text("The end of the span, exclusive, in the same forms; what lies ahead is left out. Required without `times`.", 64, "2026-11-08"),
            "times": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "string", "maxLength": 64},
                "description": "Scheduled times that are chosen one by one, as `GET /tasks/{id}/occurrences` lists them, instead of `only`. Each \
                    must be an occurrence of the task, in the span if one is given, and neither queued nor running.",
                "example": ["2026-11-02T08:00:00.000+08:00"]},
            "only": {"type": "string", "enum": ["missing", "failed", "all"], "default": "missing",
                "description": "`missing`: those without a run, because they were missed, skipped or paused, or lie before the task \
                existed; `failed`: those whose newest run failed; `all`: also those that succeeded."},
            "concurrency": bounded("How many of them run at once, within the task's own limit; by default 1.", 1, 100)})), &[]),
        "PauseRequest": without_null(object("The end of a pause and its reason.", &[], json!({
            "until": text("When the task resumes by itself: RFC 3339, or a date with or without a time in the task's zone; at most ten \
                years ahead. Left out: when somebody resumes it.", 64, "2026-12-01 08:00"),
            "reason": text("Why the task is paused.", 500, "maintenance of the database")})), &[])
    })
}

fn calendars() -> Value {
    json!({
        "CalendarInput": calendar_input(),
        "CalendarDays": calendar_days(),
        "FreezeInput": object("A freeze to begin.", &["until", "reason"], json!({
            "tag": {"type": "string", "maxLength": 64, "description": "The tag whose tasks are frozen; by default all tasks.",
                "example": "billing"},
            "from": {"type": "string", "description": "Its begin, RFC 3339 or a date with or without a time in the server's zone; by \
                default now.", "example": "2026-12-30 22:00"},
            "until": {"type": "string", "description": "Its end, in the same forms; at most 400 days later.",
                "example": "2027-01-02 08:00"},
            "reason": {"type": "string", "minLength": 1, "maxLength": 500, "description": "Why; shown on every page and in the \
                records of skipped runs.", "example": "Year-end closing"}})),
    })
}

fn calendar_input() -> Value {
    let working = json!({"type": "boolean", "default": false, "description": "Whether it is a working day."});
    let name = json!({"type": "string", "maxLength": 100, "default": "", "description": "Its name; the id of a holiday of China, such \
        as `spring_festival`, is shown in the reader's language."});
    let day = json!({"type": "string", "format": "date"});
    let date =
        object("A date or a range of dates.", &["date"], json!({"date": day, "until": day, "working": working, "name": name}));
    let month_day = json!({"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$", "example": "12-25"});
    let yearly = object("A date of each year.", &["date"], json!({"date": month_day, "working": working, "name": name}));
    let window = json!({"type": "string", "minLength": 1, "maxLength": 60, "example": "Sat 22:00-Sun 02:00",
        "description": "`Sat 22:00-Sun 02:00`, `Mon-Fri 12:00-13:00`, `22:00-02:00` (every day), or a span of dates, \
            `2026-12-30 22:00 - 2027-01-02 08:00`."});
    let closure = object("A closure with times.", &["window"], json!({"window": window, "name": name}));
    let weekdays = json!({"type": "array", "nullable": true, "maxItems": 7, "description": "The working days of the week; null: those \
        of the base.", "items": {"type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}});
    object(
        "The definition of a calendar.",
        &["name"],
        json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 64, "description": "As the id of a task.", "example": "release"},
        "title": {"type": "string", "maxLength": 200, "default": ""},
        "color": {"type": "string", "maxLength": 7, "default": "", "description": "`#rrggbb`, or empty."},
        "timezone": {"type": "string", "nullable": true, "description": "The time zone of its days and closures; null: that of the task.",
            "example": "Asia/Shanghai"},
        "base": {"type": "string", "minLength": 1, "maxLength": 64, "default": "weekdays",
            "description": "The calendar that it is built on: `cn`, `weekdays`, `every_day`, or another one."},
        "weekdays": weekdays,
        "years": {"type": "array", "maxItems": 366, "items": {"type": "integer", "format": "int32", "minimum": 1970, "maximum": 9999},
            "description": "The years that `dates` state in full: dates of the base do not count in them."},
        "dates": {"type": "array", "maxItems": 10_000, "items": date, "description": "At most 10,000 days, those of ranges counted."},
        "yearly": {"type": "array", "maxItems": 366, "items": yearly},
        "closures": {"type": "array", "maxItems": 366, "items": closure}}),
    )
}

fn calendar_days() -> Value {
    json!({"type": "object", "required": ["years"], "description": "The exceptions of whole years: `off` for free weekdays, `work` for \
        weekend days on which work is made up; a year may also group them by holiday.",
        "properties": {"years": {"type": "object", "maxProperties": 200, "additionalProperties": {"type": "object"}}}})
}
