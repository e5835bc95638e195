//! The controls of a task's inputs in the dialog that starts a run.

use serde::Serialize;
use serde_json::Value;

use super::fault_text::FaultText;
use crate::domain::run_input::{InputField, InputKind};

/// The control of one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputControl {
    pub name: String,
    /// The name of the form's field: the JSON Pointer of the value.
    pub field: String,
    pub title: String,
    pub kind: &'static str,
    pub choices: Vec<String>,
    /// The value shown; never that of a secret.
    pub value: String,
    pub required: bool,
    /// Whether an empty field keeps the secret of the former run.
    pub keeps: bool,
    pub fault: String,
}

impl InputControl {
    /// A control with a value, as text.
    pub fn new(input: &InputField, value: Option<&str>, faults: &[FaultText]) -> InputControl {
        let field = format!("/inputs/{}", input.name);
        let fault = faults.iter().find(|fault| fault.pointer == field).map(|fault| fault.message.clone());
        InputControl {
            name: input.name.clone(),
            title: input.title.clone(),
            kind: input.kind.as_str(),
            choices: input.choices.clone(),
            value: value.filter(|_| input.kind != InputKind::Secret).unwrap_or_default().to_owned(),
            required: input.required,
            keeps: false,
            fault: fault.unwrap_or_default(),
            field,
        }
    }

    /// One control of each kind, for the rendering of all templates in tests.
    pub fn samples() -> Vec<InputControl> {
        let control = |kind: InputKind| InputControl {
            name: kind.as_str().to_owned(),
            field: format!("/inputs/{}", kind.as_str()),
            title: "城市".to_owned(),
            kind: kind.as_str(),
            choices: if kind == InputKind::Choice { vec!["<b>".to_owned(), "x".to_owned()] } else { Vec::new() },
            value: if kind == InputKind::Boolean { "true".to_owned() } else { "x".to_owned() },
            required: kind == InputKind::Text,
            keeps: kind == InputKind::Secret,
            fault: if kind == InputKind::Date { "…".to_owned() } else { String::new() },
        };
        InputKind::ALL.map(control).into()
    }
}

/// A value as the text of its control.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
