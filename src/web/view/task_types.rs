//! View of the task types and their parameters.

use serde::Serialize;
use serde_json::Value;

use super::{View, pretty};
use crate::i18n::Language;
use crate::tasks::Spec;
use crate::web::form::params::description;

#[derive(Debug, Clone, Serialize)]
pub struct TaskTypes {
    pub types: Vec<TypeView>,
    /// Names of the types that the user may save.
    pub usable: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TypeView {
    pub name: String,
    pub title: String,
    pub description: String,
    pub dangerous: bool,
    pub example: String,
    pub params: Vec<ParamView>,
}

/// One parameter, from the JSON schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParamView {
    pub name: String,
    /// Its JSON types or enumerated values.
    pub kind: String,
    pub required: bool,
    /// Default value as JSON; empty if there is none.
    pub default: String,
    pub text: String,
}

impl TypeView {
    pub fn new(spec: &Spec, language: Language) -> TypeView {
        TypeView {
            name: spec.name.to_string(),
            title: spec.title.in_language(language).to_owned(),
            description: spec.description.in_language(language).to_owned(),
            dangerous: spec.dangerous,
            example: pretty(&spec.example),
            params: params(&spec.params_schema, language),
        }
    }

    pub fn sample() -> TypeView {
        TypeView {
            name: "send_cmd".into(),
            title: "…".into(),
            description: "…".into(),
            dangerous: true,
            example: "{}".into(),
            params: vec![
                ParamView { name: "a".into(), kind: "string".into(), required: true, default: String::new(), text: "…".into() },
                ParamView { name: "b".into(), kind: String::new(), required: false, default: "1".into(), text: String::new() },
            ],
        }
    }
}

/// Returns the properties of a schema, in its order.
fn params(schema: &Value, language: Language) -> Vec<ParamView> {
    let required = |name: &str| {
        schema.get("required").and_then(Value::as_array).is_some_and(|list| list.iter().any(|one| one.as_str() == Some(name)))
    };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    properties
        .iter()
        .map(|(name, property)| ParamView {
            name: name.clone(),
            kind: kind(property),
            required: required(name),
            default: property.get("default").filter(|v| !v.is_null()).map(Value::to_string).unwrap_or_default(),
            text: description(property, language).to_owned(),
        })
        .collect()
}

fn kind(property: &Value) -> String {
    if let Some(choices) = property.get("enum").and_then(Value::as_array) {
        return choices
            .iter()
            .map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" | ");
    }
    match property.get("type") {
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        _ => match property.get("oneOf").or(property.get("anyOf")).and_then(Value::as_array) {
            Some(ways) => ways.iter().map(kind).filter(|kind| !kind.is_empty()).collect::<Vec<_>>().join(" | "),
            None => String::new(),
        },
    }
}

impl View for TaskTypes {
    const TEMPLATE: &'static str = "pages/task_types.html";

    fn samples() -> Vec<Self> {
        vec![
            TaskTypes { types: vec![TypeView::sample()], usable: vec!["send_cmd".into()] },
            TaskTypes { types: vec![TypeView::sample()], usable: Vec::new() },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_use_the_language_of_the_page() {
        let schema = serde_json::json!({"required": ["url"], "properties": {
            "url": {"type": "string", "description": "Where", "x-description-zh": "地址"},
            "method": {"enum": ["GET", "POST"], "default": "GET", "description": "How"}}});
        let read = params(&schema, Language::Chinese);
        assert_eq!((read[0].required, read[0].kind.as_str(), read[0].text.as_str()), (true, "string", "地址"));
        assert_eq!((read[1].kind.as_str(), read[1].default.as_str(), read[1].text.as_str()), ("GET | POST", "\"GET\"", "How"));
    }
}
