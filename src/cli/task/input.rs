//! The fields of a task that can be sent.

use serde_json::{Map, Value};

/// The writable fields of a response as the user wrote them.
pub(super) fn as_input(task: &Value) -> Value {
    if task.get("created_at").is_some() { editable(task) } else { task.clone() }
}

/// The fields of a task that can be sent.
pub(super) fn editable(task: &Value) -> Value {
    let document = crate::api::document();
    let known = document.pointer("/components/schemas/TaskInput/properties").and_then(Value::as_object);
    let is_known = |name: &str| known.is_none_or(|known| known.contains_key(name));
    // Of several rules, the trigger is that of the first.
    let is_double = |name: &str| name == "trigger" && task.get("triggers").is_some_and(Value::is_array);
    let fields = task.as_object().into_iter().flatten().filter(|(name, _)| is_known(name) && !is_double(name));
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_writable_fields_are_edited() {
        let task = json!({"id": "a", "type": "echo", "trigger": {}, "version": 3, "stats": {}, "chain": []});
        assert_eq!(editable(&task), json!({"id": "a", "type": "echo", "trigger": {}, "chain": []}));
        let several = json!({"id": "a", "trigger": {}, "triggers": [{"trigger": {}}]});
        assert_eq!(editable(&several), json!({"id": "a", "triggers": [{"trigger": {}}]}));
    }
}
