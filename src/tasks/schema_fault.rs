//! Conversion of JSON Schema violations into [`Fault`]s, with the pointer of the invalid member, the wording of other input
//! errors and a bounded length.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::{display_value, truncate};
use crate::i18n::{Message, message};

/// Maximum length of a message from the schema library, in characters.
const MESSAGE_MAX: usize = 160;

/// The faults of one violation of `schema`; their pointers start with `base`.
pub(super) fn faults(error: &ValidationError<'_>, schema: &Value, base: &str) -> Vec<Fault> {
    let pointer = format!("{base}{}", error.instance_path());
    match error.kind() {
        Kind::Required { property } => vec![missing(&pointer, property)],
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = known_properties(schema, error.schema_path().as_str());
            unexpected.iter().map(|name| unknown(&pointer, name, &known)).collect()
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => match intended_alternative(context, error) {
            Some(violations) => violations.iter().flat_map(|inner| faults(inner, schema, base)).collect(),
            None => vec![Fault::new(&pointer, no_alternative(context, error).of(member_name(&pointer)))],
        },
        kind => vec![Fault::new(&pointer, problem(kind, error).of(member_name(&pointer)))],
    }
}

fn missing(pointer: &str, property: &Value) -> Fault {
    let name = property.as_str().unwrap_or_default();
    Fault::new(format!("{pointer}/{}", pointer_step(name)), message!("value.required").of(name))
}

fn unknown(pointer: &str, name: &str, known: &[String]) -> Fault {
    let message = match known {
        [] => message!("schema.unknown_property"),
        _ => message!("schema.unknown_property_known", known = known.join(", ")),
    };
    Fault::new(format!("{pointer}/{}", pointer_step(name)), message.of(truncate(name, 40)))
}

fn problem(kind: &Kind, error: &ValidationError<'_>) -> Message {
    let value = display_value(error.instance());
    match kind {
        Kind::Type { kind } => wrong_type(expected(kind), value),
        Kind::Enum { options } => message!("value.not_one_of", value, known = options_text(options)),
        Kind::Constant { expected_value } => wrong_type(vec![display_value(expected_value)], value),
        Kind::Minimum { limit } => message!("schema.less", value, limit = limit.to_string()),
        Kind::Maximum { limit } => message!("schema.more", value, limit = limit.to_string()),
        Kind::ExclusiveMinimum { limit } => message!("schema.must_be_more", value, limit = limit.to_string()),
        Kind::ExclusiveMaximum { limit } => message!("schema.must_be_less", value, limit = limit.to_string()),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => message!("value.empty"),
        Kind::MinLength { limit } => message!("schema.min_length", limit = *limit),
        Kind::MaxLength { limit } => message!("schema.max_length", limit = *limit),
        Kind::MinItems { limit } => message!("schema.min_items", limit = *limit),
        Kind::MaxItems { limit } => message!("schema.max_items", limit = *limit),
        Kind::UniqueItems => message!("schema.duplicates"),
        Kind::Pattern { pattern } => message!("schema.pattern", value, pattern = truncate(pattern, 60)),
        _ => message!("schema.other", error = truncate(&error.to_string(), MESSAGE_MAX)),
    }
}

/// `must be a text or a list, not 5`.
fn wrong_type(expected: Vec<Message>, value: Message) -> Message {
    let any = expected.into_iter().reduce(|first, second| message!("schema.or", first, second));
    match any {
        Some(expected) => message!("schema.type", expected, value),
        None => message!("schema.not_allowed", value),
    }
}

/// The violations of the intended alternative: the only one whose type matches the value.
fn intended_alternative<'c>(
    context: &'c [Vec<ValidationError<'static>>],
    error: &ValidationError<'_>,
) -> Option<&'c [ValidationError<'static>]> {
    let mut candidates = context.iter().filter(|violations| !violations.iter().any(|inner| is_wrong_type(inner, error)));
    match (candidates.next(), candidates.next()) {
        (Some(violations), None) if !violations.is_empty() => Some(violations),
        _ => None,
    }
}

/// Whether the alternative rejects the type of the value itself.
fn is_wrong_type(inner: &ValidationError<'_>, outer: &ValidationError<'_>) -> bool {
    inner.instance_path().as_str() == outer.instance_path().as_str()
        && matches!(inner.kind(), Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. })
}

