//! Hand-written schemas of notification rules and mutes.

use serde_json::{Map, Value, json};

use super::schema_parts::object;
use crate::domain::notify::event::NotifyEvent;

/// All of them, by name.
pub fn hand_written() -> Map<String, Value> {
    Map::from_iter([("NotifyRuleInput".to_owned(), rule_input()), ("MuteInput".to_owned(), mute_input())])
}

fn mute_input() -> Value {
    let mut schema = object(
        "Until when a task is muted.",
        &[],
        json!({
        "until": {"type": "string", "nullable": true, "example": "2026-12-01 08:00", "description": "RFC 3339, or a date with or without a \
            time in the server's zone, at most a year ahead. Null, or a time that has passed: the mute ends."}}),
    );
    schema["required"] = json!(["until"]); // although it may be null
    schema
}

fn rule_input() -> Value {
    let events: Vec<&str> = NotifyEvent::of_rules().map(NotifyEvent::as_str).collect();
    object(
        "A notification rule.",
        &["tasks", "channels"],
        json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 64, "description": "The name, with the characters of a task's id. It cannot \
            change; by default that of the path.", "example": "night-shift"},
        "tasks": tasks(),
        "events": {"type": "array", "maxItems": 20, "items": {"type": "string", "enum": events}, "example": ["failed", "recovered"],
            "description": "What is told; at least one, unless there is a digest."},
        "after_failures": {"type": "integer", "minimum": 1, "maximum": 40, "default": 1,
            "description": "From which failure in a row on a failure is told."},
        "channels": {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": "The names of channels.", "example": ["ops"]},
        "remind_every_seconds": {"type": "number", "nullable": true, "minimum": 60, "maximum": 2_592_000,
            "description": "How often an open incident that nobody has acknowledged is told again. Null: never."},
        "quiet_hours": nullable(quiet_hours(), "When only urgent messages are sent. Null: never."),
        "urgent": {"type": "boolean", "default": false, "description": "Whether its messages are sent in quiet hours too."},
        "enabled": {"type": "boolean", "default": true, "description": "Whether it tells of anything."},
        "language": {"type": "string", "enum": ["en", "zh-CN"], "default": "en", "description": "The language of its messages."},
        "digest": nullable(digest(), "When a summary of the tasks is sent. Null: never."),
        "title_template": {"type": "string", "maxLength": 500, "example": "{{ subject }}: {{ event }}",
            "description": "A template of the title of messages, instead of that of the channel or the built-in text."},
        "body_template": {"type": "string", "maxLength": 8000, "example": "{{ error }}",
            "description": "A template of the text below the title."}}),
    )
}

fn tasks() -> Value {
    let names = |what: &str, example: &str| {
        json!({"type": "array", "maxItems": 500, "items": {"type": "string", "minLength": 1, "maxLength": 64},
            "description": what, "example": [example]})
    };
    object(
        "The tasks of a rule: those that one of the lists names, or all.",
        &[],
        json!({
        "all": {"type": "boolean", "description": "All tasks, and what belongs to no task, such as channels and the database."},
        "ids": names("Single tasks.", "daily-report"), "tags": names("The tasks with one of these tags.", "report"),
        "types": names("The tasks of these types.", "send_sql")}),
    )
}

fn quiet_hours() -> Value {
    object(
        "A time of the day in which only urgent messages are sent; the others are sent at its end.",
        &["from", "to"],
        json!({"from": time("The begin.", "22:00"), "to": time("The end, exclusive; it may be on the next day.", "07:00"), "timezone": zone()}),
    )
}

fn digest() -> Value {
    object(
        "A summary of the tasks: runs, failures, what is slow, what changed, what is due.",
        &[],
        json!({
        "every": {"type": "string", "enum": ["day", "week"], "default": "day", "description": "How often."},
        "weekday": {"type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "description": "Of a weekly digest; by default `mon`."},
        "at": time("By default 08:00.", "08:00"), "timezone": zone()}),
    )
}

fn time(what: &str, example: &str) -> Value {
    json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "description": what, "example": example})
}

fn zone() -> Value {
    json!({"type": "string", "maxLength": 64, "description": "By default the server's time zone.", "example": "Asia/Shanghai"})
}

fn nullable(mut schema: Value, what: &str) -> Value {
    schema["nullable"] = json!(true);
    schema["description"] = json!(what);
    schema
}
