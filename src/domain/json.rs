//! JSON reader for documents of users: refuses an object with the same key twice, of which one value would be lost. Numbers keep
//! their digits.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses a JSON text.
///
/// # Errors
/// The syntax error, or the key that an object has twice.
pub fn read(text: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = UniqueKeys.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Formats JSON with indentation.
#[must_use]
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Parses a JSON text that a person typed: strings may have line breaks, which are read as line feeds, and tabs.
///
/// # Errors
/// As [`read`].
pub fn read_typed(text: &str) -> serde_json::Result<Value> {
    read(text.as_bytes()).or_else(|error| read(with_escaped_breaks(text).as_bytes()).map_err(|_| error))
}

fn with_escaped_breaks(text: &str) -> String {
    let (mut escaped, mut in_string, mut after_backslash) = (String::with_capacity(text.len() + 16), false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if in_string && characters.peek() == Some(&'\n') => continue,
            '\r' | '\n' if in_string => escaped.push_str("\\n"),
            '\t' if in_string => escaped.push_str("\\t"),
            other => escaped.push(other),
        }
        in_string ^= character == '"' && !after_backslash;
        after_backslash = character == '\\' && !after_backslash;
    }
    escaped
}

/// Reads a value whose objects have no key twice.
#[derive(Clone, Copy)]
struct UniqueKeys;

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if key == NUMBER_KEY {
                return number(&mut members);
            }
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            map.insert(key, members.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}

/// The only key of the map as which `serde_json` hands over a number that is neither `i64` nor `u64`; its value is the number's text.
const NUMBER_KEY: &str = "$serde_json::private::Number";

fn number<'de, A: MapAccess<'de>>(members: &mut A) -> Result<Value, A::Error> {
    let number = members.next_value::<String>()?.parse::<Number>().map_err(A::Error::custom)?;
    match members.next_key::<String>()? {
        None => Ok(Value::Number(number)),
        Some(_) => Err(A::Error::custom(format_args!("the key {NUMBER_KEY:?} is reserved"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let text = r#"[12345678901234567890123,1.10,-0.0,1e+2,1.5E-7,0.10000000000000000000000000001,9007199254740993.0,1e+400]"#;
        let value = read(text.as_bytes()).unwrap();
        assert_eq!(value.to_string().to_lowercase(), text.to_lowercase());
        assert!(read(br#"{"$serde_json::private::Number": "1", "a": 2}"#).is_err(), "not a number");
    }

    #[test]
    fn read_equals_serde_json_for_objects_with_unique_keys() {
        let text = r#"{"b": [null, true, -1, 18446744073709551615, 0.5, 1e300, "x\ny"], "a": {"b": {}}, "": []}"#;
        let (read, expected) = (read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!((read.to_string(), &read), (expected.to_string(), &expected));
    }

    #[test]
    fn typed_strings_may_have_line_breaks() {
        let typed = "{\r\n\t\"command\": \"echo \\\"a\\\"\r\n\tcd /\nls \\\\\",\r\n \"n\": 1}";
        let expected = serde_json::json!({"command": "echo \"a\"\n\tcd /\nls \\", "n": 1});
        assert_eq!(read_typed(typed).unwrap(), expected);
        let wrong = "{\n\"a\": \"x\ny\",\n\"b\" 1}";
        let errors = [read_typed(wrong), read(wrong.as_bytes())].map(|read| read.unwrap_err().to_string());
        assert_eq!(errors[0], errors[1], "the place is that in the typed text");
    }

    #[test]
    fn read_refuses_duplicate_keys_at_any_depth() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": 1, "c": 2, "\u0061": 3}}]"#] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with("the key \"a\" is given twice at line 1 column "), "{error}");
        }
    }

    #[test]
    fn read_refuses_other_texts() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "1 2", "nul", "{\"a\": 1,}", deep.as_str()] {
            assert!(read(text.as_bytes()).is_err(), "{text:.20}");
        }
        assert!(read(b"\"\xff\"").is_err(), "not UTF-8");
    }
}
