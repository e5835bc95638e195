//! The kinds of fields, chosen by the schema of a property and by its present value.

use serde::Serialize;
use serde_json::Value;

use crate::domain::text_enum::text_enum;

/// Texts that may be this long get several lines.
const LONG_TEXT: u64 = 100_000;
const SCALARS: [&str; 4] = ["string", "number", "integer", "boolean"];

text_enum! {
    /// What kind of control a parameter has. A schema may name it as `x-field`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum FieldKind {
        Text = "text",
        /// A text of several lines.
        Lines = "lines",
        Number = "number",
        Switch = "switch",
        Choice = "choice",
        /// A list of texts and numbers, one a line.
        List = "list",
        /// Names with values.
        Pairs = "pairs",
        /// Anything else, as JSON.
        Json = "json",
        /// A text that is not shown in full to onlookers, or a reference to a secret.
        Secret = "secret",
        /// The name of a datasource.
        Datasource = "datasource",
        /// The name of an HTTP profile.
        Http = "http",
        /// The name of a mail server.
        Smtp = "smtp",
        /// The name of an SMS provider.
        Sms = "sms",
    }
}

impl FieldKind {
    /// The kind of a property's field; [`FieldKind::Json`] if the schema's kind cannot show the value.
    pub fn of(property: &Value, value: Option<&Value>) -> FieldKind {
        let kind = FieldKind::by_schema(property);
        match value {
            Some(Value::String(text)) if kind == FieldKind::Text && text.contains('\n') => FieldKind::Lines,
            Some(value) if !kind.shows(value) => FieldKind::Json,
            _ => kind,
        }
    }

    fn by_schema(property: &Value) -> FieldKind {
        if let Some(kind) = property.get("x-field").and_then(Value::as_str).and_then(FieldKind::parse) {
            return kind;
        }
        if !choices(property).is_empty() {
            return FieldKind::Choice;
        }
        let Some(types) = types(property) else { return FieldKind::Json };
        let only = |names: &[&str]| types.iter().all(|name| names.contains(name));
        let is_list = lists(property).is_some_and(|items| self::types(items).is_some_and(|types| is_scalar(&types)));
        let is_secret = property.get("writeOnly") == Some(&Value::Bool(true));
        if only(&["boolean"]) {
            FieldKind::Switch
        } else if only(&["integer", "number"]) {
            FieldKind::Number
        } else if only(&["string"]) && is_secret {
            FieldKind::Secret
        } else if only(&["string"]) || (only(&["string", "array"]) && takes_long_text(property)) {
            text_kind(property)
        } else if only(&["string", "array"]) && is_list {
            FieldKind::List
        } else if only(&["object"]) && member_types(property).is_some() {
            FieldKind::Pairs
        } else {
            FieldKind::Json
        }
    }

    /// Whether the field shows a value so that it can be read back.
    fn shows(self, value: &Value) -> bool {
        let is_line = |value: &Value| is_plain(value) && !value.as_str().is_some_and(|text| text.contains(['\n', '\r']));
        let is_item = |value: &Value| is_line(value) && !plain(value).is_empty() && plain(value).trim() == plain(value);
        match (self, value) {
            (FieldKind::Json, _)
            | (FieldKind::Lines | FieldKind::List, Value::String(_))
            | (FieldKind::Switch, Value::Bool(_)) => true,
            (FieldKind::List, Value::Array(list)) => list.iter().all(is_item),
            (FieldKind::Pairs, Value::Object(map)) => {
                map.iter().all(|(name, value)| name.trim() == name && !name.is_empty() && is_line(value))
            }
            (FieldKind::Choice | FieldKind::Number, value) => is_line(value) && !value.is_boolean(),
            (FieldKind::Lines | FieldKind::List | FieldKind::Pairs | FieldKind::Switch, _) => false,
            (_, value) => value.is_string() && is_line(value),
        }
    }
}

/// Whether the property is an object whose own properties get fields.
pub fn is_group(property: &Value) -> bool {
    property.get("type").and_then(Value::as_str) == Some("object") && property.get("properties").is_some_and(Value::is_object)
}

/// The values of an `enum`; none if they are not all plain.
pub fn choices(property: &Value) -> &[Value] {
    let list = property.get("enum").and_then(Value::as_array).filter(|list| list.iter().all(is_plain));
    list.map(Vec::as_slice).unwrap_or_default()
}

/// A plain value as text; anything else as JSON.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether the schema takes a text.
pub fn takes_text(property: &Value) -> bool {
    types(property).is_some_and(|types| types.contains(&"string"))
}

/// A line of a list as an item that the schema takes.
pub fn item(property: &Value, line: &str) -> Value {
    typed(lists(property).and_then(types), line)
}

/// The text of a key-value row as a value that the schema takes.
pub fn member(property: &Value, text: &str) -> Value {
    typed(member_types(property), text)
}

/// A number with its digits; the text itself, which the schema then refuses, if it is none.
pub fn number_or_text(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| text.into())
}

/// Reads a text by the types that a schema takes: numbers where it takes them besides or instead of texts.
fn typed(types: Option<Vec<&str>>, text: &str) -> Value {
    let types = types.unwrap_or_default();
    let takes = |name: &str| types.contains(&name);
    match text {
        "true" | "false" if takes("boolean") && !takes("string") => (text == "true").into(),
        _ if takes("integer") || (takes("number") && !takes("string")) => number_or_text(text),
        _ => text.into(),
    }
}

fn text_kind(property: &Value) -> FieldKind {
    if takes_long_text(property) { FieldKind::Lines } else { FieldKind::Text }
}

fn takes_long_text(property: &Value) -> bool {
    let is_long = |schema: &Value| {
        schema.get("type").and_then(Value::as_str) == Some("string")
            && schema.get("maxLength").and_then(Value::as_u64).is_some_and(|max| max >= LONG_TEXT)
    };
    alternatives(property).iter().any(is_long)
}

/// The schema of a list's items.
fn lists(property: &Value) -> Option<&Value> {
    alternatives(property).iter().find_map(|schema| schema.get("items"))
}

/// The types of an object's values, if its keys are free and a value can be plain.
fn member_types(property: &Value) -> Option<Vec<&str>> {
    if property.get("properties").is_some() {
        return None;
    }
    let types = types(property.get("additionalProperties")?)?;
    types.iter().any(|name| SCALARS.contains(name)).then_some(types)
}

fn is_scalar(types: &[&str]) -> bool {
    types.iter().all(|name| SCALARS.contains(name))
}

fn is_plain(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

/// The schema itself if it names a type, else its alternatives.
fn alternatives(schema: &Value) -> &[Value] {
    if schema.get("type").is_some() {
        return std::slice::from_ref(schema);
    }
    let ways = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    ways.map(Vec::as_slice).unwrap_or_default()
}

/// The types that a schema takes; `None` if it does not say.
fn types(schema: &Value) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    for way in alternatives(schema) {
        match way.get("type") {
            Some(Value::String(name)) => found.push(name.as_str()),
            Some(Value::Array(names)) => found.extend(names.iter().filter_map(Value::as_str)),
            _ => found.extend(types(way)?),
        }
    }
    if !choices(schema).is_empty() && found.is_empty() {
        found.push("string");
    }
    (!found.is_empty()).then_some(found)
}
