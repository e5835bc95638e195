//! Parameters as fields, made from the schema of a task type, and back. A field has the JSON Pointer of its value as its name
//! (`/params/auth/bearer`); what no field can show stays as it is in the JSON of the parameters, which the form sends along.

use serde::Serialize;
use serde_json::{Map, Value};

use self::kind::FieldKind;
use crate::domain::fault::{Fault, pointer_step};
use crate::domain::input::json_syntax;
use crate::domain::json::{pretty, read_typed};
use crate::i18n::{Language, Message, message};
use crate::web::urls::Pairs;

pub mod kind;

/// Name of the field with the parameters as JSON.
pub const PARAMS: &str = "/params";
/// The most fields of a form; further properties stay in the JSON.
const MOST_FIELDS: usize = 200;
/// How deep properties of objects get fields of their own.
const MAX_DEPTH: usize = 3;

/// One field of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParamField {
    /// The JSON Pointer of the value, the name of the form's field.
    pub name: String,
    /// The names of the properties that lead to the value.
    pub path: Vec<String>,
    pub kind: FieldKind,
    pub required: bool,
    /// Whether it is shown from the start: it is required, it has a value, or the example of the type uses it.
    pub is_primary: bool,
    /// The value as text; empty for [`FieldKind::Pairs`].
    pub text: String,
    pub pairs: Vec<(String, String)>,
    /// The values of [`FieldKind::Choice`].
    pub choices: Vec<String>,
    /// The value that counts while the field is empty, as text.
    pub default: String,
    pub hint: String,
}

/// A property that a field shows.
struct Slot<'a> {
    path: Vec<&'a str>,
    schema: &'a Value,
    value: Option<&'a Value>,
    required: bool,
    kind: FieldKind,
}

/// Returns the fields of parameters, in the order of the schema.
pub fn fields(schema: &Value, example: &Value, params: &Value, language: Language) -> Vec<ParamField> {
    let field = |slot: Slot<'_>| ParamField {
        name: slot.name(),
        is_primary: slot.required || slot.value.is_some() || at(example, &slot.path).is_some(),
        text: slot.text(),
        pairs: slot.pairs(),
        choices: kind::choices(slot.schema).iter().map(kind::plain).collect(),
        default: slot.schema.get("default").filter(|value| !value.is_null()).map(kind::plain).unwrap_or_default(),
        hint: description(slot.schema, language).to_owned(),
        kind: slot.kind,
        required: slot.required,
        path: slot.path.into_iter().map(str::to_owned).collect(),
    };
    slots(schema, params).into_iter().map(field).collect()
}

/// Returns the names of the fields of parameters.
pub fn names(schema: &Value, params: &Value) -> Vec<String> {
    slots(schema, params).iter().map(Slot::name).collect()
}

/// Returns the names of the members that no field shows.
pub fn unshown(schema: &Value, params: &Value) -> Vec<String> {
    let shown = slots(schema, params);
    let is_shown = |name: &str| shown.iter().any(|slot| slot.path.first() == Some(&name));
    params.as_object().map(|map| map.keys().filter(|name| !is_shown(name)).cloned().collect()).unwrap_or_default()
}

/// The description of a property in a language.
pub fn description(property: &Value, language: Language) -> &str {
    let text = |name: &str| property.get(name).and_then(Value::as_str);
    let chinese = text("x-description-zh").filter(|_| language == Language::Chinese);
    chinese.or(text("description")).unwrap_or_default()
}

/// Returns parameters with the changes of a form's fields, and the faults of fields that cannot be read, whose values stay. A field
/// that shows what the parameters hold changes nothing, so that a value keeps its exact form.
pub fn apply(schema: &Value, params: &Value, form: &Pairs) -> (Value, Vec<Fault>) {
    let (mut changed, mut faults) = (params.clone(), Vec::new());
    for slot in slots(schema, params) {
        match slot.submitted(form) {
            Submitted::Same => {}
            Submitted::Value(value) => set(&mut changed, &slot.path, value),
            Submitted::Removed => remove(&mut changed, &slot.path),
            Submitted::Unreadable(message) => faults.push(Fault::new(slot.name(), message)),
        }
    }
    (changed, faults)
}

