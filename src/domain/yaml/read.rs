//! YAML reader: one YAML 1.2 document (core schema) as a JSON value. Size, depth and number of values are limited; values repeated
//! by aliases count each time. Duplicate keys, tags, infinity and NaN are refused; numbers keep their digits.
//!
//! It builds values from the events of the parser, because a deserializer receives numbers as `f64` and counts neither the bytes
//! that aliases repeat nor those that anchors keep.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::number;
use crate::domain::input::truncate;
use crate::i18n::{Message, message};

/// Maximum nesting depth of lists and mappings.
const MAX_DEPTH: usize = 64;
/// Maximum number of values; those repeated by aliases and kept by anchors count each time.
const MAX_VALUES: usize = 500_000;
/// Maximum number of bytes of a document, and of all its texts; those repeated by aliases and kept by anchors count each time.
const MAX_BYTES: usize = 32 << 20;

/// Why a text is not a YAML document, and where; line and column count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub problem: Message,
    pub line: usize,
    pub column: usize,
}

impl SyntaxError {
    fn at(marker: &Marker, problem: Message) -> Self {
        Self { problem, line: marker.line(), column: marker.col() + 1 }
    }

    /// The problem with its place.
    pub fn message(&self) -> Message {
        message!("yaml.syntax", problem = self.problem.clone(), line = self.line, column = self.column)
    }
}

/// Reads a document; an empty one is null.
///
/// # Errors
/// The cause, with line and column.
pub fn read(text: &str) -> Result<Value, SyntaxError> {
    if text.len() > MAX_BYTES {
        return Err(SyntaxError { problem: too_many_bytes(), line: 1, column: 1 });
    }
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| SyntaxError::at(error.marker(), Message::verbatim(error.info())))?;
        builder.handle(event).map_err(|problem| SyntaxError::at(&span.start, problem))?;
    }
    Ok(builder.document.unwrap_or(Value::Null))
}

/// Values under construction.
#[derive(Default)]
struct Builder {
    document: Option<Value>,
    /// The lists and mappings not yet closed, the innermost last.
    open: Vec<Open>,
    /// Values with anchors, and the size of each.
    anchors: HashMap<usize, (Value, Size)>,
    size: Size,
}

/// The number of values, and of the bytes of their texts.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    values: usize,
    bytes: usize,
}

struct Open {
    anchor: usize,
    /// The size of all values when it was opened.
    before: Size,
    inner: Inner,
}

enum Inner {
    List(Vec<Value>),
    /// With the key whose value has not been read yet.
    Mapping(Map<String, Value>, Option<String>),
}

