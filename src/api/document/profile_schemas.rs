//! Schemas of the bodies that create and replace profiles, from the settings of the settings file.

use serde_json::{Map, Value, json};

use crate::domain::profile::ProfileKind;
use crate::service::{FieldType, ProfileField, profile_choices, profile_fields};

/// All of them, by name.
pub fn hand_written() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (kind, schema, what) in [
        (ProfileKind::Smtp, "MailServer", "mail server"),
        (ProfileKind::Sms, "SmsProvider", "SMS provider"),
        (ProfileKind::Datasource, "Datasource", "datasource"),
        (ProfileKind::Http, "HttpProfile", "HTTP profile"),
    ] {
        let mut properties: Map<String, Value> =
            profile_fields(kind).iter().map(|field| (field.key.to_owned(), property(kind, field))).collect();
        let change = json!({"type": "object", "description": format!("The settings of the {what}."), "properties": properties,
            "additionalProperties": false});
        properties.insert(
            "name".to_owned(),
            json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9_-]{1,64}$",
                "description": "The name that tasks use.", "example": "office"}),
        );
        let new = json!({"type": "object", "description": format!("A new {what}."), "required": ["name"], "properties": properties,
            "additionalProperties": false});
        schemas.insert(format!("{schema}Input"), new);
        schemas.insert(format!("{schema}Change"), change);
    }
    schemas.insert(
        "HttpTestInput".to_owned(),
        json!({"type": "object", "description": "Where a test request goes.", "additionalProperties": false, "properties": {
            "url": {"type": "string", "maxLength": 2000, "default": "", "example": "health",
                "description": "A URL or a path below the base URL of the profile; by default the base URL itself."}}}),
    );
    schemas
}

fn property(kind: ProfileKind, field: &ProfileField) -> Value {
    let mut schema = match field.value_type {
        FieldType::Integer => json!({"type": "integer"}),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Choice => json!({"type": "string", "enum": profile_choices(kind, field.key)}),
        _ => json!({"type": "string", "maxLength": 16384}),
    };
    schema["description"] = field.help.into();
    if field.secret {
        let kept = "It is never returned; left out, the former one stays; an empty text removes it.";
        schema["description"] = format!("{} {kept}", field.help).into();
        schema["format"] = "password".into();
    }
    if let Ok(default) = serde_json::from_str::<Value>(field.default) {
        schema["default"] = default;
    }
    schema
}