/// Puts what a form submitted into its fields, so that a refused form keeps every letter.
pub fn keep_typed(fields: &mut [ParamField], form: &Pairs) {
    for field in fields {
        let rows = pair_rows(form, &field.name);
        if field.kind == FieldKind::Pairs {
            if !rows.is_empty() {
                field.pairs = rows.into_iter().filter(|(name, value)| !name.is_empty() || !value.is_empty()).collect();
            }
        } else if let Some(text) = form.all(&field.name).last() {
            field.text = normal(text);
        }
    }
}

/// Returns the name of the field that shows a fault: its own or the nearest enclosing one among these, else [`PARAMS`].
pub fn field_of<'n>(names: impl Iterator<Item = &'n str> + Clone, pointer: &'n str) -> &'n str {
    let mut rest = pointer;
    while rest.len() > PARAMS.len() {
        if let Some(name) = names.clone().find(|name| *name == rest) {
            return name;
        }
        rest = &rest[..rest.rfind('/').unwrap_or_default()];
    }
    PARAMS
}

fn slots<'a>(schema: &'a Value, params: &'a Value) -> Vec<Slot<'a>> {
    let mut found = Vec::new();
    if params.is_object() {
        collect(schema, Some(params), &[], true, &mut found);
    }
    found
}

fn collect<'a>(schema: &'a Value, value: Option<&'a Value>, path: &[&'a str], required: bool, found: &mut Vec<Slot<'a>>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let needed = |name: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        required && list.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(name)))
    };
    for (name, property) in properties {
        let path = [path, &[name.as_str()]].concat();
        let (own, required) = (value.and_then(|value| value.get(name)), needed(name));
        if path.len() < MAX_DEPTH && kind::is_group(property) && own.is_none_or(Value::is_object) {
            collect(property, own, &path, required || own.is_some(), found);
        } else if found.len() < MOST_FIELDS {
            found.push(Slot { kind: FieldKind::of(property, own), schema: property, value: own, path, required });
        }
    }
}

/// What a form says of one field.
#[derive(Debug, PartialEq)]
enum Submitted {
    /// Nothing, or what the field showed.
    Same,
    Removed,
    Value(Value),
    Unreadable(Message),
}

impl From<Option<Value>> for Submitted {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Submitted::Removed, Submitted::Value)
    }
}

