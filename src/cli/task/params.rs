//! Parameters by flags: `--param name=value`, read as what the task type's schema says the value is.

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::cli::call::{Call, Caller};
use crate::cli::look::{Look, text};

/// Parameters on the command line.
#[derive(Debug, Default, PartialEq, Args)]
pub(in crate::cli) struct ParamFlags {
    /// A parameter; may be given more than once. Lists and objects are written as JSON.
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// All parameters as one JSON object; those of --param win.
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
}

/// Reads `name=value`.
pub(super) fn pair(given: &str) -> Result<(String, String), String> {
    let (name, value) = given.split_once('=').ok_or_else(|| format!("'{given}' has no '='; write name=value"))?;
    if name.trim().is_empty() {
        return Err("there is no name before the '='".to_owned());
    }
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl ParamFlags {
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.param.is_empty() && self.params.is_none()
    }

    /// The parameters as a JSON object.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no JSON object; and as a call, for the types are asked for.
    pub(in crate::cli) async fn read(&self, task_type: &str, caller: &Caller, look: &Look) -> Result<Value, Failure> {
        let mut params = match &self.params {
            Some(json) => object(json)?,
            None => Map::new(),
        };
        if !self.param.is_empty() {
            let schema = schema_of(task_type, caller, look).await?;
            for (name, value) in &self.param {
                params.insert(name.clone(), typed(value, &schema["properties"][name]));
            }
        }
        Ok(Value::Object(params))
    }

    /// How a parameter was given, for messages about it.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        let given = self.param.iter().rev().find(|(given, _)| given == name);
        let flag = given.map(|(name, value)| format!("--param {name}={value}"));
        flag.or_else(|| self.params.as_ref().map(|json| format!("--params {json}")))
    }
}

fn object(json: &str) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_str(json) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Failure::Usage("--params: must be a JSON object, such as {\"message\": \"hello\"}".to_owned())),
        Err(error) => {
            let line = json.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
            let caret = " ".repeat(error.column().saturating_sub(1));
            Err(Failure::Usage(format!("--params: is not JSON: {error}\n  {line}\n  {caret}^")))
        }
    }
}

/// The JSON Schema of a type's parameters; null where there is no such type, which is told when the task is sent.
pub(super) async fn schema_of(task_type: &str, caller: &Caller, look: &Look) -> Result<Value, Failure> {
    // Whoever changes or runs a task has read it before; whoever makes the first one has not.
    let types = caller.json(Call::get(&["task-types"]).beginning(), look).await?;
    let known = types.as_array().into_iter().flatten().find(|known| text(&known["type"]) == task_type);
    Ok(known.map_or(Value::Null, |known| known["params_schema"].clone()))
}

/// A value of the command line: text where the schema wants text and nothing else, otherwise JSON where it reads as JSON.
pub(super) fn typed(given: &str, schema: &Value) -> Value {
    let wants_text = match &schema["type"] {
        Value::String(one) => one == "string",
        Value::Array(several) => several.iter().all(|kind| matches!(kind.as_str(), Some("string" | "null"))),
        _ => false,
    };
    let quoted = given.starts_with('"') && given.ends_with('"') && given.len() > 1;
    match serde_json::from_str(given) {
        Ok(value) if !wants_text || quoted => value,
        _ => Value::String(given.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_the_schema_says() {
        let (text, number, open) = (json!({"type": "string"}), json!({"type": "integer"}), json!({}));
        assert_eq!(typed("5", &text), json!("5"));
        assert_eq!(typed("5", &number), json!(5));
        assert_eq!(typed("five", &number), json!("five"), "the API says what is wrong with it");
        assert_eq!(typed("[1, 2]", &open), json!([1, 2]));
        assert_eq!(typed("hello", &open), json!("hello"));
        assert_eq!(typed("\"5\"", &open), json!("5"));
        assert_eq!(typed("{{ env.X }}", &open), json!("{{ env.X }}"));
    }

    #[test]
    fn what_is_no_json_is_pointed_at() {
        let told = object("{\"a\": 1,}").err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(told.contains("--params: is not JSON") && told.contains("{\"a\": 1,}\n") && told.ends_with('^'), "{told}");
    }
}
