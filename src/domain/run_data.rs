//! What a run was given beside its parameters: the values of its inputs, and the call of the hook that started it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::json;

/// The data of one run; most runs have none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunData {
    /// The values of its inputs; secrets are stars.
    pub inputs: Map<String, Value>,
    /// The secret values: a JSON object, encrypted.
    pub secrets: Option<String>,
    pub hook: Option<HookCall>,
}

/// The call of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookCall {
    /// The hook's name.
    pub name: String,
    /// The request's headers that templates may read, by their names in small letters.
    pub headers: Map<String, Value>,
    /// The request's body.
    pub body: String,
}

impl HookCall {
    /// The call as the template variable `hook`; its member `json` is the body if that is JSON, else null.
    pub fn variable(&self) -> Value {
        let parsed = json::read(self.body.as_bytes()).unwrap_or_default();
        json!({"name": self.name, "headers": self.headers, "body": self.body, "json": parsed})
    }
}

/// The name under which the secret inputs of an execution are encrypted.
pub fn seal_name(execution_id: &str) -> String {
    format!("run_data:{execution_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_has_the_body_as_text_and_as_json() {
        let call = |body: &str| HookCall { name: "ci".into(), headers: Map::new(), body: body.into() };
        let parsed = call(r#"{"ref": "main", "n": 12345678901234567890123}"#).variable();
        assert_eq!(
            (&parsed["json"]["ref"], parsed["json"]["n"].to_string().as_str()),
            (&"main".into(), "12345678901234567890123")
        );
        let plain = call("a=1").variable();
        assert_eq!((&plain["json"], &plain["body"]), (&Value::Null, &"a=1".into()));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(call(&deep).variable()["json"], Value::Null, "nested too deep");
    }
}
