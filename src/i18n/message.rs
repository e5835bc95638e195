//! Messages: a code with named arguments, put into words per language by the catalogs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Language, catalog, template};

/// What is wrong, or what happened: a code and its arguments. `Display` gives the English words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(Box<Coded>); // on the heap, because many errors hold one

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Coded {
    code: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    args: BTreeMap<Cow<'static, str>, Arg>,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Arg {
    Number(i64),
    Text(String),
    Message(Message),
}

/// Builds a message: `message!("value.out_of_range", value = 25, min = 0, max)`. An argument without a value is the
/// variable of its name.
macro_rules! message {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    ($code:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::i18n::Message::new($code)
            $(.with(stringify!($name), $crate::i18n::message!(@value $name $($value)?)))*
    };
}
pub(crate) use message;

impl Message {
    /// A message without arguments.
    pub fn new(code: &'static str) -> Self {
        Self(Box::new(Coded { code: Cow::Borrowed(code), args: BTreeMap::new() }))
    }

    /// A text from outside, such as a server's answer: shown as it is in every language.
    pub fn verbatim(text: impl Into<String>) -> Self {
        message!("verbatim", text = text.into())
    }

    /// Adds an argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.0.args.insert(Cow::Borrowed(name), value.into());
        self
    }

    /// Puts the name of a field before the message: `hour: 25 is not between 0 and 23`.
    #[must_use]
    pub fn of(self, field: impl Into<String>) -> Self {
        message!("field", field = field.into(), message = self)
    }

    /// Returns the message without the field of [`Message::of`].
    #[must_use]
    pub fn without_field(mut self) -> Self {
        match self.0.args.remove("message") {
            Some(Arg::Message(inner)) if self.0.code == "field" => inner,
            Some(other) => self.with("message", other),
            None => self,
        }
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The words of an argument, in English.
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.0.args.get(name).map(|arg| arg.text(Language::English))
    }

    /// Returns the message with every text from outside changed by `change`, for example to mask secrets.
    #[must_use]
    pub fn map_texts(mut self, change: &impl Fn(&str) -> String) -> Self {
        for arg in self.0.args.values_mut() {
            match arg {
                Arg::Number(_) => {}
                Arg::Text(text) => *text = change(text),
                Arg::Message(inner) => *inner = std::mem::replace(inner, Message::new("")).map_texts(change),
            }
        }
        self
    }

    /// Returns the words in a language. A code without a template gives the code and its arguments.
    pub fn text(&self, language: Language) -> String {
        match catalog(language).template(&self.0.code) {
            Some(parts) => template::fill(parts, |name| self.0.args.get(name).map(|arg| arg.text(language))),
            None => self.without_template(language),
        }
    }

    fn without_template(&self, language: Language) -> String {
        let args = self.0.args.iter().map(|(name, arg)| format!(" {name}={}", arg.text(language)));
        format!("{}{}", self.0.code, args.collect::<String>())
    }
}

impl Arg {
    fn text(&self, language: Language) -> String {
        match self {
            Arg::Number(number) => number.to_string(),
            Arg::Text(text) => text.clone(),
            Arg::Message(message) => message.text(language),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl From<Message> for Arg {
    fn from(message: Message) -> Self {
        Arg::Message(message)
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Text(text)
    }
}

impl From<Cow<'_, str>> for Arg {
    fn from(text: Cow<'_, str>) -> Self {
        Arg::Text(text.into_owned())
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Text(text.to_owned())
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Arg::Text(text.clone())
    }
}

impl From<char> for Arg {
    fn from(character: char) -> Self {
        Arg::Text(character.into())
    }
}

impl From<f64> for Arg {
    fn from(number: f64) -> Self {
        Arg::Text(number.to_string())
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Arg::Number(number)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Arg {
            fn from(number: $number) -> Self {
                Arg::Number(number.into())
            }
        })*
    };
}
numbers!(u8, u16, u32, i32);

/// Numbers that may be beyond the range of `i64`; those are kept as text.
macro_rules! wide_numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Arg {
            fn from(number: $number) -> Self {
                number.try_into().map_or_else(|_| Arg::Text(number.to_string()), Arg::Number)
            }
        })*
    };
}
wide_numbers!(u64, u128, usize);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn out_of_range() -> Message {
        let max = 23_u32;
        message!("value.out_of_range", value = 25, min = 0, max).of("hour")
    }

    #[test]
    fn messages_are_put_into_words_per_language() {
        assert_eq!(out_of_range().to_string(), "hour: 25 is not between 0 and 23");
        assert_eq!(out_of_range().text(Language::Chinese), "hour: 25 不在 0 到 23 之间");
        assert_eq!(Message::verbatim("ORA-00942 {text}").text(Language::Chinese), "ORA-00942 {text}");
        assert_eq!(message!("no.such.code", a = 'x').to_string(), "no.such.code a=x");
    }

    #[test]
    fn without_field_leaves_the_message_alone() {
        assert_eq!(out_of_range().without_field().to_string(), "25 is not between 0 and 23");
        assert_eq!(Message::verbatim("x").without_field(), Message::verbatim("x"));
    }

    #[test]
    fn placeholders_in_arguments_are_kept() {
        assert_eq!(message!("value.not_one_of", value = "{known}", known = "a, b").to_string(), "{known} is not one of a, b");
    }

    #[test]
    fn messages_are_stored_as_json() {
        let stored = serde_json::to_value(out_of_range()).expect("a message is JSON");
        assert_eq!(
            stored,
            json!({"code": "field", "args": {
                "field": "hour",
                "message": {"code": "value.out_of_range", "args": {"value": 25, "min": 0, "max": 23}},
            }})
        );
        assert_eq!(serde_json::from_value::<Message>(stored).expect("it reads"), out_of_range());
    }

    #[test]
    fn texts_of_nested_messages_are_changed() {
        let masked = Message::verbatim("hush").of("password").map_texts(&|text| text.replace("hush", "***"));
        assert_eq!(masked.to_string(), "password: ***");
    }
}
