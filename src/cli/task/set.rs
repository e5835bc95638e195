//! `--set policy.timeout_seconds=60`: sets one field of a task by its path.

use serde_json::{Map, Value};

use super::params::typed;
use crate::cli::Failure;
use crate::cli::words;
use crate::i18n::message;

/// Fields that are always text.
const TEXTS: [&str; 4] = ["name", "description", "trigger.expression", "policy.queue"];

/// Sets a field, or removes it if the value is `null`. `schema` is that of the parameters.
pub(super) fn set(task: &mut Value, path: &str, given: &str, schema: &Value) -> Result<(), Failure> {
    let steps: Vec<&str> = path.split('.').collect();
    let value = match steps.as_slice() {
        ["params", name] => typed(given, &schema["properties"][*name]),
        _ if TEXTS.contains(&path) => Value::String(given.to_owned()),
        ["tags"] if !given.starts_with('[') => {
            given.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from).collect()
        }
        _ => typed(given, &Value::Null),
    };
    let through = |reached: &str| Failure::Usage(words(&message!("cli.no_fields", reached).of(format!("--set {path}"))));
    let (last, before) = steps.split_last().ok_or_else(|| through(path))?;
    let mut at = task;
    for (depth, step) in before.iter().enumerate() {
        let map = at.as_object_mut().ok_or_else(|| through(&steps[..depth].join(".")))?;
        at = map.entry(*step).or_insert_with(|| Value::Object(Map::new()));
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
    }
    let map = at.as_object_mut().ok_or_else(|| through(&before.join(".")))?;
    if value.is_null() {
        map.shift_remove(*last);
    } else {
        map.insert((*last).to_owned(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_set_by_path() {
        let mut task = json!({"name": "a", "policy": {"priority": 1}, "params": {"message": "x"}});
        let schema = json!({"properties": {"message": {"type": "string"}}});
        for (path, value) in [
            ("name", "5"),
            ("policy.retry.max_attempts", "5"),
            ("params.message", "5"),
            ("enabled", "false"),
            ("tags", "a, b"),
            ("policy.priority", "null"),
        ] {
            set(&mut task, path, value, &schema).expect("sets");
        }
        let expected = json!({"name": "5", "policy": {"retry": {"max_attempts": 5}}, "params": {"message": "5"},
            "enabled": false, "tags": ["a", "b"]});
        assert_eq!(task, expected);
        let refused = set(&mut task, "name.first", "x", &schema).err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(refused.contains("name has no fields"), "{refused}");
    }
}
