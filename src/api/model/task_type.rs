//! Response models of task types.

use poem_openapi::Object;

use super::Texts;
use super::named::{JsonSchema, Params};
use super::policy::PolicyView;
use crate::tasks::{Spec, Text};

/// A kind of work that tasks can do.
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
    /// Example parameters.
    example: Params,
    /// The default policy.
    default_policy: PolicyView,
    /// Whether it can do anything on the machine, so that only administrators may set it up.
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
