//! Generated parts of docs/task-types.md: a table of parameters per built-in task type, from the types' schemas.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use belfry::clock::SystemClock;
use belfry::tasks::Toolbox;
use belfry::tasks::registry::{Entry, Registry};
use serde_json::{Map, Value, json};

use crate::support::TestDatabase;

const FILE: &str = "docs/task-types.md";
const COMMAND: &str = "BELFRY_WRITE_DOCS=1 cargo test --test task_types docs";

async fn builtin_types() -> Registry {
    let db = TestDatabase::sqlite().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    Registry::builtin(&Toolbox::plain(db.database.clone(), Arc::new(SystemClock), folder.path()))
}

#[tokio::test]
async fn all_types_but_mail_and_sms_are_tried_again_after_an_interruption() {
    let types = builtin_types().await.all();
    let not_again = types.iter().filter(|entry| !entry.spec.default_policy.retry.on_interruption);
    let names: BTreeSet<&str> = not_again.map(|entry| entry.spec.name.as_ref()).collect();
    assert_eq!(names, BTreeSet::from(["send_email", "send_sms"]));
}

#[tokio::test]
async fn parameter_tables_are_current() {
    let registry = builtin_types().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let current = std::fs::read_to_string(&path).expect("reads the document");
    let expected = registry.all().iter().fold(current.clone(), |text, entry| with_table(&text, entry));
    if std::env::var_os("BELFRY_WRITE_DOCS").is_some() {
        return std::fs::write(&path, expected).expect("writes the document");
    }
    assert!(current == expected, "{FILE} is out of date; run {COMMAND}");
}

#[test]
fn parameter_table_shows_nested_properties() {
    let schema = json!({"required": ["to"], "properties": {
        "to": {"type": "object", "description": "The <target>.", "required": ["id"], "properties": {
            "id": {"type": "integer", "minimum": 1, "maximum": 9, "description": "a | b"}}},
        "mode": {"enum": ["x", "y"], "default": "x", "description": "The mode."},
        "list": {"type": "array", "items": {"type": "string"}, "description": "A*."},
    }});
    let expected = "| parameter | type | required | default | meaning |\n| --- | --- | --- | --- | --- |\n\
        | `to` | object | yes | | The \\<target>. |\n\
        | `to.id` | integer, 1 to 9 | yes | | a \\| b |\n\
        | `mode` | `\"x\"` or `\"y\"` | | `\"x\"` | The mode. |\n\
        | `list` | array of string | | | A\\*. |\n";
    assert_eq!(parameter_table(&schema), expected);
}

/// The document with the table of a type between its marks replaced.
fn with_table(text: &str, entry: &Entry) -> String {
    let name = &entry.spec.name;
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- end -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{FILE} has no line {begin}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{FILE} has no line {end} after {begin}"));
    format!("{before}{begin}\n{}\n{end}{after}", parameter_table(&entry.spec.params_schema))
}

/// The parameters of a schema as a Markdown table.
fn parameter_table(schema: &Value) -> String {
    let mut table = "| parameter | type | required | default | meaning |\n| --- | --- | --- | --- | --- |\n".to_owned();
    add_rows(&mut table, "", schema);
    table
}

/// Adds a row for each property of an object, followed by the rows of nested properties. Only one level of nesting is shown.
fn add_rows(table: &mut String, prefix: &str, schema: &Value) {
    let none = Map::new();
    let required: BTreeSet<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().unwrap_or(&none) {
        let needed = if required.contains(name.as_str()) { " yes " } else { " " };
        let default = property.get("default").map_or_else(|| " ".to_owned(), |value| format!(" `{value}` "));
        let meaning = escaped(property["description"].as_str().unwrap_or_default());
        table.push_str(&format!("| `{prefix}{name}` | {} |{needed}|{default}| {meaning} |\n", type_of(property)));
        if prefix.is_empty() {
            nested_objects(property).for_each(|(suffix, nested)| add_rows(table, &format!("{name}{suffix}."), nested));
        }
    }
}

/// The objects with properties in a property: itself, its items, its alternatives.
fn nested_objects(property: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let alternatives = property["anyOf"].as_array().into_iter().flatten().map(|inner| ("", inner));
    let items = property.get("items").map(|inner| ("[]", inner));
    [("", property)].into_iter().chain(items).chain(alternatives).filter(|(_, inner)| inner["properties"].is_object())
}

/// The type of a property: JSON Schema's name with the range of numbers, the values of an enumeration, or alternatives.
fn type_of(property: &Value) -> String {
    let joined = |list: Vec<String>| list.join(" or ");
    if let Some(values) = property["enum"].as_array() {
        return joined(values.iter().map(|value| format!("`{value}`")).collect());
    }
    if let Some(alternatives) = property["anyOf"].as_array() {
        return joined(alternatives.iter().map(type_of).collect());
    }
    match &property["type"] {
        Value::String(name) if name == "array" => match property.get("items").map(type_of) {
            Some(items) if items.contains(" or ") => format!("array of ({items})"),
            Some(items) => format!("array of {items}"),
            None => "array".to_owned(),
        },
        Value::String(name) => format!("{name}{}", range(property)),
        Value::Array(names) => joined(names.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => "any".to_owned(),
    }
}

/// The range of a number, with a comma before it; empty without bounds.
fn range(property: &Value) -> String {
    let bound = |name: &str| property.get(name).map(Value::to_string);
    let lower = bound("minimum").map(|min| (format!("{min} to"), format!("at least {min}")));
    let lower = lower.or_else(|| bound("exclusiveMinimum").map(|min| (format!("above {min}, up to"), format!("above {min}"))));
    let upper = bound("maximum");
    match (lower, upper) {
        (Some((lower, _)), Some(upper)) => format!(", {lower} {upper}"),
        (Some((_, lower)), None) => format!(", {lower}"),
        (None, Some(upper)) => format!(", up to {upper}"),
        (None, None) => String::new(),
    }
}

/// Text with the characters escaped that Markdown would interpret in a table.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "|<*\\`".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
