//! Asks an executable what it is and takes: `<name> --describe` may answer one JSON object. One that fails then, or answers
//! something else, is a task type all the same, whose parameters are any object.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Executable, launch};
use crate::domain::input::cut;
use crate::domain::policy::{Policy, Retry};
use crate::tasks::process::{self, Ended};
use crate::tasks::registry::Entry;
use crate::tasks::{Spec, Text};

/// What an executable is given to describe itself.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest description, in bytes.
const LONGEST: usize = 256 * 1024;
const TITLE_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 1000;

/// What an answer is known by.
const KEYS: [&str; 6] = ["title", "description", "params_schema", "example", "dangerous", "default_policy"];

/// Why an executable is no task type.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has to change first.
    Faulty(String),
    /// It cannot be started at this moment (it is being written, perhaps).
    Later(String),
}

/// As answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    title: Option<RawText>,
    description: Option<RawText>,
    params_schema: Option<Value>,
    example: Option<Value>,
    /// Taken, and of no effect: an executable can do anything on the machine.
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

/// Makes a task type of an executable.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn describe(name: &str, path: &Path) -> Result<Entry, Refused> {
    let mut launch = launch(path, &["--describe"]);
    launch.keep = LONGEST;
    let ended = process::run_quietly(launch, LIMIT).await;
    let ended = ended.map_err(|error| match error.retryable {
        true => Refused::Later(error.message),
        false => Refused::Faulty(error.message),
    })?;
    let answer = ended.as_ref().and_then(answer);
    let spec = spec(name, answer).map_err(Refused::Faulty)?;
    let has_example = spec.example != json!({});
    let entry = Entry::new(Arc::new(Executable { spec, path: path.to_owned() }))
        .map_err(|error| Refused::Faulty(format!("params_schema: {}", cut(&error, 300))))?;
    match entry.check(&entry.spec.example, "").first() {
        Some(fault) if has_example => Err(Refused::Faulty(format!("example: does not fit params_schema: {fault}"))),
        _ => Ok(entry),
    }
}

/// The one object that was answered, if it describes anything: an executable that does not know `--describe` may simply do
/// its work and answer with its result.
fn answer(ended: &Ended) -> Option<Value> {
    let text = (ended.exit_code() == Some(0)).then(|| ended.pipes.stdout())?;
    let answer: Value = serde_json::from_str(&text).ok()?;
    let describes = KEYS.iter().any(|key| answer.get(key).is_some());
    describes.then_some(answer)
}

fn spec(name: &str, answer: Option<Value>) -> Result<Spec, String> {
    let described = serde_json::from_value(answer.unwrap_or_else(|| json!({})));
    let Description { title, description, params_schema, example, default_policy, .. } =
        described.map_err(|error| format!("the answer to --describe: {error}"))?;
    let retry = Retry { max_attempts: 3, ..Retry::default() };
    let default = Policy { timeout: Some(Duration::from_secs(3600)), retry, ..Policy::default() };
    let default_policy = default_policy.map(|given| Policy::parse(&given, &default)).transpose();
    let unreadable = |faults: Vec<_>| format!("default_policy: {}", faults.first().map(ToString::to_string).unwrap_or_default());
    let params_schema = params_schema.unwrap_or_else(|| json!({"type": "object"}));
    if !params_schema.is_object() {
        return Err("params_schema: is no JSON Schema of an object".to_owned());
    }
    Ok(Spec {
        name: name.to_owned().into(),
        title: text(title, TITLE_MAX).unwrap_or_else(|| Text { en: name.to_owned().into(), zh: name.to_owned().into() }),
        description: text(description, DESCRIPTION_MAX)
            .unwrap_or(Text::of("An executable of the folder of task types.", "任务类型文件夹中的可执行文件。")),
        params_schema,
        example: example.unwrap_or_else(|| json!({})),
        default_policy: default_policy.map_err(unreadable)?.unwrap_or(default),
        dangerous: true,
    })
}

fn text(raw: Option<RawText>, max: usize) -> Option<Text> {
    let (en, zh) = match raw? {
        RawText::Plain(text) => (text.clone(), text),
        RawText::Both { zh, en } => (en.clone(), zh.unwrap_or(en)),
    };
    Some(Text { en: cut(&en, max).into(), zh: cut(&zh, max).into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_in_one_language_or_both() {
        let answer =
            json!({"title": {"en": "Report", "zh": "报表"}, "description": "Once", "default_policy": {"timeout_seconds": 5}});
        let spec = spec("report", Some(answer)).unwrap();
        assert_eq!((spec.title, spec.description), (Text::of("Report", "报表"), Text::of("Once", "Once")));
        assert_eq!((spec.default_policy.timeout, spec.dangerous), (Some(Duration::from_secs(5)), true));
        assert_eq!(super::spec("plain", None).unwrap().title, Text::of("plain", "plain"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let fault = |answer: Value| spec("x", Some(answer)).unwrap_err();
        assert!(fault(json!({"titel": "x"})).contains("unknown field `titel`"));
        assert!(fault(json!({"default_policy": {"priority": "high"}})).starts_with("default_policy: priority: "));
        assert!(fault(json!({"params_schema": 1})).starts_with("params_schema: "));
    }
}
