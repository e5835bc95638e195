//! Expectations of a response: its status, and values in its JSON.

use serde_json::{Value, json};

use super::response::ReceivedResponse;
use crate::domain::exact::equal;
use crate::domain::fault::Fault;
use crate::domain::input::{display_value, truncate};
use crate::i18n::{Message, message};
use crate::tasks::RunError;

/// A range of statuses, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusRange(u16, u16);

/// An expectation of one value in the JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JsonExpectation {
    pointer: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equals(Value),
    Exists(bool),
    Contains(Value),
}

/// Checks a response.
///
/// # Errors
/// The first expectation that is not met. Retryable unless the status is a client error (4xx) other than 408, 425 and 429.
pub(super) fn check(
    expect_status: &[StatusRange],
    expect_json: &[JsonExpectation],
    response: &ReceivedResponse,
) -> Result<(), RunError> {
    let status = response.status.as_u16();
    if !expect_status.iter().any(|range| range.holds(status)) {
        let refused = (400..500).contains(&status) && !matches!(status, 408 | 425 | 429);
        let message = message!("http.unexpected_status", status = response.status.to_string());
        let error = if refused { RunError::fail(message) } else { RunError::retry(message) };
        return Err(error.with_result(response.clone().into_result()));
    }
    if expect_json.is_empty() {
        return Ok(());
    }
    let unmet = match response.json() {
        None => Some(message!("http.not_json")),
        Some(value) => expect_json.iter().find_map(|expected| expected.unmet(value)),
    };
    unmet.map_or(Ok(()), |message| Err(RunError::retry(message).with_result(response.clone().into_result())))
}

impl StatusRange {
    /// Parses the parameter `expect_status`; without it every 2xx is accepted.
    pub fn read_all(given: Option<&[Value]>, faults: &mut Vec<Fault>) -> Vec<StatusRange> {
        let Some(given) = given else { return vec![StatusRange(200, 299)] };
        let mut ranges = Vec::with_capacity(given.len());
        for (place, value) in given.iter().enumerate() {
            match StatusRange::read(value) {
                Some(range) => ranges.push(range),
                None => {
                    let message = message!("http.status_pattern", value = display_value(value));
                    faults.push(Fault::new(format!("/expect_status/{place}"), message.of("expect_status")));
                }
            }
        }
        ranges
    }

    fn read(value: &Value) -> Option<StatusRange> {
        if let Some(number) = value.as_u64() {
            return StatusRange::between(number, number);
        }
        let text = value.as_str()?.trim();
        if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            let class = u64::from(class.parse::<u8>().ok()?);
            return StatusRange::between(class * 100, class * 100 + 99);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        StatusRange::between(first.trim().parse().ok()?, last.trim().parse().ok()?)
    }

    fn between(first: u64, last: u64) -> Option<StatusRange> {
        let valid = 100 <= first && first <= last && last <= 599;
        valid.then_some(StatusRange(u16::try_from(first).ok()?, u16::try_from(last).ok()?))
    }

    fn holds(self, status: u16) -> bool {
        (self.0..=self.1).contains(&status)
    }
}

impl JsonExpectation {
    pub fn read_all(given: &[Value], faults: &mut Vec<Fault>) -> Vec<JsonExpectation> {
        let read = |(place, value): (usize, &Value)| {
            let fault = |message: Message| Fault::new(format!("/expect_json/{place}"), message.of("expect_json"));
            JsonExpectation::read(value).map_err(fault)
        };
        let read = given.iter().enumerate().map(read);
        read.filter_map(|one| one.map_err(|fault| faults.push(fault)).ok()).collect()
    }

