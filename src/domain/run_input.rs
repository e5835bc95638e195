//! Run inputs: the values that a task asks for when it is run, available to its templates as `input.<name>`.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::fault::{Fault, pointer_step};
use super::input::{Fields, display_value, quoted, truncate};
use super::mask::{MIN_SECRET_LENGTH, STARS};
use super::text_enum::text_enum;
use crate::i18n::{Message, message};

/// The most inputs of a task.
pub const MAX_INPUTS: usize = 30;
const MAX_NAME: usize = 40;
const MAX_TITLE: usize = 200;
const MAX_CHOICES: usize = 100;
const MAX_CHOICE: usize = 200;
/// The longest text, in characters, and the longest secret and number, in bytes.
const MAX_TEXT: usize = 10_000;
const MAX_SECRET: usize = 4_096;
const MAX_NUMBER: usize = 100;

text_enum! {
    /// What kind of value an input takes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum InputKind {
        Text = "text",
        Number = "number",
        /// One of the given choices.
        Choice = "choice",
        /// `YYYY-MM-DD`.
        Date = "date",
        Boolean = "boolean",
        /// A text that is encrypted in the database and never shown.
        Secret = "secret",
    }
}

impl InputKind {
    /// Converts what a form or a command line gave as text; anything else than the kind expects is left to the check.
    pub fn read_text(self, text: &str) -> Value {
        match (self, text) {
            (InputKind::Number, _) => serde_json::from_str(text.trim()).ok().filter(Value::is_number).unwrap_or(text.into()),
            (InputKind::Boolean, "true") => true.into(),
            (InputKind::Boolean, "false") => false.into(),
            _ => text.into(),
        }
    }
}

/// One input of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct InputField {
    pub name: String,
    /// The label in forms; the name if none was given.
    pub title: String,
    pub kind: InputKind,
    /// The values that an input of the kind [`InputKind::Choice`] takes.
    pub choices: Vec<String>,
    /// The value of a run for which none is given.
    pub default: Option<Value>,
    /// Whether a run needs a value, given or by default.
    pub required: bool,
}

impl InputField {
    /// Whether its values can be inserted into code: they hold no text that the person who runs the task made up.
    pub fn is_harmless(&self) -> bool {
        !matches!(self.kind, InputKind::Text | InputKind::Secret)
    }

    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.clone().into());
        map.insert("title".to_owned(), self.title.clone().into());
        map.insert("type".to_owned(), self.kind.as_str().into());
        if self.kind == InputKind::Choice {
            map.insert("choices".to_owned(), self.choices.clone().into());
        }
        if let Some(default) = &self.default {
            map.insert("default".to_owned(), default.clone());
        }
        map.insert("required".to_owned(), self.required.into());
        Value::Object(map)
    }

    /// Checks a value of this input.
    fn check(&self, value: Value) -> Result<Value, Message> {
        match (self.kind, value) {
            (InputKind::Text, Value::String(text)) => check_text(&text, self.required).map(|()| text.into()),
            (InputKind::Number, Value::Number(number)) if number.to_string().len() <= MAX_NUMBER => Ok(number.into()),
            (InputKind::Number, Value::Number(_)) => Err(message!("value.too_long", max = MAX_NUMBER)),
            (InputKind::Choice, Value::String(text)) if self.choices.contains(&text) => Ok(text.into()),
            (InputKind::Choice, given) => {
                Err(message!("value.not_one_of", value = display_value(&given), known = truncate(&self.choices.join(", "), 400)))
            }
            (InputKind::Date, Value::String(text)) if is_date(&text) => Ok(text.into()),
            (InputKind::Date, given) => Err(message!("input.not_date", value = display_value(&given))),
            (InputKind::Boolean, Value::Bool(given)) => Ok(given.into()),
            (InputKind::Secret, Value::String(text)) => check_secret(&text).map(|()| text.into()),
            // What was given is not shown: it may be the secret.
            (InputKind::Secret, _) => Err(message!("value.not_a_text")),
            (InputKind::Text, given) => Err(message!("value.not_text", value = display_value(&given))),
            (InputKind::Number, given) => Err(message!("input.not_number", value = display_value(&given))),
            (InputKind::Boolean, given) => Err(message!("value.not_boolean", value = display_value(&given))),
        }
    }

    /// The value of a run for which none is given.
    fn fallback(&self) -> Option<Value> {
        self.default.clone().or(match self.kind {
            InputKind::Text => Some("".into()),
            InputKind::Boolean => Some(false.into()),
            _ => None,
        })
    }
}

fn check_text(text: &str, required: bool) -> Result<(), Message> {
    match text {
        _ if text.chars().count() > MAX_TEXT => Err(message!("value.too_long", max = MAX_TEXT)),
        _ if text.contains('\0') => Err(message!("value.nul")),
        "" if required => Err(message!("value.empty")),
        _ => Ok(()),
    }
}

