//! A task type as answers show it.

use poem_openapi::Object;

use super::Texts;
use super::named::{JsonSchema, Params};
use super::policy::PolicyView;
use crate::tasks::{Spec, Text};

/// What a task can do.
#[derive(Default, Object)]
#[oai(rename = "TaskType", read_only_all)]
pub struct TaskTypeView {
    /// The name used in a task's `type`.
    #[oai(rename = "type")]
    name: String,
    title: Texts,
    description: Texts,
    /// JSON Schema 2020-12 of the parameters.
    params_schema: JsonSchema,
    /// Parameters to start from.
    example: Params,
    /// The policy of tasks that give none.
    default_policy: PolicyView,
    /// Can do anything on the machine, so only administrators may set it up.
    dangerous: bool,
}

impl From<&Spec> for TaskTypeView {
    fn from(spec: &Spec) -> Self {
        let texts = |text: &Text| Texts { en: text.en.to_string(), zh: text.zh.to_string() };
        Self {
            name: spec.name.to_string(),
            title: texts(&spec.title),
            description: texts(&spec.description),
            params_schema: JsonSchema(spec.params_schema.clone()),
            example: Params(spec.example.clone()),
            default_policy: PolicyView::from(&spec.default_policy),
            dangerous: spec.dangerous,
        }
    }
}
