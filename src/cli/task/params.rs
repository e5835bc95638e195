//! Parameter flags: `--param name=value`, converted to the type in the task type's schema.

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::output_options::{OutputOptions, text};
use crate::cli::source_line::marked;
use crate::cli::words;
use crate::i18n::message;

/// Task parameters on the command line.
#[derive(Debug, Default, PartialEq, Args)]
pub(in crate::cli) struct ParamFlags {
    /// A parameter; repeatable. Lists and objects are written as JSON.
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// All parameters as one JSON object; --param takes precedence.
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
}

/// Parses `name=value`.
pub(in crate::cli) fn pair(given: &str) -> Result<(String, String), String> {
    let (name, value) = given.split_once('=').ok_or_else(|| words(&message!("cli.no_equals", given)))?;
    if name.trim().is_empty() {
        return Err(words(&message!("cli.no_name")));
    }
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl ParamFlags {
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.param.is_empty() && self.params.is_none()
    }

    /// The parameters as a JSON object. `--param` values need the schema, so the task types are requested.
    pub(in crate::cli) async fn read(
        &self,
        task_type: &str,
        client: &ApiClient,
        output: &OutputOptions,
    ) -> Result<Value, Failure> {
        let mut params = match &self.params {
            Some(json) => object(json)?,
            None => Map::new(),
        };
        if !self.param.is_empty() {
            let schema = schema_of(task_type, client, output).await?;
            for (name, value) in &self.param {
                params.insert(name.clone(), typed(value, &schema["properties"][name]));
            }
        }
        Ok(Value::Object(params))
    }

    /// The flag that set a parameter, for messages.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        let given = self.param.iter().rev().find(|(given, _)| given == name);
        let flag = given.map(|(name, value)| format!("--param {name}={value}"));
        flag.or_else(|| self.params.as_ref().map(|json| format!("--params {json}")))
    }
}

fn object(json: &str) -> Result<Map<String, Value>, Failure> {
    match crate::domain::json::read(json.as_bytes()) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => {
            Err(Failure::Usage(words(&message!("cli.params_not_object", example = "{\"message\": \"hello\"}").of("--params"))))
        }
        Err(error) => {
            let line = json.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
            let before = line.get(..error.column().saturating_sub(1)).unwrap_or(line);
            let (line, caret) = marked(line, before.chars().count(), 1);
            Err(Failure::Usage(format!(
                "{}\n  {line}\n  {caret}",
                words(&message!("cli.not_json", error = error.to_string()).of("--params"))
            )))
        }
    }
}

/// The JSON Schema of a type's parameters; null for an unknown type, which is reported when the task is sent.
pub(super) async fn schema_of(task_type: &str, client: &ApiClient, output: &OutputOptions) -> Result<Value, Failure> {
    // The first task may be created before the database exists.
    let types = client.json(Call::get(&["task-types"]).may_create_database(), output).await?;
    let known = types.as_array().into_iter().flatten().find(|known| text(&known["type"]) == task_type);
    Ok(known.map_or(Value::Null, |known| known["params_schema"].clone()))
}

/// Converts a value: text if the schema allows only strings, otherwise JSON if it parses as JSON.
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
    fn values_are_converted_by_the_schema() {
        let (text, number, open) = (json!({"type": "string"}), json!({"type": "integer"}), json!({}));
        assert_eq!(typed("5", &text), json!("5"));
        assert_eq!(typed("5", &number), json!(5));
        assert_eq!(typed("five", &number), json!("five"), "the API reports the fault");
        assert_eq!(typed("[1, 2]", &open), json!([1, 2]));
        assert_eq!(typed("hello", &open), json!("hello"));
        assert_eq!(typed("\"5\"", &open), json!("5"));
        assert_eq!(typed("{{ env.X }}", &open), json!("{{ env.X }}"));
    }

    #[test]
    fn invalid_json_is_shown_with_a_caret() {
        let message = object("{\"a\": 1,}").err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(message.contains("--params: is not valid JSON") && message.contains("{\"a\": 1,}\n"), "{message}");
        assert!(message.ends_with('^'), "{message}");
    }
}
