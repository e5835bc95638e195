//! Breaking differences between two schemas: requests that were valid must stay valid; fields that responses contained must stay.

use std::collections::HashSet;

use serde_json::Value;

use super::rules::object;

/// Whether a schema describes a request or a response.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Request,
    Answer,
}

/// The schemas of two documents, and the pairs compared already.
pub struct Schemas<'d> {
    old: &'d Value,
    new: &'d Value,
    seen: HashSet<(&'d str, Direction)>,
}

impl<'d> Schemas<'d> {
    pub fn new(old: &'d Value, new: &'d Value) -> Self {
        Self { old, new, seen: HashSet::new() }
    }

    /// Compares two schemas; adds a line to `found` for each breaking difference.
    pub fn compare(&mut self, place: &str, old: &'d Value, new: &'d Value, direction: Direction, found: &mut Vec<String>) {
        // A named schema is the same wherever it is used, so its location is its name.
        let name = target(old).and_then(|target| target.rsplit('/').next());
        if name.is_some_and(|name| target(new).is_some_and(|new| new.ends_with(name)) && !self.seen.insert((name, direction))) {
            return;
        }
        let place = name.unwrap_or(place);
        let (bare_old, bare_new) = (resolve(self.old, old), resolve(self.new, new));
        let mut say = |what: String| found.push(format!("{place}: {what}"));
        words(bare_old, bare_new, &mut say);
        match direction {
            Direction::Request => narrowed(Pair { old, new, bare_old, bare_new }, &mut say),
            Direction::Answer => loosened(Pair { old, new, bare_old, bare_new }, &mut say),
        }
        self.members(place, bare_old, bare_new, direction, found);
    }

    fn members(&mut self, place: &str, old: &'d Value, new: &'d Value, direction: Direction, found: &mut Vec<String>) {
        for (name, was) in object(&old["properties"]) {
            match new["properties"].get(name) {
                Some(is) => self.compare(&format!("{place}/{name}"), was, is, direction, found),
                None => found.push(format!("{place}: the field '{name}' is gone")),
            }
        }
        if let (Some(was), Some(is)) = (old.get("items"), new.get("items")) {
            self.compare(&format!("{place}/*"), was, is, direction, found);
        }
        for was in variants(old) {
            let same = |is: &&Value| target(is) == target(was) && resolve(self.new, is)["type"] == resolve(self.old, was)["type"];
            match variants(new).find(same) {
                Some(is) => self.compare(&format!("{place}/oneOf"), was, is, direction, found),
                None => found.push(format!("{place}: a variant is gone: {was}")),
            }
        }
    }
}

/// A schema in both documents, as written and with its reference resolved.
struct Pair<'d> {
    old: &'d Value,
    new: &'d Value,
    bare_old: &'d Value,
    bare_new: &'d Value,
}

/// Members that must not change in either direction.
fn words(old: &Value, new: &Value, say: &mut impl FnMut(String)) {
    let text = |value: &Value| value.as_str().unwrap_or("anything").to_owned();
    if old["type"] != new["type"] {
        say(format!("was {}, is {}", text(&old["type"]), text(&new["type"])));
    }
    if old["format"] != new["format"] {
        say(format!("the format was {}, is {}", text(&old["format"]), text(&new["format"])));
    }
    let values = new["enum"].as_array();
    for value in old["enum"].as_array().into_iter().flatten() {
        if values.is_some_and(|values| !values.contains(value)) {
            say(format!("the value {value} is gone"));
        }
    }
}

/// Requests: values that were valid and no longer are.
fn narrowed(pair: Pair<'_>, say: &mut impl FnMut(String)) {
    let Pair { old, new, bare_old, bare_new } = pair;
    if is_nullable(old, bare_old) && !is_nullable(new, bare_new) {
        say("null is not taken any more".to_owned());
    }
    for name in required(bare_new).filter(|name| !required(bare_old).any(|was| was == *name)) {
        say(format!("the field '{name}' is now required"));
    }
    if bare_old["enum"].is_null() && !bare_new["enum"].is_null() {
        say("only some values are taken now".to_owned());
    }
    if bare_new["additionalProperties"] == false && bare_old["additionalProperties"] != false {
        say("other fields are not taken any more".to_owned());
    }
    for bound in ["minimum", "minLength", "minItems"] {
        if number(bare_new, bound).is_some_and(|is| number(bare_old, bound).is_none_or(|was| is > was)) {
            say(format!("{bound} is narrower"));
        }
    }
    for bound in ["maximum", "maxLength", "maxItems"] {
        if number(bare_new, bound).is_some_and(|is| number(bare_old, bound).is_none_or(|was| is < was)) {
            say(format!("{bound} is narrower"));
        }
    }
    if !bare_new["pattern"].is_null() && bare_new["pattern"] != bare_old["pattern"] {
        say("the pattern is another".to_owned());
    }
}

/// Responses: values that were guaranteed and no longer are.
fn loosened(pair: Pair<'_>, say: &mut impl FnMut(String)) {
    let Pair { old, new, bare_old, bare_new } = pair;
    if is_nullable(new, bare_new) && !is_nullable(old, bare_old) {
        say("may be null now".to_owned());
    }
    for name in required(bare_old).filter(|name| bare_new["properties"].get(name).is_some()) {
        if !required(bare_new).any(|is| is == name) {
            say(format!("the field '{name}' may be missing now"));
        }
    }
}

/// Whether null is valid: by `nullable`, in a variant, or because the schema allows any value.
fn is_nullable(written: &Value, bare: &Value) -> bool {
    let is_any = ["type", "allOf", "oneOf", "anyOf"].iter().all(|name| bare[name].is_null());
    is_any || written["nullable"] == true || bare["nullable"] == true || variants(bare).any(|variant| variant["nullable"] == true)
}

/// The members of `oneOf` or `anyOf`.
fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten()
}

fn number(schema: &Value, name: &str) -> Option<f64> {
    schema[name].as_f64()
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The target of a reference, alone or as the only member of `allOf`.
fn target(schema: &Value) -> Option<&str> {
    schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str)
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    target(schema).and_then(|target| document.pointer(target.trim_start_matches('#'))).unwrap_or(schema)
}