impl Builder {
    fn handle(&mut self, event: Event<'_>) -> Result<(), Message> {
        match event {
            Event::DocumentStart(_) if self.document.is_some() => Err(message!("yaml.second_document")),
            Event::Scalar(text, style, anchor, tag) => {
                let size = Size { values: 1, bytes: text.len() };
                self.count(size)?;
                let value = scalar(text, style, tag.as_deref())?;
                self.store_anchor(anchor, &value, size)?;
                self.put(value)
            }
            Event::SequenceStart(anchor, tag) => self.begin(anchor, tag.as_deref(), Inner::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.begin(anchor, tag.as_deref(), Inner::Mapping(Map::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let (value, size) = self.anchors.get(&anchor).cloned().ok_or_else(|| message!("yaml.unknown_alias"))?;
                self.count(size)?;
                self.put(value)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, more: Size) -> Result<(), Message> {
        self.size = Size { values: self.size.values + more.values, bytes: self.size.bytes + more.bytes };
        if self.size.values > MAX_VALUES {
            return Err(message!("yaml.too_many_values", max = MAX_VALUES));
        }
        if self.size.bytes > MAX_BYTES { Err(too_many_bytes()) } else { Ok(()) }
    }

    fn store_anchor(&mut self, anchor: usize, value: &Value, size: Size) -> Result<(), Message> {
        if anchor > 0 {
            self.count(size)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, inner: Inner) -> Result<(), Message> {
        if let Some(tag) = tag {
            return Err(unknown_tag(tag));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(message!("yaml.too_deep", max = MAX_DEPTH));
        }
        self.open.push(Open { anchor, before: self.size, inner });
        self.count(Size { values: 1, bytes: 0 })
    }

    fn end(&mut self) -> Result<(), Message> {
        let Some(Open { anchor, before, inner }) = self.open.pop() else {
            return Err(message!("yaml.not_opened"));
        };
        let value = match inner {
            Inner::List(items) => Value::Array(items),
            Inner::Mapping(map, _) => Value::Object(map),
        };
        let size = Size { values: self.size.values - before.values, bytes: self.size.bytes - before.bytes };
        self.store_anchor(anchor, &value, size)?;
        self.put(value)
    }

    fn put(&mut self, value: Value) -> Result<(), Message> {
        match self.open.last_mut().map(|open| &mut open.inner) {
            None => self.document = Some(value),
            Some(Inner::List(items)) => items.push(value),
            Some(Inner::Mapping(map, pending_key)) => match pending_key.take() {
                Some(name) => drop(map.insert(name, value)),
                None => {
                    let name = name(value)?;
                    if map.contains_key(&name) {
                        return Err(message!("yaml.duplicate_key", key = truncate(&name, 40)));
                    }
                    *pending_key = Some(name);
                }
            },
        }
        Ok(())
    }
}

/// Converts a key to text; numbers, booleans and null as JSON writes them.
fn name(value: Value) -> Result<String, Message> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err(message!("yaml.not_a_key")),
        other => Ok(other.to_string()),
    }
}

fn too_many_bytes() -> Message {
    message!("yaml.too_many_bytes", max = MAX_BYTES)
}

fn unknown_tag(tag: &Tag) -> Message {
    message!("yaml.unknown_tag", tag = format!("{}{}", truncate(&tag.handle, 40), truncate(&tag.suffix, 40)))
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Message> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => return Ok(text.into_owned().into()),
        Some(tag) => return Err(unknown_tag(tag)),
        None if style != ScalarStyle::Plain => return Ok(text.into_owned().into()),
        None => {}
    }
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Value::Null),
        "true" | "True" | "TRUE" => Ok(true.into()),
        "false" | "False" | "FALSE" => Ok(false.into()),
        other => number::parse(other).unwrap_or_else(|| Ok(text.into_owned().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::write;
    use super::*;
    use serde_json::json;

    #[test]
    fn written_values_read_back() {
        let value = json!({"a b": [1, {"x": "yes", "y": []}, [true, null, -2.5]], "200": {"d": "e: f", "08:00": "1e3"}, "h": {},
            "tasks": [{"id": "日报", "text": "a\nb\t\"c\" # d", "n": "12", "z": "~", "t": "- x"}]});
        assert_eq!(read(&write(&value)).unwrap(), value);
        assert_eq!(read(&value.to_string()).unwrap(), value, "JSON is YAML");
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let text = "a: yes\nb: 08:30\nc: 010\nd: 0x1F\ne: '5'\nf: ~\ng: 2026-01-01\nh: 1.5\ni: +3\nj: |\n  one\n  two\nk: !!str 5\nl: 0 8 * * mon\nm: 1e400x";
        let expected = json!({"a": "yes", "b": "08:30", "c": 10, "d": 31, "e": "5", "f": null, "g": "2026-01-01", "h": 1.5, "i": 3,
            "j": "one\ntwo\n", "k": "5", "l": "0 8 * * mon", "m": "1e400x"});
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("").unwrap(), Value::Null);
        assert_eq!(read("a: &x {b: 1}\nc: *x\n1: 2").unwrap(), json!({"a": {"b": 1}, "c": {"b": 1}, "1": 2}));
    }

    #[test]
    fn errors_have_line_and_column() {
        for (text, what) in [
            ("a: 1\na: 2", "duplicate key 'a' at line 2, column 1"),
            ("a: [1", "at line"),
            ("a: 1\n---\nb: 2", "only one document is allowed"),
            ("a: .inf", "JSON cannot represent the number"),
            ("b: 1\na: -.inf", "at line 2, column 4"),
            ("a: !!python/object:os.system {}", "unknown tag"),
            ("a: !Secret x", "unknown tag"),
            ("[1]: 2", "cannot be a key"),
            ("a: &x [*x]", "not complete"),
        ] {
            let error = read(text).unwrap_err().message().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn repeated_texts_are_bounded() {
        let text = "x".repeat(300_000);
        let repeated = |times: usize| format!("a: &a \"{text}\"\nb: [{}]", vec!["*a"; times].join(", "));
        assert!(read(&repeated(90)).is_ok());
        assert!(read(&repeated(100_000)).unwrap_err().message().to_string().starts_with("more than 33554432 bytes at line 2"));
        let nested = (0..60).fold(format!("\"{}\"", "x".repeat(600_000)), |inner, level| format!("&a{level} [{inner}]"));
        assert!(read(&nested).unwrap_err().message().to_string().starts_with("more than 33554432 bytes"), "anchors keep copies");
    }

    #[test]
    fn deep_and_oversized_documents_are_refused() {
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&format!("{}1", "- ".repeat(100_000))).is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(read(&bomb).unwrap_err().message().to_string().contains("more than 500000 values"));
    }
}
