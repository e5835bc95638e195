//! Validation by JSON Schema: each violation becomes a [`Fault`] with the pointer of the invalid member, the wording of other
//! input errors and a bounded length.

use std::error::Error;
use std::slice;

use boon::{Compiler, ErrorKind as Kind, SchemaIndex, Schemas, Type, Types, UrlLoader, ValidationError};
use serde_json::Value;

use crate::domain::fault::{Fault, MAX_FAULTS, pointer_step};
use crate::domain::input::{display_value, truncate};
use crate::i18n::{Message, message};

/// Maximum length of a message from the schema library, in characters.
const MESSAGE_MAX: usize = 160;
/// Address of the schema among the library's resources.
const URL: &str = "schema:/params";

/// A compiled JSON Schema (draft 2020-12). Its patterns match in linear time; look-around and back-references are not supported.
pub struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

/// Refuses every reference to another document: compiling a schema reads neither files nor the network.
struct NoDocuments;

impl UrlLoader for NoDocuments {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("{url} is another document").into())
    }
}

impl Validator {
    /// Compiles a schema.
    ///
    /// # Errors
    /// The text of the library if the schema is invalid or refers to another document.
    pub fn new(schema: &Value) -> Result<Validator, String> {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.use_loader(Box::new(NoDocuments));
        compiler.add_resource(URL, schema.clone()).map_err(|error| error.to_string())?;
        let index = compiler.compile(URL, &mut schemas).map_err(|error| format!("{error:#}"))?;
        Ok(Validator { schemas, index })
    }

    /// The faults of a value against `schema`, from which the validator was compiled; their pointers start with `base`.
    pub fn faults(&self, value: &Value, schema: &Value, base: &str) -> Vec<Fault> {
        let checked = Checked { value, schema, base };
        let error = self.schemas.validate(value, self.index).err();
        error.map(|error| checked.all(&error.causes)).unwrap_or_default()
    }
}

/// A value that violates its schema.
struct Checked<'a> {
    value: &'a Value,
    schema: &'a Value,
    base: &'a str,
}

impl Checked<'_> {
    fn all(&self, violations: &[ValidationError<'_, '_>]) -> Vec<Fault> {
        violations.iter().flat_map(|violation| self.faults(violation)).take(MAX_FAULTS).collect()
    }

    fn faults(&self, violation: &ValidationError<'_, '_>) -> Vec<Fault> {
        let pointer = format!("{}{}", self.base, violation.instance_location);
        match &violation.kind {
            Kind::Group | Kind::Reference { .. } | Kind::AllOf => self.all(&violation.causes),
            Kind::Required { want } => want.iter().take(MAX_FAULTS).map(|name| missing(&pointer, name)).collect(),
            Kind::AdditionalProperties { got } => {
                let known = known_properties(self.schema, violation.schema_url);
                got.iter().take(MAX_FAULTS).map(|name| unknown(&pointer, name, &known)).collect()
            }
            Kind::AnyOf | Kind::OneOf(None) => match intended_alternative(violation) {
                Some(intended) => self.all(intended),
                None => vec![Fault::new(&pointer, self.no_alternative(violation).of(member_name(&pointer)))],
            },
            _ => vec![Fault::new(&pointer, self.problem(violation).of(member_name(&pointer)))],
        }
    }

    fn display(&self, violation: &ValidationError<'_, '_>) -> Message {
        display_value(self.value.pointer(&violation.instance_location.to_string()).unwrap_or(&Value::Null))
    }

    fn problem(&self, violation: &ValidationError<'_, '_>) -> Message {
        let value = self.display(violation);
        match &violation.kind {
            Kind::Type { want, .. } => wrong_type(expected(*want), value),
            Kind::Enum { want } => message!("value.not_one_of", value, known = options_text(want)),
            Kind::Const { want } => wrong_type(vec![display_value(want)], value),
            Kind::Minimum { want, .. } => message!("schema.less", value, limit = want.to_string()),
            Kind::Maximum { want, .. } => message!("schema.more", value, limit = want.to_string()),
            Kind::ExclusiveMinimum { want, .. } => message!("schema.must_be_more", value, limit = want.to_string()),
            Kind::ExclusiveMaximum { want, .. } => message!("schema.must_be_less", value, limit = want.to_string()),
            Kind::MinLength { want: 1, .. } | Kind::MinItems { want: 1, .. } | Kind::MinProperties { want: 1, .. } => {
                message!("value.empty")
            }
            Kind::MinLength { want, .. } => message!("schema.min_length", limit = *want),
            Kind::MaxLength { want, .. } => message!("schema.max_length", limit = *want),
            Kind::MinItems { want, .. } => message!("schema.min_items", limit = *want),
            Kind::MaxItems { want, .. } => message!("schema.max_items", limit = *want),
            Kind::UniqueItems { .. } => message!("schema.duplicates"),
            Kind::Pattern { want, .. } => message!("schema.pattern", value, pattern = truncate(want, 60)),
            other => message!("schema.other", error = truncate(&other.to_string(), MESSAGE_MAX)),
        }
    }

    /// The expected types of all alternatives.
    fn no_alternative(&self, violation: &ValidationError<'_, '_>) -> Message {
        let mut types = Vec::new();
        for inner in violation.causes.iter().flat_map(parts).filter(|inner| is_wrong_type(inner, violation)) {
            let names = match &inner.kind {
                Kind::Type { want, .. } => expected(*want),
                Kind::Const { want } => vec![display_value(want)],
                Kind::Enum { want } => vec![Message::verbatim(options_text(want))],
                _ => Vec::new(),
            };
            names.into_iter().for_each(|name| {
                if !types.contains(&name) {
                    types.push(name)
                }
            });
        }
        wrong_type(types, self.display(violation))
    }
}

