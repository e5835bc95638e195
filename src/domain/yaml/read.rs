//! YAML reader: one YAML 1.2 document (core schema) as a JSON value. Depth and number of values are limited; values repeated by
//! aliases count each time. Duplicate keys, tags and numbers that JSON cannot represent are refused.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use crate::domain::input::truncate;

/// Maximum nesting depth of lists and mappings.
const MAX_DEPTH: usize = 64;
/// Maximum number of values; those repeated by aliases count each time.
const MAX_VALUES: usize = 500_000;

/// Reads a document; an empty one is null.
///
/// # Errors
/// The cause, with line and column.
pub fn read(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| at(error.marker(), error.info()))?;
        builder.handle(event).map_err(|what| at(&span.start, &what))?;
    }
    Ok(builder.document.unwrap_or(Value::Null))
}

fn at(marker: &Marker, what: &str) -> String {
    format!("{what} at line {}, column {}", marker.line(), marker.col() + 1)
}

/// Values under construction.
#[derive(Default)]
struct Builder {
    document: Option<Value>,
    /// The lists and mappings not yet closed, the innermost last.
    open: Vec<Open>,
    /// Values with anchors, and the number of values in each.
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
}

struct Open {
    anchor: usize,
    /// The value of `values` when it was opened.
    before: usize,
    inner: Inner,
}

enum Inner {
    List(Vec<Value>),
    /// With the key whose value has not been read yet.
    Mapping(Map<String, Value>, Option<String>),
}

impl Builder {
    fn handle(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) if self.document.is_some() => Err("only one document is allowed".to_owned()),
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1)?;
                let value = scalar(text, style, tag.as_deref())?;
                self.store_anchor(anchor, &value, 1);
                self.put(value)
            }
            Event::SequenceStart(anchor, tag) => self.begin(anchor, tag.as_deref(), Inner::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.begin(anchor, tag.as_deref(), Inner::Mapping(Map::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let (value, size) =
                    self.anchors.get(&anchor).cloned().ok_or("an alias refers to a value that is unknown or not complete")?;
                self.count(size)?;
                self.put(value)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, more: usize) -> Result<(), String> {
        self.values += more;
        if self.values > MAX_VALUES { Err(format!("more than {MAX_VALUES} values")) } else { Ok(()) }
    }

    fn store_anchor(&mut self, anchor: usize, value: &Value, size: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, inner: Inner) -> Result<(), String> {
        if let Some(tag) = tag {
            return Err(unknown_tag(tag));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("lists and mappings are nested more than {MAX_DEPTH} deep"));
        }
        self.open.push(Open { anchor, before: self.values, inner });
        self.count(1)
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(Open { anchor, before, inner }) = self.open.pop() else {
            return Err("a list or mapping ends that was not opened".to_owned());
        };
        let value = match inner {
            Inner::List(items) => Value::Array(items),
            Inner::Mapping(map, _) => Value::Object(map),
        };
        self.store_anchor(anchor, &value, self.values - before);
        self.put(value)
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut().map(|open| &mut open.inner) {
            None => self.document = Some(value),
            Some(Inner::List(items)) => items.push(value),
            Some(Inner::Mapping(map, pending_key)) => match pending_key.take() {
                Some(name) => drop(map.insert(name, value)),
                None => {
                    let name = name(value)?;
                    if map.contains_key(&name) {
                        return Err(format!("duplicate key '{}'", truncate(&name, 40)));
                    }
                    *pending_key = Some(name);
                }
            },
        }
        Ok(())
    }
}

/// Converts a key to text; numbers, booleans and null as JSON writes them.
fn name(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err("a list or mapping cannot be a key".to_owned()),
        other => Ok(other.to_string()),
    }
}

fn unknown_tag(tag: &Tag) -> String {
    format!("unknown tag {}{}", truncate(&tag.handle, 40), truncate(&tag.suffix, 40))
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
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
        other => number(other).unwrap_or_else(|| Ok(text.into_owned().into())),
    }
}

/// Parses a number of the core schema; `None` if the text is not a number.
fn number(text: &str) -> Option<Result<Value, String>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Err(format!("JSON cannot represent the number {text}")));
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(Ok(number)) =
            text.strip_prefix(prefix).filter(|rest| is_hexadecimal(rest)).map(|rest| u64::from_str_radix(rest, radix))
        {
            return Some(Ok(number.into()));
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Ok(integer.into()));
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Some(Ok(integer.into()));
    }
    let number = text.parse::<f64>().ok()?;
    Some(Number::from_f64(number).map(Value::Number).ok_or_else(|| format!("the number {} is too large", truncate(text, 40))))
}

fn is_hexadecimal(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
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
            ("a: 1e999", "is too large"),
            ("a: !!python/object:os.system {}", "unknown tag"),
            ("a: !Secret x", "unknown tag"),
            ("[1]: 2", "cannot be a key"),
            ("a: &x [*x]", "not complete"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
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
        assert!(read(&bomb).unwrap_err().contains("more than 500000 values"));
    }
}