/// A secret that is too short could not be masked in the output.
fn check_secret(text: &str) -> Result<(), Message> {
    if !(MIN_SECRET_LENGTH..=MAX_SECRET).contains(&text.len()) {
        return Err(message!("value.byte_count", min = MIN_SECRET_LENGTH, max = MAX_SECRET, count = text.len()));
    }
    if text.contains('\0') { Err(message!("value.nul")) } else { Ok(()) }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// The inputs as JSON, the form in storage and in API responses.
pub fn to_json(fields: &[InputField]) -> Value {
    fields.iter().map(InputField::to_json).collect()
}

/// Parses the inputs of a task; `base` is the JSON Pointer of `value`.
///
/// # Errors
/// Every fault found.
pub fn parse(value: &Value, base: &str) -> Result<Vec<InputField>, Vec<Fault>> {
    let fault = |message: Message| vec![Fault::new(base, message.of("inputs"))];
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(fault(message!("value.not_list", value = display_value(other)))),
    };
    if list.len() > MAX_INPUTS {
        return Err(fault(message!("value.too_many", count = list.len(), max = MAX_INPUTS)));
    }
    let (mut fields, mut faults, mut names) = (Vec::new(), Vec::new(), HashSet::new());
    for (place, item) in list.iter().enumerate() {
        let base = format!("{base}/{place}");
        match parse_field(item, &base) {
            Ok(field) if names.insert(field.name.clone()) => fields.push(field),
            Ok(field) => faults.push(Fault::new(format!("{base}/name"), message!("input.twice", name = field.name).of("name"))),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(fields) } else { Err(faults) }
}

fn parse_field(value: &Value, base: &str) -> Result<InputField, Vec<Fault>> {
    let mut f = Fields::new(value, base);
    let name = f.text("name", MAX_NAME, "");
    if !is_name(&name) {
        f.fault("name", message!("input.invalid_name", max = MAX_NAME));
    }
    let title = f.text("title", MAX_TITLE, &name);
    let kind = f.choice("type", &InputKind::WORDS, InputKind::Text);
    let choices = f.texts("choices");
    if let Some(message) = choices_fault(kind, &choices) {
        f.fault("choices", message);
    }
    let default = f.take("default");
    let required = f.boolean("required", false);
    let mut field = InputField { name, title, kind, choices, default: None, required };
    if let Some(default) = default {
        match field.check(default) {
            // It would be shown with the task.
            Ok(_) | Err(_) if kind == InputKind::Secret => f.fault("default", message!("input.secret_default")),
            Ok(default) => field.default = Some(default),
            Err(message) => f.fault("default", message),
        }
    }
    f.finish(field)
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn choices_fault(kind: InputKind, choices: &[String]) -> Option<Message> {
    if kind != InputKind::Choice {
        return (!choices.is_empty()).then(|| message!("input.choices_of_choice"));
    }
    let unique: HashSet<&String> = choices.iter().collect();
    match choices {
        [] => Some(message!("input.choices_required")),
        many if many.len() > MAX_CHOICES => Some(message!("value.too_many", count = many.len(), max = MAX_CHOICES)),
        many if unique.len() < many.len() => Some(message!("input.choice_twice")),
        many => many
            .iter()
            .find(|text| text.is_empty() || text.chars().count() > MAX_CHOICE || text.chars().any(char::is_control))
            .map(|text| message!("input.invalid_choice", value = quoted(text, 40), max = MAX_CHOICE)),
    }
}

/// The input that a run without given values has no value for.
pub fn unanswered(fields: &[InputField]) -> Option<&InputField> {
    fields.iter().find(|field| field.required && field.default.is_none() && field.kind != InputKind::Boolean)
}

/// The values of one run: those given, else the defaults. `base` is the JSON Pointer of the given values.
///
/// # Errors
/// Every fault, with the name of its input.
pub fn fill(fields: &[InputField], given: &Map<String, Value>, base: &str) -> Result<Map<String, Value>, Vec<Fault>> {
    let (mut values, mut faults) = (Map::new(), Vec::new());
    let mut fault = |name: &str, message: Message| {
        faults.push(Fault::new(format!("{base}/{}", pointer_step(name)), message.of(truncate(name, 40))));
    };
    for field in fields {
        match given.get(&field.name) {
            Some(Value::Null) => fault(&field.name, message!("value.null")),
            Some(value) => match field.check(value.clone()) {
                Ok(value) => drop(values.insert(field.name.clone(), value)),
                Err(message) => fault(&field.name, message),
            },
            None if field.required && field.default.is_none() && field.kind != InputKind::Boolean => {
                fault(&field.name, message!("value.required"));
            }
            None => values.extend(field.fallback().map(|value| (field.name.clone(), value))),
        }
    }
    for name in given.keys().filter(|name| !fields.iter().any(|field| field.name == **name)) {
        fault(name, message!("input.unknown", known = known_names(fields)));
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// The names of the inputs for a message.
pub fn known_names(fields: &[InputField]) -> Message {
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    if names.is_empty() { Message::new("input.none") } else { Message::verbatim(names.join(", ")) }
}

/// The values for display and records: secrets as stars.
pub fn shown(fields: &[InputField], values: &Map<String, Value>) -> Map<String, Value> {
    let is_secret = |name: &str| fields.iter().any(|field| field.name == name && field.kind == InputKind::Secret);
    values.iter().map(|(name, value)| (name.clone(), if is_secret(name) { json!(STARS) } else { value.clone() })).collect()
}

#[cfg(test)]
mod tests;
