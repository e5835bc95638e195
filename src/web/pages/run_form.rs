//! The form of a run: the values of the task's inputs, and with `params` the parameters as JSON.

use poem::http::StatusCode;
use serde_json::{Map, Value};

use crate::domain::fault::Fault;
use crate::domain::run_input::{InputField, InputKind};
use crate::service::RunValues;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::fault_text::FaultText;
use crate::web::view::run_inputs::{InputControl, text_of};
use crate::web::view::tasks::ConfirmDialog;

/// A submitted form.
#[derive(Debug, Default)]
pub struct RunForm {
    params: Option<Value>,
    inputs: Option<Map<String, Value>>,
}

impl RunForm {
    /// Reads the form of a run of a task with these inputs.
    ///
    /// # Errors
    /// The parameters are not JSON.
    pub fn read(ctx: &RequestContext, inputs: &[InputField]) -> Result<RunForm, Fault> {
        let params = ctx.form.raw("params").map(form::to_params).transpose()?;
        let given: Map<String, Value> =
            inputs.iter().filter_map(|input| Some((input.name.clone(), submitted(ctx, input)?))).collect();
        Ok(RunForm { params, inputs: (!given.is_empty()).then_some(given) })
    }

    pub fn values(&self) -> RunValues<'_> {
        RunValues { params: self.params.as_ref(), inputs: self.inputs.as_ref() }
    }
}

/// The value of an input; `None`: its default, or what the former run had. A text may be empty.
fn submitted(ctx: &RequestContext, input: &InputField) -> Option<Value> {
    let field = format!("/inputs/{}", input.name);
    let text = ctx.form.all(&field).last()?;
    match input.kind {
        InputKind::Text => Some(text.replace("\r\n", "\n").into()),
        _ if text.trim().is_empty() => None,
        kind => Some(kind.read_text(text)),
    }
}

/// The controls of a new form: with the values of a former run, or with the defaults.
pub fn controls(inputs: &[InputField], former: Option<&Map<String, Value>>) -> Vec<InputControl> {
    let control = |input: &InputField| {
        let known = former.and_then(|former| former.get(&input.name)).or(input.default.as_ref());
        let keeps = input.kind == InputKind::Secret && former.is_some_and(|former| former.contains_key(&input.name));
        InputControl { keeps, ..InputControl::new(input, known.map(text_of).as_deref(), &[]) }
    };
    inputs.iter().map(control).collect()
}

/// Shows the form again, with its faults.
pub fn refused(ctx: &RequestContext, tab: &str, inputs: &[InputField], faults: &[Fault], view: ConfirmDialog) -> HandlerResult {
    let faults = ctx.translate_faults(faults);
    let control = |input: &InputField| {
        let given = ctx.form.all(&format!("/inputs/{}", input.name)).last().map(str::to_owned);
        InputControl::new(input, given.as_deref(), &faults)
    };
    let controls: Vec<InputControl> = inputs.iter().map(control).collect();
    let at_control = |fault: &&FaultText| controls.iter().any(|control| control.field == fault.pointer);
    let others: Vec<String> = faults.iter().filter(|fault| !at_control(fault)).map(FaultText::with_pointer).collect();
    let submitted = ctx.form.raw("params");
    let view = ConfirmDialog {
        fault: others.join("\n"),
        with_params: submitted.is_some(),
        params: submitted.unwrap_or_default().to_owned(),
        inputs: controls,
        ..view
    };
    ctx.confirm(StatusCode::UNPROCESSABLE_ENTITY, tab, &view)
}
