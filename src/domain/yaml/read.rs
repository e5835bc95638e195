//! Reads one YAML 1.2 document (core schema) as a JSON value. What a document may cost is bounded: its depth, and the values
//! that aliases repeat. A name that stands twice in a mapping, a tag and a number that JSON cannot hold are refused.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use crate::domain::input::cut;

/// Lists and mappings within one another at most.
const DEEPEST: usize = 64;
/// Values in all at most, those that aliases repeat counted each time.
const MOST: usize = 500_000;

/// Reads a document; nothing at all reads as null.
///
/// # Errors
/// What is wrong, with line and column.
pub fn read(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| at(error.marker(), error.info()))?;
        builder.take(event).map_err(|what| at(&span.start, &what))?;
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
    /// The lists and mappings that are open.
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
}

struct Open {
    anchor: usize,
    /// `values` when it was opened.
    before: usize,
    inner: Inner,
}

enum Inner {
    List(Vec<Value>),
    /// With the name that waits for its value.
    Mapping(Map<String, Value>, Option<String>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) if self.document.is_some() => Err("a second document begins; one is read".to_owned()),
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1)?;
                let value = scalar(text, style, tag.as_deref())?;
                self.keep(anchor, &value, 1);
                self.put(value)
            }
            Event::SequenceStart(anchor, tag) => self.begin(anchor, tag.as_deref(), Inner::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.begin(anchor, tag.as_deref(), Inner::Mapping(Map::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let (value, size) = self.anchors.get(&anchor).cloned().ok_or("an alias of something that has not ended")?;
                self.count(size)?;
                self.put(value)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, more: usize) -> Result<(), String> {
        self.values += more;
        if self.values > MOST { Err(format!("more than {MOST} values")) } else { Ok(()) }
    }

    fn keep(&mut self, anchor: usize, value: &Value, size: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, inner: Inner) -> Result<(), String> {
        if let Some(tag) = tag {
            return Err(unknown(tag));
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("more than {DEEPEST} lists and mappings within one another"));
        }
        self.open.push(Open { anchor, before: self.values, inner });
        self.count(1)
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(Open { anchor, before, inner }) = self.open.pop() else { return Err("an end without a beginning".to_owned()) };
        let value = match inner {
            Inner::List(items) => Value::Array(items),
            Inner::Mapping(map, _) => Value::Object(map),
        };
        self.keep(anchor, &value, self.values - before);
        self.put(value)
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut().map(|open| &mut open.inner) {
            None => self.document = Some(value),
            Some(Inner::List(items)) => items.push(value),
            Some(Inner::Mapping(map, waiting)) => match waiting.take() {
                Some(name) => drop(map.insert(name, value)),
                None => {
                    let name = name(value)?;
                    if map.contains_key(&name) {
                        return Err(format!("'{}' stands twice", cut(&name, 40)));
                    }
                    *waiting = Some(name);
                }
            },
        }
        Ok(())
    }
}

/// Numbers and words are names as they are written by JSON.
fn name(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err("a list or a mapping cannot be a name".to_owned()),
        other => Ok(other.to_string()),
    }
}

fn unknown(tag: &Tag) -> String {
    format!("the tag {}{} means nothing here", cut(&tag.handle, 40), cut(&tag.suffix, 40))
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => return Ok(text.into_owned().into()),
        Some(tag) => return Err(unknown(tag)),
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

/// A number of the core schema; `None` where the text is none.
fn number(text: &str) -> Option<Result<Value, String>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Err(format!("{text} is no number that JSON can hold")));
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(Ok(number)) =
            text.strip_prefix(prefix).filter(|rest| plain(rest)).map(|rest| u64::from_str_radix(rest, radix))
        {
            return Some(Ok(number.into()));
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Ok(whole.into()));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Ok(whole.into()));
    }
    let number = text.parse::<f64>().ok()?;
    Some(Number::from_f64(number).map(Value::Number).ok_or_else(|| format!("{} is too large a number", cut(text, 40))))
}

fn plain(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::write;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_reads_back() {
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
    fn what_is_not_right_is_told_with_its_place() {
        for (text, what) in [
            ("a: 1\na: 2", "'a' stands twice at line 2, column 1"),
            ("a: [1", "at line"),
            ("a: 1\n---\nb: 2", "a second document begins"),
            ("a: .inf", "no number that JSON can hold"),
            ("a: 1e999", "too large a number"),
            ("a: !!python/object:os.system {}", "means nothing here"),
            ("a: !Secret x", "means nothing here"),
            ("[1]: 2", "cannot be a name"),
            ("a: &x [*x]", "has not ended"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(what), "{text}: {said}");
        }
    }

    #[test]
    fn what_a_document_may_cost_is_bounded() {
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
