//! Response models of task types.

use super::Texts;
use super::named::{JsonSchema, Params};
use super::policy::PolicyView;
use crate::tasks::{Spec, Text};

view! {
    /// A kind of work that tasks can do.
    #[oai(rename = "TaskType", read_only_all)]
    pub struct TaskTypeView from (spec: &Spec) where
        texts = |text: &Text| Texts { en: text.en.to_string(), zh: text.zh.to_string() };
    {
        /// The name used in a task's `type`.
        #[oai(rename = "type")]
        name: String = spec.name.to_string(),
        title: Texts = texts(&spec.title),
        description: Texts = texts(&spec.description),
        /// JSON Schema 2020-12 of the parameters.
        params_schema: JsonSchema = JsonSchema(spec.params_schema.clone()),
        /// Example parameters.
        example: Params = Params(spec.example.clone()),
        /// The default policy.
        default_policy: PolicyView = PolicyView::from(&spec.default_policy),
        /// Whether it can do anything on the machine, so that only administrators may set it up.
        dangerous: bool = spec.dangerous,
    }
}
