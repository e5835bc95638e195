//! Parts of hand-written schemas.

use serde_json::{Value, json};

/// An object that allows no other fields.
pub(super) fn object(description: &str, required: &[&str], properties: Value) -> Value {
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

/// An object whose fields are not null, but for those named.
pub(super) fn without_null(mut schema: Value, nullable: &[&str]) -> Value {
    for (name, property) in schema["properties"].as_object_mut().into_iter().flatten() {
        if let Some(property) = property.as_object_mut().filter(|_| !nullable.contains(&name.as_str())) {
            property.shift_remove("nullable");
        }
    }
    schema
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

pub(super) fn optional(name: &str, description: &str) -> Value {
    json!({"allOf": [reference(name)], "nullable": true, "description": description})
}

pub(super) fn kind(name: &str) -> Value {
    json!({"type": "string", "enum": [name], "description": "The kind of trigger."})
}

pub(super) fn field(description: &str, example: impl Into<Value>) -> Value {
    json!({"allOf": [reference("CronField")], "description": description, "example": example.into()})
}

pub(super) fn text(description: &str, max: u32, example: &str) -> Value {
    json!({"type": "string", "nullable": true, "maxLength": max, "description": description, "example": example})
}

pub(super) fn integer(description: &str, example: u32, max: u64) -> Value {
    json!({"type": "integer", "format": "int64", "nullable": true, "minimum": 0, "maximum": max, "description": description,
        "example": example})
}

pub(super) fn bounded(description: &str, min: i64, max: i64) -> Value {
    json!({"type": "integer", "nullable": true, "minimum": min, "maximum": max, "description": description})
}

pub(super) fn alert_seconds(description: &str) -> Value {
    json!({"type": "number", "nullable": true, "minimum": 1, "maximum": 31_622_400, "description": format!("{description} In seconds.")})
}

pub(super) fn seconds(description: &str, max: u32) -> Value {
    json!({"type": "number", "nullable": true, "minimum": 0, "maximum": max, "description": format!("{description} In seconds.")})
}

pub(super) fn time(description: &str, example: &str) -> Value {
    json!({"type": "string", "nullable": true, "example": example, "description": format!(
        "{description} `YYYY-MM-DD`, `YYYY-MM-DD HH:MM[:SS[.fff]]` in the trigger's zone, or RFC 3339.")})
}

pub(super) fn start() -> Value {
    time("Not before this time.", "2026-12-01")
}

pub(super) fn end_date() -> Value {
    time("Not after this time.", "2027-12-01")
}

pub(super) fn zone() -> Value {
    json!({"type": "string", "nullable": true, "description": "An IANA time zone; by default the server's.", "example": "Asia/Shanghai"})
}

pub(super) fn jitter() -> Value {
    integer("Each fire time is delayed by a fixed random number of seconds up to this.", 30, 1_000_000_000)
}

pub(super) fn tag_list(what: &str) -> Value {
    json!({"type": "array", "nullable": true, "maxItems": 32,
        "items": {"type": "string", "minLength": 1, "maxLength": 64}, "description": what, "example": []})
}
