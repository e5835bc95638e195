//! Descriptions of executables: `<name> --describe` may print one JSON object. An executable that fails or prints anything else
//! is still a task type; its parameters are any object.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Executable, launch};
use crate::domain::input::truncate;
use crate::domain::policy::{Policy, Retry};
use crate::tasks::process::{self, ProcessExit};
use crate::tasks::registry::Entry;
use crate::tasks::{Spec, Text};

/// Time limit of `--describe`.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of a description, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const TITLE_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 1000;

/// The keys of a description; output with none of them is not a description.
const KEYS: [&str; 6] = ["title", "description", "params_schema", "example", "dangerous", "default_policy"];

/// Why an executable is rejected as a task type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DescribeError {
    /// The executable or its description must be corrected.
    Invalid(String),
    /// The executable cannot be started now, for example because it is being written.
    Unavailable(String),
}

/// The description as printed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    title: Option<RawText>,
    description: Option<RawText>,
    params_schema: Option<Value>,
    example: Option<Value>,
    /// Accepted without effect: every executable is dangerous.
    #[serde(rename = "dangerous")]
    _dangerous: Option<bool>,
    default_policy: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawText {
    Plain(String),
    Both { en: String, zh: Option<String> },
}

/// Runs `<path> --describe` and builds the task type from its output.
pub(super) async fn describe(name: &str, path: &Path) -> Result<Entry, DescribeError> {
    let mut launch = launch(path, &["--describe"]);
    launch.keep = ANSWER_BYTES_MAX;
    let exit = process::run_without_output(launch, TIMEOUT).await;
    let exit = exit.map_err(|error| match error.retryable {
        true => DescribeError::Unavailable(error.message.to_string()),
        false => DescribeError::Invalid(error.message.to_string()),
    })?;
    let answer = exit.as_ref().and_then(parse_answer);
    let spec = spec(name, answer).map_err(DescribeError::Invalid)?;
    let has_example = spec.example != json!({});
    let entry = Entry::new(Arc::new(Executable { spec, path: path.to_owned() }))
        .map_err(|error| DescribeError::Invalid(format!("params_schema: {}", truncate(&error, 300))))?;
    match entry.check(&entry.spec.example, "").first() {
        Some(fault) if has_example => Err(DescribeError::Invalid(format!("example: does not match params_schema: {fault}"))),
        _ => Ok(entry),
    }
}

/// The printed description, if there is one. An executable that does not implement `--describe` may do its work and print a
/// result instead, so the object must have at least one known key.
fn parse_answer(exit: &ProcessExit) -> Option<Value> {
    let text = (exit.exit_code() == Some(0)).then(|| exit.pipes.stdout())?;
    let answer: Value = serde_json::from_str(&text).ok()?;
    let describes = KEYS.iter().any(|key| answer.get(key).is_some());
    describes.then_some(answer)
}

fn spec(name: &str, answer: Option<Value>) -> Result<Spec, String> {
    let described = serde_json::from_value(answer.unwrap_or_else(|| json!({})));
    let Description { title, description, params_schema, example, default_policy, .. } =
        described.map_err(|error| format!("invalid output of --describe: {error}"))?;
    let retry = Retry { max_attempts: 3, ..Retry::default() };
    let default = Policy { timeout: Some(Duration::from_secs(3600)), retry, ..Policy::default() };
    let default_policy = default_policy.map(|given| Policy::parse(&given, &default)).transpose();
    let invalid_policy =
        |faults: Vec<_>| format!("default_policy: {}", faults.first().map(ToString::to_string).unwrap_or_default());
    let params_schema = params_schema.unwrap_or_else(|| json!({"type": "object"}));
    if !params_schema.is_object() {
        return Err("params_schema: must be a JSON Schema object".to_owned());
    }
    Ok(Spec {
        name: name.to_owned().into(),
        title: text(title, TITLE_MAX).unwrap_or_else(|| Text { en: name.to_owned().into(), zh: name.to_owned().into() }),
        description: text(description, DESCRIPTION_MAX)
            .unwrap_or(Text::new("An executable in the task type folder.", "任务类型目录中的可执行文件。")),
        params_schema,
        example: example.unwrap_or_else(|| json!({})),
        default_policy: default_policy.map_err(invalid_policy)?.unwrap_or(default),
        dangerous: true,
    })
}

fn text(raw: Option<RawText>, max: usize) -> Option<Text> {
    let (en, zh) = match raw? {
        RawText::Plain(text) => (text.clone(), text),
        RawText::Both { zh, en } => (en.clone(), zh.unwrap_or(en)),
    };
    Some(Text { en: truncate(&en, max).into(), zh: truncate(&zh, max).into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_may_have_one_language_or_two() {
        let answer =
            json!({"title": {"en": "Report", "zh": "报表"}, "description": "Once", "default_policy": {"timeout_seconds": 5}});
        let spec = spec("report", Some(answer)).unwrap();
        assert_eq!((spec.title, spec.description), (Text::new("Report", "报表"), Text::new("Once", "Once")));
        assert_eq!((spec.default_policy.timeout, spec.dangerous), (Some(Duration::from_secs(5)), true));
        assert_eq!(super::spec("plain", None).unwrap().title, Text::new("plain", "plain"));
    }

    #[test]
    fn faults_name_the_invalid_key() {
        let fault = |answer: Value| spec("x", Some(answer)).unwrap_err();
        assert!(fault(json!({"titel": "x"})).contains("unknown field `titel`"));
        assert!(fault(json!({"default_policy": {"priority": "high"}})).starts_with("default_policy: priority: "));
        assert!(fault(json!({"params_schema": 1})).starts_with("params_schema: "));
    }
}
