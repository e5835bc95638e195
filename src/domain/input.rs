//! A reader of JSON objects that collects every fault, so that one response lists all of them.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::fault::{Fault, MAX_FAULTS, pointer_step};
use crate::i18n::{Message, message};

/// The unread fields of a JSON object, and the faults found so far. A field that is absent yields its default; null is a fault except
/// where a method says otherwise. [`Fields::finish`] reports fields that were never read as unknown.
#[derive(Debug)]
pub struct Fields {
    base: String,
    left: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Fields {
    /// `base` is the JSON Pointer of the object itself.
    pub fn new(value: &Value, base: &str) -> Self {
        let (left, faults) = match value {
            Value::Object(map) => (map.clone(), Vec::new()),
            Value::Null if !base.is_empty() => (Map::new(), Vec::new()),
            other => (Map::new(), vec![Fault::new(base, message!("value.not_object_but", value = Message::new(kind_of(other))))]),
        };
        Self { base: base.to_owned(), left, faults }
    }

    /// Takes the value of a field; `None` if absent, or null, which is a fault: a default would not be what null asks for.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.refuse_null(&[name]);
        self.left.shift_remove(name)
    }

    /// Takes the value of a field for which null has a meaning; `None` if absent.
    pub fn take_nullable(&mut self, name: &str) -> Option<Value> {
        self.left.shift_remove(name)
    }

    /// Records a fault of a field, `tags`, or of one of its items, `tags/3`. Only the first one of each is kept, and [`MAX_FAULTS`] in all.
    pub fn fault(&mut self, name: &str, message: Message) {
        if self.faults.len() >= MAX_FAULTS {
            return;
        }
        let pointer = format!("{}/{}", self.base, escape(name));
        if self.faults.iter().any(|fault| fault.pointer == pointer) {
            return;
        }
        self.faults.push(Fault::new(pointer, message.of(truncate(list_name(name), 40))));
    }

    /// Records a fault for each of these fields that is null.
    pub fn refuse_null(&mut self, names: &[&str]) {
        for name in names {
            if self.left.get(*name).is_some_and(Value::is_null) {
                self.left.shift_remove(*name);
                self.fault(name, message!("value.null"));
            }
        }
    }

