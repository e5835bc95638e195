//! `echo`: returns its message. For testing triggers, policies and the server itself.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Run, RunContext, RunError, Spec, TaskType, Text, first_fault, unreadable};
use crate::domain::policy::Policy;
use crate::i18n::{Message, message};

/// Maximum length of an error message, in characters.
const MESSAGE_MAX: usize = 1_000;

/// Returns its message, optionally after a delay or as a failure.
#[derive(Debug, Default)]
pub struct Echo;

#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    sleep_ms: u64,
    #[serde(default)]
    fail: Value,
}

impl TaskType for Echo {
    fn spec(&self) -> Spec {
        Spec {
            name: "echo".into(),
            title: Text::new("Echo", "回显"),
            description: Text::new(
                "Returns its message. For testing triggers and policies.",
                "原样返回消息，用于测试触发器和运行策略。",
            ),
            params_schema: schema(),
            example: json!({"message": "hello"}),
            default_policy: Policy::default(),
            dangerous: false,
        }
    }

    fn overridable(&self) -> &'static [&'static str] {
        &["message", "sleep_ms", "fail"]
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params: Params = serde_json::from_value(params).map_err(|error| first_fault(unreadable(&error)))?;
            if params.sleep_ms > 0 {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(params.sleep_ms)) => {}
                    () = context.cancel.cancelled() => return Err(RunError::fail(message!("echo.cancelled"))),
                }
            }
            match &params.fail {
                Value::Null | Value::Bool(false) => Ok(json!({"message": params.message})),
                Value::String(text) => Err(RunError::retry(Message::verbatim(crate::domain::input::truncate(text, MESSAGE_MAX)))),
                _ => Err(RunError::retry(message!("echo.failed"))),
            }
        })
    }
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "message": {
                "description": "Returned as the result; any JSON value.",
                "x-description-zh": "作为结果返回，可以是任意 JSON 值。",
                "default": null,
            },
            "sleep_ms": {
                "type": "integer", "minimum": 0, "maximum": 86_400_000, "default": 0,
                "description": "Delay before the result is returned, in milliseconds.",
                "x-description-zh": "返回之前等待的毫秒数。",
            },
            "fail": {
                "anyOf": [{"type": "boolean"}, {"type": "string"}], "default": false,
                "description": "Makes the run fail; a text becomes the error message.",
                "x-description-zh": "运行失败，文本作为错误信息。",
            },
        },
    })
}
