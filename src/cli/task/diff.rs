//! The difference between two versions of a task: fields, and the next fire times before and after.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::output_options::{OutputOptions, Tone, timestamp};
use crate::domain::schedule::FIELDS;

/// Fire times shown per trigger.
const FIRINGS_SHOWN: usize = 3;

/// The difference as text lines; empty if nothing changes.
pub(super) async fn render(before: &Value, after: &Value, client: &ApiClient, output: &OutputOptions) -> Result<String, Failure> {
    let (old, new) = (flatten(before), flatten(after));
    let mut fields: Vec<&String> = old.keys().chain(new.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut lines = String::new();
    for field in fields.into_iter().filter(|field| old.get(*field) != new.get(*field)) {
        let line = |sign: &str, tone: Tone, value: Option<&String>| {
            value.map_or_else(String::new, |value| format!("{}\n", output.paint(tone, &format!("{sign} {field}: {value}"))))
        };
        lines.push_str(&line("-", Tone::Bad, old.get(field)));
        lines.push_str(&line("+", Tone::Good, new.get(field)));
    }
    if schedule(before) != schedule(after) {
        for (sign, tone, task) in [("-", Tone::Bad, before), ("+", Tone::Good, after)] {
            for at in firings(task, client, output).await? {
                lines.push_str(&format!("{}\n", output.paint(tone, &format!("{sign} {} {at}", output.text("task.fires")))));
            }
        }
    }
    Ok(lines)
}

/// The rules and calendars of a task.
fn schedule(task: &Value) -> Map<String, Value> {
    let given = |name: &str| Some((name.to_owned(), task.get(name).filter(|value| !value.is_null())?.clone()));
    std::iter::once("trigger").chain(FIELDS).filter_map(given).collect()
}

/// The next fire times of a task; empty for an invalid one, which is reported when the task is sent.
async fn firings(task: &Value, client: &ApiClient, output: &OutputOptions) -> Result<Vec<String>, Failure> {
    let mut question = schedule(task);
    question.insert("count".to_owned(), FIRINGS_SHOWN.into());
    match client.json(Call::post(&["triggers", "preview"]).json(&Value::Object(question)), output).await {
        Ok(preview) => Ok(preview["fire_times"].as_array().into_iter().flatten().map(timestamp).collect()),
        Err(Failure::Usage(_)) => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// Each scalar value with its path.
fn flatten(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(name, value)| collect(value, &inner(name), found)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(place, value)| collect(value, &inner(&place.to_string()), found));
        }
        other => drop(found.insert(path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_flattened_by_path() {
        let found = flatten(&json!({"a": {"b": [1, 2]}, "c": [{"d": "x"}], "e": {}}));
        let expected = [("a.b", "[1,2]"), ("c.0.d", "\"x\""), ("e", "{}")];
        assert_eq!(found, expected.map(|(path, value)| (path.to_owned(), value.to_owned())).into());
    }
}