fn no_alternative(context: &[Vec<ValidationError<'static>>], error: &ValidationError<'_>) -> Message {
    let mut types = Vec::new();
    for inner in context.iter().flatten().filter(|inner| is_wrong_type(inner, error)) {
        let names = match inner.kind() {
            Kind::Type { kind } => expected(kind),
            Kind::Constant { expected_value } => vec![display_value(expected_value)],
            Kind::Enum { options } => vec![Message::verbatim(options_text(options))],
            _ => Vec::new(),
        };
        names.into_iter().for_each(|name| {
            if !types.contains(&name) {
                types.push(name)
            }
        });
    }
    wrong_type(types, display_value(error.instance()))
}

/// The names of the expected types.
fn expected(kind: &TypeKind) -> Vec<Message> {
    let names = |name: &str| match name {
        "string" => message!("schema.text"),
        "integer" => message!("schema.integer"),
        "number" => message!("schema.number"),
        "boolean" => message!("schema.boolean"),
        "array" => message!("schema.list"),
        "object" => message!("schema.object"),
        other => Message::verbatim(other),
    };
    match kind {
        TypeKind::Single(single) => vec![names(&single.to_string())],
        TypeKind::Multiple(several) => several.iter().map(|kind| names(&kind.to_string())).collect(),
    }
}

fn options_text(options: &Value) -> String {
    let names = options.as_array().map(|list| list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
    truncate(&names.map(|names| names.collect::<Vec<_>>().join(", ")).unwrap_or_default(), 200)
}

/// The properties that the schema allows in the object at this schema path.
fn known_properties(schema: &Value, schema_path: &str) -> Vec<String> {
    let parent = schema_path.rsplit_once('/').map_or("", |(parent, _keyword)| parent);
    let properties = schema.pointer(parent).and_then(|parent| parent.get("properties")).and_then(Value::as_object);
    properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// The name of a pointer's last member in messages; an index with its parent's name.
fn member_name(pointer: &str) -> String {
    let mut parts = pointer.rsplit('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let last = parts.next().unwrap_or_default();
    let is_index = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    let name = if is_index { format!("{}/{last}", parts.next().unwrap_or_default()) } else { last };
    truncate(&name, 40)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(params: Value) -> Vec<(String, String)> {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["url"], "properties": {
            "url": {"type": "string", "minLength": 1},
            "n": {"type": "integer", "minimum": 1},
            "method": {"enum": ["GET", "POST"]},
            "command": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
        }});
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let all = validator.iter_errors(&params).flat_map(|error| faults(&error, &schema, "/params"));
        all.map(|fault| (fault.pointer, fault.message.to_string())).collect()
    }

    fn one(params: Value) -> (String, String) {
        let mut all = found(params);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn fault(pointer: &str, message: &str) -> (String, String) {
        (pointer.to_owned(), message.to_owned())
    }

    #[test]
    fn faults_name_the_invalid_member() {
        assert_eq!(one(json!({})), fault("/params/url", "url: is required"));
        assert_eq!(one(json!({"url": ""})), fault("/params/url", "url: must not be empty"));
        assert_eq!(one(json!({"url": 5})), fault("/params/url", "url: must be a text, not 5"));
        assert_eq!(one(json!({"url": "u", "n": 0})), fault("/params/n", "n: 0 is less than 1"));
        let method = fault("/params/method", "method: 'PUSH' is not one of GET, POST");
        assert_eq!(one(json!({"url": "u", "method": "PUSH"})), method);
        assert_eq!(one(json!([])), fault("/params", "params: must be an object, not a list"));
    }

    #[test]
    fn each_unknown_property_is_a_separate_fault() {
        let all = found(json!({"url": "u", "a/b": 1, "x".repeat(100): 2}));
        assert_eq!(all.len(), 2);
        assert_eq!(all[0], fault("/params/a~1b", "a/b: unknown property; known are url, n, method, command"));
        assert!(all[1].1.starts_with(&format!("{}…: unknown property", "x".repeat(40))));
    }

    #[test]
    fn any_of_reports_the_intended_alternative() {
        let command = |value: Value| one(json!({"url": "u", "command": value}));
        assert_eq!(command(json!(1)), fault("/params/command", "command: must be a text or a list, not 1"));
        assert_eq!(command(json!([])), fault("/params/command", "command: must not be empty"));
        assert_eq!(command(json!(["a", 1])), fault("/params/command/1", "command/1: must be a text, not 1"));
    }

    #[test]
    fn long_values_are_truncated() {
        let (_, message) = one(json!({"url": "u", "method": "长".repeat(10_000)}));
        assert!(message.chars().count() < 100, "{message}");
    }
}
