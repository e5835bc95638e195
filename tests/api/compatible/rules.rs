//! Breaking differences between two documents: operations, parameters, bodies and responses.

use serde_json::{Map, Value};

use super::schema::{Direction, Schemas};

/// All breaking differences of `new` from `old`, one per line.
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { schemas: Schemas::new(old, new), found: Vec::new() };
    for (path, calls) in members(&old["paths"]) {
        for (method, call) in members(calls) {
            let place = format!("{} {path}", method.to_uppercase());
            match new["paths"].get(path).and_then(|calls| calls.get(method)) {
                Some(now) => comparison.call(&place, call, now),
                None => comparison.found.push(format!("{place} is gone")),
            }
        }
    }
    comparison.found.sort();
    comparison.found.dedup();
    comparison.found
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

struct Comparison<'d> {
    schemas: Schemas<'d>,
    found: Vec<String>,
}

impl<'d> Comparison<'d> {
    fn say(&mut self, place: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{place}: {what}"));
    }

    fn call(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        if old["operationId"] != new["operationId"] {
            self.say(place, format_args!("the operationId was {}", old["operationId"].as_str().unwrap_or_default()));
        }
        self.parameters(place, list(&old["parameters"]), list(&new["parameters"]));
        self.body(place, &old["requestBody"], &new["requestBody"]);
        for (status, answer) in members(&old["responses"]) {
            match new["responses"].get(status) {
                Some(now) => self.answer(&format!("{place} {status}"), answer, now),
                None => self.say(place, format_args!("the status {status} is gone")),
            }
        }
    }

    fn parameters(&mut self, place: &str, old: &'d [Value], new: &'d [Value]) {
        let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
        let name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
        for was in old {
            let Some(is) = new.iter().find(|is| same(was, is)) else {
                self.say(place, format_args!("the parameter '{}' is gone", name(was)));
                continue;
            };
            if is["required"] == true && was["required"] != true {
                self.say(place, format_args!("the parameter '{}' is now required", name(was)));
            }
            self.schema(&format!("{place} {}", name(was)), &was["schema"], &is["schema"], Direction::Request);
        }
        for is in new.iter().filter(|is| is["required"] == true && !old.iter().any(|was| same(was, is))) {
            self.say(place, format_args!("the parameter '{}' is new and required", name(is)));
        }
    }

    fn body(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        if new["required"] == true && old["required"] != true {
            self.say(place, "the body is now required");
        }
        self.content(&format!("{place} body"), &old["content"], &new["content"], Direction::Request);
    }

    fn answer(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        for (header, _) in members(&old["headers"]).filter(|(header, _)| new["headers"].get(header).is_none()) {
            self.say(place, format_args!("the header {header} is gone"));
        }
        self.content(place, &old["content"], &new["content"], Direction::Answer);
    }

    fn content(&mut self, place: &str, old: &'d Value, new: &'d Value, direction: Direction) {
        for (kind, media) in members(old) {
            match new.get(kind) {
                Some(now) => self.schema(place, &media["schema"], &now["schema"], direction),
                None => self.say(place, format_args!("the media type {kind} is gone")),
            }
        }
    }

    fn schema(&mut self, place: &str, old: &'d Value, new: &'d Value, direction: Direction) {
        self.schemas.compare(place, old, new, direction, &mut self.found);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The members of an object; none for other values.
pub fn object(value: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}
