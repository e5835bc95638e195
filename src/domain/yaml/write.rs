//! YAML writer: JSON values in block style, texts of several lines as literal blocks, long lines unfolded. Numbers keep their digits.

use serde_json::{Number, Value};
use serde_saphyr::{SerializerOptions, ser_options, to_string_with_options};

/// Returns a value as a YAML document.
pub fn write(value: &Value) -> String {
    let options: SerializerOptions = ser_options! { compact_list_indent: false, folded_wrap_chars: usize::MAX };
    let (mark, mut numbers) = (unused_mark(value), Vec::new());
    match to_string_with_options(&with_marks(value, &mark, &mut numbers), options) {
        Ok(text) => with_numbers(&text, &mark, numbers),
        Err(_) => format!("{value}\n"), // JSON is YAML
    }
}

/// A word that the value does not contain. The serializer knows machine numbers only, so each number is written as this word, and the
/// word is replaced by the digits.
fn unused_mark(value: &Value) -> String {
    let text = value.to_string();
    let mut mark = "number".to_owned();
    while text.contains(&mark) {
        mark.push_str("Number");
    }
    mark
}

fn with_marks<'v>(value: &'v Value, mark: &str, numbers: &mut Vec<&'v Number>) -> Value {
    match value {
        Value::Number(number) => {
            numbers.push(number);
            mark.into()
        }
        Value::Array(items) => items.iter().map(|item| with_marks(item, mark, numbers)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, item)| (name.clone(), with_marks(item, mark, numbers))).collect())
        }
        other => other.clone(),
    }
}

fn with_numbers(text: &str, mark: &str, numbers: Vec<&Number>) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(numbers).fold(first, |written, (part, number)| written + &number.to_string() + part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_in_block_style() {
        let value = json!({"a b": [1, {"x": "yes", "y": []}, [true]], "200": {"d": "e: f"}, "g": null, "h": {}});
        let expected = "a b:\n  - 1\n  - x: \"yes\"\n    \"y\": []\n  - - true\n\"200\":\n  d: \"e: f\"\ng: null\nh: {}\n";
        assert_eq!(write(&value), expected);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"{"number": [1, -2.50, 12345678901234567890123], "a": {"numberNumber": 1e-7, "c": "number"}, "d": 0.10}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let expected = "number:\n  - 1\n  - -2.50\n  - 12345678901234567890123\na:\n  numberNumber: 1e-7\n  c: number\nd: 0.10\n";
        assert_eq!(write(&value), expected);
        assert_eq!(crate::domain::yaml::read(expected).unwrap(), value);
    }

    #[test]
    fn texts_of_several_lines_are_literal_blocks() {
        let value =
            json!({"a": "select 1\n\n  from x\n", "b": ["one\ntwo", "x\n\ny\n\n\n"], "c": " x\ny", "d": "x\n  \ny", "e": "x\n"});
        let expected = "a: |\n  select 1\n\n    from x\nb:\n  - |-\n    one\n    two\n  - |+\n    x\n\n    y\n\n\nc: |2-\n   x\n  y\nd: |-\n  x\n    \n  y\ne: |\n  x\n";
        assert_eq!(write(&value), expected);
        assert_eq!(crate::domain::yaml::read(expected).unwrap(), value);
    }

    /// Values with texts that YAML treats specially.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            proptest::num::f64::NORMAL.prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            "[ \n\r\t#:'\"?!&*{}\\[\\],|>%@`~=<.+0-9ae\u{85}\u{2028}\u{feff}日-]{0,12}".prop_map(Value::from),
            "(null|yes|No|on|0x1F|0o7|1_000|12:30|2026-01-01|\\.inf|\\.nan|<<|---|\\.\\.\\.)".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map("[a-z0-9 #:'\"~<-]{0,8}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn written_values_read_back(value in values()) {
            prop_assert_eq!(crate::domain::yaml::read(&write(&value)), Ok(value));
        }
    }
}
