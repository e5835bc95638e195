//! What would change of a task: field by field, and the next firings before and after.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::Failure;
use crate::cli::call::{Call, Caller};
use crate::cli::look::{Look, Tone, instant};

/// Firings shown of each rule.
const SHOWN: usize = 3;

/// The change in lines for people; empty where nothing changes.
///
/// # Errors
/// As the calls that ask for the firings.
pub(super) async fn told(before: &Value, after: &Value, caller: &Caller, look: &Look) -> Result<String, Failure> {
    let (old, new) = (leaves(before), leaves(after));
    let mut fields: Vec<&String> = old.keys().chain(new.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut lines = String::new();
    for field in fields.into_iter().filter(|field| old.get(*field) != new.get(*field)) {
        let line = |sign: &str, tone: Tone, value: Option<&String>| {
            value.map_or_else(String::new, |value| format!("{}\n", look.paint(tone, &format!("{sign} {field}: {value}"))))
        };
        lines.push_str(&line("-", Tone::Bad, old.get(field)));
        lines.push_str(&line("+", Tone::Good, new.get(field)));
    }
    if before["trigger"] != after["trigger"] {
        for (sign, tone, task) in [("-", Tone::Bad, before), ("+", Tone::Good, after)] {
            for at in firings(task, caller, look).await? {
                lines.push_str(&format!("{}\n", look.paint(tone, &format!("{sign} {} {at}", look.text("task.fires")))));
            }
        }
    }
    Ok(lines)
}

/// The next firings of a task's rule; none of a rule that is not right, which is told when the task is sent.
async fn firings(task: &Value, caller: &Caller, look: &Look) -> Result<Vec<String>, Failure> {
    let question = json!({"trigger": task["trigger"], "count": SHOWN});
    match caller.json(Call::post(&["triggers", "preview"]).json(&question), look).await {
        Ok(preview) => Ok(preview["fire_times"].as_array().into_iter().flatten().map(instant).collect()),
        Err(Failure::Usage(_)) => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// Each value that holds no others, by its path.
fn leaves(value: &Value) -> BTreeMap<String, String> {
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
    use super::*;

    #[test]
    fn values_are_named_by_their_paths() {
        let found = leaves(&json!({"a": {"b": [1, 2]}, "c": [{"d": "x"}], "e": {}}));
        let expected = [("a.b", "[1,2]"), ("c.0.d", "\"x\""), ("e", "{}")];
        assert_eq!(found, expected.map(|(path, value)| (path.to_owned(), value.to_owned())).into());
    }
}