    fn read(value: &Value) -> Result<JsonExpectation, Message> {
        let pointer = value.get("pointer").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(message!("http.pointer"));
        }
        let tests = [
            value.get("equals").cloned().map(Test::Equals),
            value.get("exists").and_then(Value::as_bool).map(Test::Exists),
            value.get("contains").cloned().map(Test::Contains),
        ];
        let mut given = tests.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(test), None) => Ok(JsonExpectation { pointer, test }),
            _ => Err(message!("http.one_expectation")),
        }
    }

    /// A message if the expectation is not met.
    fn unmet(&self, response: &Value) -> Option<Message> {
        let place = match self.pointer.as_str() {
            "" => message!("http.whole_response"),
            pointer => Message::verbatim(truncate(pointer, 100)),
        };
        let found = response.pointer(&self.pointer);
        let value = found.map(display_value);
        match (&self.test, value) {
            (&Test::Exists(wanted), _) if found.is_some() == wanted => None,
            (Test::Equals(wanted), _) if found.is_some_and(|found| equal(found, wanted)) => None,
            (Test::Contains(wanted), _) if found.is_some_and(|found| contains(found, wanted)) => None,
            (Test::Exists(_), None) => Some(message!("http.missing", place)),
            (Test::Exists(_), Some(value)) => Some(message!("http.must_not_exist", place, value)),
            (Test::Equals(wanted), None) => Some(message!("http.not_equal_missing", place, expected = display_value(wanted))),
            (Test::Equals(wanted), Some(value)) => {
                Some(message!("http.not_equal", place, value, expected = display_value(wanted)))
            }
            (Test::Contains(wanted), None) => {
                Some(message!("http.not_contained_missing", place, expected = display_value(wanted)))
            }
            (Test::Contains(wanted), Some(value)) => {
                Some(message!("http.not_contained", place, value, expected = display_value(wanted)))
            }
        }
    }

    pub fn schema() -> Value {
        let with = |mut schema: Value, en: &str, zh: &str| {
            schema["description"] = en.into();
            schema["x-description-zh"] = zh.into();
            schema
        };
        json!({
            "type": "object", "additionalProperties": false, "required": ["pointer"],
            "properties": {
                "pointer": with(json!({"type": "string", "maxLength": 1000}),
                    "A JSON Pointer such as /data/0/state; empty for the whole document.", "JSON Pointer，例如 /data/0/state；留空表示整个 JSON。"),
                "equals": with(json!({}), "The expected value.", "该处应等于的值。"),
                "exists": with(json!({"type": "boolean"}), "Whether the value must exist.", "该处是否应有值。"),
                "contains": with(json!({}), "A part of the text, an item of the list, or a key of the object that the value must contain.",
                    "该处文本应包含的片段、列表应包含的元素，或对象应包含的键。"),
            },
        })
    }
}

fn contains(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(list), wanted) => list.iter().any(|item| equal(item, wanted)),
        (Value::Object(map), Value::String(key)) => map.contains_key(key),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_range_parses_numbers_classes_and_ranges() {
        let read = |value: Value| StatusRange::read(&value);
        assert_eq!(read(json!(204)), Some(StatusRange(204, 204)));
        assert_eq!(read(json!("2xx")), Some(StatusRange(200, 299)));
        assert_eq!(read(json!("200-204")), Some(StatusRange(200, 204)));
        assert_eq!(read(json!("404")), Some(StatusRange(404, 404)));
        for wrong in [
            json!(99),
            json!("9xx"),
            json!("300-200"),
            json!("ok"),
            json!(""),
            json!(1e30),
            json!("-"),
            json!("xx"),
            json!("9999999999999999999xx"),
        ] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn unmet_message_names_the_actual_value() {
        let response = json!({"state": "pending", "n": 1, "tags": ["a"]});
        let unmet = |expected: Value| JsonExpectation::read(&expected).unwrap().unmet(&response);
        assert_eq!(unmet(json!({"pointer": "/state", "equals": "pending"})), None);
        assert_eq!(unmet(json!({"pointer": "/n", "equals": 1.0})), None);
        assert_eq!(unmet(json!({"pointer": "/state", "contains": "pend"})), None);
        assert_eq!(unmet(json!({"pointer": "/tags", "contains": "a"})), None);
        assert_eq!(unmet(json!({"pointer": "", "contains": "tags"})), None);
        assert_eq!(unmet(json!({"pointer": "/gone", "exists": false})), None);
        let message = |expected: Value| unmet(expected).unwrap().to_string();
        assert_eq!(message(json!({"pointer": "/state", "equals": "done"})), "/state is 'pending', not 'done'");
        assert_eq!(message(json!({"pointer": "/gone", "exists": true})), "/gone is missing");
        assert_eq!(message(json!({"pointer": "/tags", "contains": "b"})), "/tags is a list, which does not contain 'b'");
        assert!(JsonExpectation::read(&json!({"pointer": "/a"})).is_err());
        assert!(JsonExpectation::read(&json!({"pointer": "a", "exists": true})).is_err());
    }
}