fn missing(pointer: &str, name: &str) -> Fault {
    Fault::new(format!("{pointer}/{}", pointer_step(name)), message!("value.required").of(name))
}

fn unknown(pointer: &str, name: &str, known: &[String]) -> Fault {
    let message = match known {
        [] => message!("schema.unknown_property"),
        _ => message!("schema.unknown_property_known", known = known.join(", ")),
    };
    Fault::new(format!("{pointer}/{}", pointer_step(name)), message.of(truncate(name, 40)))
}

/// `must be a text or a list, not 5`.
fn wrong_type(expected: Vec<Message>, value: Message) -> Message {
    let any = expected.into_iter().reduce(|first, second| message!("schema.or", first, second));
    match any {
        Some(expected) => message!("schema.type", expected, value),
        None => message!("schema.not_allowed", value),
    }
}

/// The violations of one alternative.
fn parts<'c, 's, 'v>(alternative: &'c ValidationError<'s, 'v>) -> &'c [ValidationError<'s, 'v>] {
    match alternative.kind {
        Kind::Group | Kind::Reference { .. } => &alternative.causes,
        _ => slice::from_ref(alternative),
    }
}

/// The violations of the intended alternative: the only one whose type matches the value.
fn intended_alternative<'c, 's, 'v>(violation: &'c ValidationError<'s, 'v>) -> Option<&'c [ValidationError<'s, 'v>]> {
    let alternatives = violation.causes.iter().map(parts);
    let mut candidates = alternatives.filter(|parts| !parts.iter().any(|inner| is_wrong_type(inner, violation)));
    match (candidates.next(), candidates.next()) {
        (Some(parts), None) if !parts.is_empty() => Some(parts),
        _ => None,
    }
}

/// Whether the alternative rejects the type of the value itself.
fn is_wrong_type(inner: &ValidationError<'_, '_>, outer: &ValidationError<'_, '_>) -> bool {
    inner.instance_location.tokens.len() == outer.instance_location.tokens.len()
        && matches!(inner.kind, Kind::Type { .. } | Kind::Const { .. } | Kind::Enum { .. })
}

/// The names of the expected types.
fn expected(types: Types) -> Vec<Message> {
    let name = |kind| match kind {
        Type::String => message!("schema.text"),
        Type::Integer => message!("schema.integer"),
        Type::Number => message!("schema.number"),
        Type::Boolean => message!("schema.boolean"),
        Type::Array => message!("schema.list"),
        Type::Object => message!("schema.object"),
        Type::Null => Message::verbatim("null"),
    };
    types.iter().map(name).collect()
}

fn options_text(options: &[Value]) -> String {
    let names = options.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    truncate(&names.collect::<Vec<_>>().join(", "), 200)
}

/// The properties that the part of the schema at this address allows.
fn known_properties(schema: &Value, url: &str) -> Vec<String> {
    let pointer = url.split_once('#').map_or("", |(_, pointer)| pointer);
    let properties = schema.pointer(pointer).and_then(|part| part.get("properties")).and_then(Value::as_object);
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
        let faults = Validator::new(&schema).unwrap().faults(&params, &schema, "/params");
        faults.into_iter().map(|fault| (fault.pointer, fault.message.to_string())).collect()
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
    fn schemas_do_not_read_other_documents() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{}").unwrap();
        for reference in [format!("file://{}", file.path().display()), "http://127.0.0.1:1/".to_owned()] {
            assert!(Validator::new(&json!({"$ref": reference})).is_err(), "{reference}");
        }
        assert!(Validator::new(&json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}})).is_ok());
    }

    #[test]
    fn invalid_schemas_are_refused() {
        for schema in [json!({"type": "txt"}), json!({"properties": 1}), json!({"pattern": "("}), json!({"minimum": "1"})] {
            assert!(Validator::new(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn long_values_are_truncated() {
        let (_, message) = one(json!({"url": "u", "method": "长".repeat(10_000)}));
        assert!(message.chars().count() < 100, "{message}");
    }
}
