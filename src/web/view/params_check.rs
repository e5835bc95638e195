//! View of the check of a task's parameters while somebody types.

use serde::Serialize;

use super::View;
use super::fault_text::FaultText;
use super::params::element_id;
use super::task_form::Fields;
use crate::web::form::params::{self, PARAMS};

/// Result of the parameter check.
#[derive(Debug, Clone, Serialize)]
pub struct CheckView {
    pub empty: bool,
    /// Pointers are relative to the parameters. Faults that belong to a field are there instead.
    pub faults: Vec<ParamFault>,
    pub fields: Vec<CheckedField>,
}

/// The faults of one field of the parameters; none clears those of the last check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedField {
    /// The end of the ids of its elements.
    pub id: String,
    pub messages: Vec<String>,
}

impl CheckView {
    /// The result of a check; `names` are those of the fields, none if the parameters are edited as JSON.
    pub fn new(faults: &[FaultText], is_blank: bool, names: &[String]) -> CheckView {
        let mut fields = Fields::default();
        let at_field = |fault: &&FaultText| params::field_of(names.iter().map(String::as_str), &fault.pointer) != PARAMS;
        let (own, others): (Vec<_>, Vec<_>) = faults.iter().partition(at_field);
        fields.assign(&own.into_iter().cloned().collect::<Vec<_>>(), names);
        let checked =
            |name: &String| CheckedField { id: element_id(name), messages: fields.faults.get(name).cloned().unwrap_or_default() };
        CheckView {
            empty: if faults.is_empty() { is_blank } else { others.is_empty() },
            faults: others.into_iter().map(ParamFault::new).collect(),
            fields: names.iter().map(checked).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParamFault {
    /// Empty for the parameters as a whole.
    pub pointer: String,
    pub message: String,
}

impl ParamFault {
    pub fn new(fault: &FaultText) -> ParamFault {
        let pointer = fault.pointer.strip_prefix("/params").unwrap_or(&fault.pointer).to_owned();
        ParamFault { pointer, message: fault.message.clone() }
    }
}

impl View for CheckView {
    const TEMPLATE: &'static str = "fragments/check.html";

    fn samples() -> Vec<Self> {
        vec![
            CheckView::new(&[], true, &[]),
            CheckView::new(&[], false, &[]),
            CheckView::new(&["", "/a"].map(|at| FaultText::new(format!("/params{at}"), "…")), false, &[]),
            CheckView::new(&["", "/a"].map(|at| FaultText::new(format!("/params{at}"), "…")), false, &["/params/a".into()]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_parameters_belong_to_their_fields() {
        let faults = ["/params/to/0", "/params/more", "/params"].map(|at| FaultText::new(at, "…"));
        let view = CheckView::new(&faults, false, &["/params/to".into(), "/params/url".into()]);
        let at: Vec<_> = view.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(at, ["/more", ""]);
        let field = |id: &str, messages: &[&str]| CheckedField {
            id: id.into(),
            messages: messages.iter().map(|m| (*m).into()).collect(),
        };
        assert_eq!(view.fields, [field("-params-to", &["/0: …"]), field("-params-url", &[])]);
        assert_eq!(CheckView::new(&faults, false, &[]).faults.len(), 3);
    }
}