impl Slot<'_> {
    fn name(&self) -> String {
        self.path.iter().fold(PARAMS.to_owned(), |name, step| name + "/" + &pointer_step(step))
    }

    fn text(&self) -> String {
        match (self.kind, self.value) {
            (FieldKind::Pairs, _) => String::new(),
            (FieldKind::Switch, value) => {
                value.or(self.schema.get("default")).and_then(Value::as_bool).unwrap_or_default().to_string()
            }
            (_, None) => String::new(),
            (FieldKind::Json, Some(value)) => json_text(value),
            (FieldKind::List, Some(Value::Array(list))) => list.iter().map(kind::plain).collect::<Vec<_>>().join("\n"),
            (_, Some(value)) => normal(&kind::plain(value)),
        }
    }

    fn pairs(&self) -> Vec<(String, String)> {
        let members = self.value.and_then(Value::as_object).filter(|_| self.kind == FieldKind::Pairs);
        members.map(|map| map.iter().map(|(name, value)| (name.clone(), kind::plain(value))).collect()).unwrap_or_default()
    }

    fn submitted(&self, form: &Pairs) -> Submitted {
        let name = self.name();
        if self.kind == FieldKind::Pairs {
            return self.submitted_pairs(&pair_rows(form, &name));
        }
        match form.all(&name).last().map(normal) {
            None => Submitted::Same,
            Some(text) if text == self.text() => Submitted::Same,
            Some(text) => self.read(&text),
        }
    }

    fn read(&self, text: &str) -> Submitted {
        let trimmed = text.trim();
        match self.kind {
            FieldKind::Switch => Submitted::Value((trimmed == "true").into()),
            FieldKind::Lines | FieldKind::Text if text.is_empty() => Submitted::Removed,
            FieldKind::Lines | FieldKind::Text => Submitted::Value(text.into()),
            _ if trimmed.is_empty() => Submitted::Removed,
            FieldKind::Number => Submitted::Value(kind::number_or_text(trimmed)),
            FieldKind::Choice => {
                let known = kind::choices(self.schema).iter().find(|choice| kind::plain(choice) == text).cloned();
                Submitted::Value(known.unwrap_or_else(|| text.into()))
            }
            FieldKind::List => Some(self.list(trimmed)).into(),
            FieldKind::Json => match read_json_text(text) {
                Ok(value) => Submitted::Value(value),
                Err(error) => Submitted::Unreadable(json_syntax(&error)),
            },
            _ => Submitted::Value(trimmed.into()),
        }
    }

    /// A line is an item; items that stay keep their exact form. One line is a text where the schema takes one.
    fn list(&self, text: &str) -> Value {
        let former = self.value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let item = |line: &str| {
            let known = former.iter().find(|item| kind::plain(item) == line).cloned();
            known.unwrap_or_else(|| kind::item(self.schema, line))
        };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match lines.as_slice() {
            [one] if kind::takes_text(self.schema) && !self.value.is_some_and(Value::is_array) => (*one).into(),
            lines => lines.iter().map(|line| item(line)).collect(),
        }
    }

    fn submitted_pairs(&self, rows: &[(String, String)]) -> Submitted {
        let given: Vec<_> = rows.iter().filter(|(name, value)| !name.is_empty() || !value.is_empty()).cloned().collect();
        if rows.is_empty() || given == self.pairs() {
            return Submitted::Same;
        }
        let former = self.value.and_then(Value::as_object);
        let mut map = Map::new();
        for (name, text) in given {
            let known = former.and_then(|map| map.get(&name)).filter(|value| kind::plain(value) == text);
            let value = known.cloned().unwrap_or_else(|| kind::member(self.schema, &text));
            if name.is_empty() {
                return Submitted::Unreadable(message!("param.pair_without_name"));
            }
            if map.insert(name.clone(), value).is_some() {
                return Submitted::Unreadable(message!("param.pair_twice", name));
            }
        }
        Some(Value::Object(map)).filter(|map| map.as_object().is_some_and(|map| !map.is_empty())).into()
    }
}

/// The rows of a key-value field: repeated fields `<name>/-/name` and `<name>/-/value`.
fn pair_rows(form: &Pairs, name: &str) -> Vec<(String, String)> {
    let (names, values) = (format!("{name}/-/name"), format!("{name}/-/value"));
    form.all(&names).zip(form.all(&values)).map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect()
}

/// A value as JSON text; a text that cannot be taken for JSON as it is.
fn json_text(value: &Value) -> String {
    match value {
        Value::String(text) if read_json_text(text).is_ok_and(|read| read == *value) => normal(text),
        other => pretty(other),
    }
}

/// Reads JSON; anything that does not begin like a text, a list or an object of JSON is a text of its own.
fn read_json_text(text: &str) -> serde_json::Result<Value> {
    match read_typed(text.trim()) {
        Err(error) if text.trim_start().starts_with(['{', '[', '"']) => Err(error),
        Err(_) => Ok(text.into()),
        read => read,
    }
}

/// A text with line feeds alone: browsers submit CR LF.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| value.get(step))
}

fn set(params: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut place = params;
    for step in parents {
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(*step).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Some(map) = place.as_object_mut() {
        map.insert((*last).to_owned(), value);
    }
}

/// Removes a member, and the objects that hold nothing else.
fn remove(params: &mut Value, path: &[&str]) {
    let (Some((first, rest)), Some(map)) = (path.split_first(), params.as_object_mut()) else { return };
    let is_empty = match map.get_mut(*first) {
        Some(inner) if !rest.is_empty() => {
            remove(inner, rest);
            inner.as_object().is_some_and(Map::is_empty)
        }
        _ => rest.is_empty(),
    };
    if is_empty {
        map.shift_remove(*first);
    }
}

#[cfg(test)]
mod tests;
