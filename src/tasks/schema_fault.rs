//! Conversion of JSON Schema violations into [`Fault`]s, with the pointer of the invalid member, the wording of other input
//! errors and a bounded length.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::{display_value, truncate};

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
            None => vec![Fault::new(&pointer, no_alternative(&pointer, context, error))],
        },
        kind => vec![Fault::new(&pointer, format!("{}: {}", member_name(&pointer), message(kind, error)))],
    }
}

fn missing(pointer: &str, property: &Value) -> Fault {
    let name = property.as_str().unwrap_or_default();
    Fault::new(format!("{pointer}/{}", pointer_step(name)), format!("{name}: is required"))
}

fn unknown(pointer: &str, name: &str, known: &[String]) -> Fault {
    let shown = truncate(name, 40);
    let message = match known {
        [] => format!("{shown}: unknown property"),
        _ => format!("{shown}: unknown property; known are {}", known.join(", ")),
    };
    Fault::new(format!("{pointer}/{}", pointer_step(name)), message)
}

fn message(kind: &Kind, error: &ValidationError<'_>) -> String {
    let value = display_value(error.instance());
    match kind {
        Kind::Type { kind } => format!("must be {}, not {value}", expected(kind).join(" or ")),
        Kind::Enum { options } => format!("{value} is not one of {}", options_text(options)),
        Kind::Constant { expected_value } => format!("must be {}, not {value}", display_value(expected_value)),
        Kind::Minimum { limit } => format!("{value} is less than {limit}"),
        Kind::Maximum { limit } => format!("{value} is more than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}, not {value}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}, not {value}"),
        Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::UniqueItems => "must not contain duplicates".to_owned(),
        Kind::Pattern { pattern } => format!("{value} does not match {}", truncate(pattern, 60)),
        _ => truncate(&error.to_string(), MESSAGE_MAX),
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

fn no_alternative(pointer: &str, context: &[Vec<ValidationError<'static>>], error: &ValidationError<'_>) -> String {
    let mut types = Vec::new();
    for inner in context.iter().flatten().filter(|inner| is_wrong_type(inner, error)) {
        let names = match inner.kind() {
            Kind::Type { kind } => expected(kind),
            Kind::Constant { expected_value } => vec![display_value(expected_value)],
            Kind::Enum { options } => vec![options_text(options)],
            _ => Vec::new(),
        };
        names.into_iter().for_each(|name| {
            if !types.contains(&name) {
                types.push(name)
            }
        });
    }
    let value = display_value(error.instance());
    match types.as_slice() {
        [] => format!("{}: {value} is not allowed here", member_name(pointer)),
        types => format!("{}: must be {}, not {value}", member_name(pointer), types.join(" or ")),
    }
}

/// The names of the expected types.
fn expected(kind: &TypeKind) -> Vec<String> {
    let names = |name: &str| {
        let name = match name {
            "string" => "a text",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "an object",
            other => other,
        };
        name.to_owned()
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
        all.map(|fault| (fault.pointer, fault.message)).collect()
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