    /// Adds the faults of a part that was parsed separately; `None` if it had any.
    pub fn collect<T>(&mut self, part: Result<T, Vec<Fault>>) -> Option<T> {
        part.map_err(|faults| self.faults.extend(faults)).ok()
    }

    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.take(name) {
            None => default,
            Some(Value::Bool(given)) => given,
            Some(other) => {
                self.fault(name, message!("value.not_boolean", value = display_value(&other)));
                default
            }
        }
    }

    pub fn integer(&mut self, name: &str, min: i64, max: i64, default: i64) -> i64 {
        self.refuse_null(&[name]);
        self.optional_integer(name, min, max).unwrap_or(default)
    }

    /// An integer; `None` if absent or null.
    pub fn optional_integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let given = self.take_nullable(name).filter(|v| !v.is_null())?;
        match given.as_i64() {
            Some(number) if (min..=max).contains(&number) => return Some(number),
            Some(number) => self.fault(name, message!("value.out_of_range", value = number, min, max)),
            None => self.fault(name, message!("value.not_whole_number", min, max, value = display_value(&given))),
        }
        None
    }

    /// A number of seconds, rounded to milliseconds.
    pub fn seconds(&mut self, name: &str, min: f64, max: f64, default: Duration) -> Duration {
        match self.take(name) {
            None => default,
            Some(given) => self.read_seconds(name, &given, min, max).unwrap_or(default),
        }
    }

    /// As [`Fields::seconds`], but null means "no limit" (`None`).
    pub fn optional_seconds(&mut self, name: &str, min: f64, max: f64, default: Option<Duration>) -> Option<Duration> {
        match self.take_nullable(name) {
            None => default,
            Some(Value::Null) => None,
            Some(given) => self.read_seconds(name, &given, min, max).or(default),
        }
    }

    fn read_seconds(&mut self, name: &str, given: &Value, min: f64, max: f64) -> Option<Duration> {
        match given.as_f64() {
            Some(number) if number >= min && number <= max => Some(Duration::from_millis((number * 1000.0).round() as u64)),
            Some(number) => {
                self.fault(name, message!("value.seconds_out_of_range", value = number, min, max));
                None
            }
            None => {
                self.fault(name, message!("value.not_seconds", value = display_value(given)));
                None
            }
        }
    }

    /// A text of at most `max` characters; of control characters only line breaks and tabs are allowed.
    pub fn text(&mut self, name: &str, max: usize, default: &str) -> String {
        let Some(given) = self.take(name) else { return default.to_owned() };
        let Value::String(text) = given else {
            self.fault(name, message!("value.not_text", value = display_value(&given)));
            return default.to_owned();
        };
        if text.chars().count() > max {
            self.fault(name, message!("value.too_long", max));
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.fault(name, message!("value.control_characters"));
        }
        text
    }

    /// One of the values in `known`, by name.
    pub fn choice<T: Copy>(&mut self, name: &str, known: &[(&str, T)], default: T) -> T {
        let Some(given) = self.take(name) else { return default };
        let found = given.as_str().and_then(|text| known.iter().find(|(word, _)| *word == text));
        if let Some((_, value)) = found {
            return *value;
        }
        let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
        self.fault(name, message!("value.not_one_of", value = display_value(&given), known = words.join(", ")));
        default
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let list = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.fault(name, message!("value.not_text_list", value = display_value(&other)));
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(list.len());
        for (place, item) in list.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                other => self.fault(&format!("{name}/{place}"), message!("value.not_texts", value = display_value(&other))),
            }
        }
        texts
    }

    /// A list of texts; `None` if absent or null.
    pub fn optional_texts(&mut self, name: &str) -> Option<Vec<String>> {
        match self.left.get(name) {
            None | Some(Value::Null) => self.take_nullable(name).and(None),
            Some(_) => Some(self.texts(name)),
        }
    }

    /// Returns `value`, or every fault. An unread field is a fault.
    ///
    /// # Errors
    /// All faults, in the order in which they were found.
    pub fn finish<T>(mut self, value: T) -> Result<T, Vec<Fault>> {
        for name in std::mem::take(&mut self.left).keys() {
            self.fault(name, message!("value.unknown_field"));
        }
        if self.faults.is_empty() { Ok(value) } else { Err(self.faults) }
    }
}

/// A duration as a JSON number of seconds: an integer if it has no fraction.
pub fn seconds_value(duration: Duration) -> Value {
    if duration.subsec_millis() == 0 { duration.as_secs().into() } else { duration.as_secs_f64().into() }
}

/// The first `max` characters of a text, followed by `…` if it is longer.
pub fn truncate(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A text in quotes for a message: its first `max` characters.
pub fn quoted(text: &str, max: usize) -> String {
    format!("'{}'", truncate(text, max))
}

/// A JSON value for a message: texts quoted and truncated, arrays and objects by their kind.
pub fn display_value(value: &Value) -> Message {
    match value {
        Value::String(text) => Message::verbatim(quoted(text, 40)),
        Value::Object(_) | Value::Array(_) => Message::new(kind_of(value)),
        other => Message::verbatim(truncate(&other.to_string(), 40)),
    }
}

/// The syntax error of a text that is not JSON, with its line and column.
pub fn json_syntax(error: &serde_json::Error) -> Message {
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or_default();
    message!("json.syntax", problem, line = error.line(), column = error.column())
}

/// The code of the words for the kind of a value.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "kind.null",
        Value::Bool(_) => "kind.boolean",
        Value::Number(_) => "kind.number",
        Value::String(_) => "kind.text",
        Value::Array(_) => "kind.list",
        Value::Object(_) => "kind.object",
    }
}

/// Percent-encodes a path segment, or a name or value of a query: all but the unreserved characters of RFC 3986.
pub fn percent_encoded(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Escapes a name as a JSON Pointer; a `/` between a list's name and an index is kept.
fn escape(name: &str) -> String {
    match split_item(name) {
        Some((list, index)) => format!("{}/{index}", pointer_step(list)),
        None => pointer_step(name),
    }
}

/// The name of the list for an item, `tags` for `tags/3`; else the name.
fn list_name(name: &str) -> &str {
    split_item(name).map_or(name, |(list, _)| list)
}

fn split_item(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('/').filter(|(_, index)| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoded_keeps_unreserved_characters() {
        assert_eq!(percent_encoded("a b*~/钟"), "a%20b%2A~%2F%E9%92%9F");
    }
}
