//! The form of a run: the values of the task's inputs, and the parameters if they may be changed for the run.

use poem::http::StatusCode;
use serde_json::{Map, Value};

use super::params::{self, Submitted};
use crate::domain::fault::Fault;
use crate::domain::json::pretty;
use crate::domain::run_input::{InputField, InputKind};
use crate::i18n::message;
use crate::service::RunValues;
use crate::web::error::Failure;
use crate::web::form;
use crate::web::form::params::PARAMS;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::fault_text::FaultText;
use crate::web::view::params::{ParamsView, Shown};
use crate::web::view::run_inputs::{InputControl, text_of};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

/// What is run: the type and parameters that the form begins with, and the inputs that it asks for.
pub struct RunSubject<'s> {
    /// The tab of the navigation.
    pub tab: &'static str,
    pub task_type: &'s str,
    pub params: &'s Value,
    pub inputs: &'s [InputField],
}

/// A submitted form.
#[derive(Debug, Default)]
pub struct RunForm {
    params: Option<Value>,
    inputs: Option<Map<String, Value>>,
}

impl RunForm {
    pub fn values(&self) -> RunValues<'_> {
        RunValues { params: self.params.as_ref(), inputs: self.inputs.as_ref() }
    }
}

impl RunSubject<'_> {
    /// Reads the submitted form.
    ///
    /// # Errors
    /// The parameters cannot be read, or a field was emptied: a run replaces parameters, but leaves none out.
    pub fn read(&self, ctx: &RequestContext) -> Result<RunForm, Vec<Fault>> {
        let params = ctx.form.raw(PARAMS).map(|_| self.changed_params(&self.submitted(ctx))).transpose()?;
        let given: Map<String, Value> =
            self.inputs.iter().filter_map(|input| Some((input.name.clone(), submitted_input(ctx, input)?))).collect();
        Ok(RunForm { params, inputs: (!given.is_empty()).then_some(given) })
    }

    fn submitted(&self, ctx: &RequestContext) -> Submitted {
        params::read_as(ctx, ctx.services().registry.get(self.task_type).as_deref())
    }

    /// The members that differ; all of JSON that is no object, which the service refuses.
    fn changed_params(&self, submitted: &Submitted) -> Result<Value, Vec<Fault>> {
        let given = form::to_params(submitted.params()).map_err(|fault| vec![fault])?;
        let mut faults = submitted.faults.clone();
        // What a run does not give, it has from the task: a whole member cannot be left out.
        let is_gone = |name: &&String| {
            let pointer = &name[PARAMS.len()..];
            let member = &pointer[..pointer[1..].find('/').map_or(pointer.len(), |end| end + 1)];
            self.params.pointer(pointer).is_some() && given.pointer(member).is_none()
        };
        let gone = submitted.names.iter().filter(is_gone);
        faults.extend(gone.map(|name| Fault::new(name, message!("param.not_removable"))));
        match given {
            _ if !faults.is_empty() => Err(faults),
            Value::Object(mut members) => {
                members.retain(|name, value| self.params.get(name) != Some(value));
                Ok(Value::Object(members))
            }
            other => Ok(other),
        }
    }

    /// The controls of a new form: with the values of a former run, or with the defaults.
    pub fn controls(&self, former: Option<&Map<String, Value>>) -> Vec<InputControl> {
        controls(self.inputs, former)
    }

    /// The parameters of a new form.
    pub async fn params_view(&self, ctx: &RequestContext) -> Result<ParamsView, Failure> {
        self.drawn(ctx, &pretty(self.params), Shown::Fields, false).await
    }

    async fn drawn(&self, ctx: &RequestContext, text: &str, shown: Shown, was_submitted: bool) -> Result<ParamsView, Failure> {
        let entry = ctx.services().registry.get(self.task_type);
        let view = params::draw(ctx, entry.as_deref(), text, shown, was_submitted).await?;
        Ok(ParamsView { task_type: self.task_type.to_owned(), is_checked: false, ..view })
    }

    /// Shows the form again, with its faults.
    pub async fn refused(&self, ctx: &RequestContext, faults: &[Fault], view: ConfirmDialog) -> HandlerResult {
        self.again(ctx, faults, None, view).await
    }

    /// Shows the form again if a button asked for the other view of the parameters; without scripts.
    pub async fn switched(&self, ctx: &RequestContext, view: ConfirmDialog) -> Option<HandlerResult> {
        let shown = params::asked_view(ctx)?;
        Some(self.again(ctx, &self.submitted(ctx).faults, Some(shown), view).await)
    }

    async fn again(&self, ctx: &RequestContext, faults: &[Fault], asked: Option<Shown>, view: ConfirmDialog) -> HandlerResult {
        let submitted = self.submitted(ctx);
        let faults = ctx.translate_faults(faults);
        let control = |input: &InputField| {
            let given = ctx.form.all(&format!("/inputs/{}", input.name)).last().map(str::to_owned);
            InputControl::new(input, given.as_deref(), &faults)
        };
        let controls: Vec<InputControl> = self.inputs.iter().map(control).collect();
        let at_control = |fault: &FaultText| controls.iter().any(|control| control.field == fault.pointer);
        let mut others: Vec<FaultText> = faults.iter().filter(|fault| !at_control(fault)).cloned().collect();
        let mut params = None;
        if ctx.form.raw(PARAMS).is_some() {
            let shown = asked.filter(|_| faults.is_empty()).unwrap_or(submitted.shown);
            let mut drawn = self.drawn(ctx, submitted.params(), shown, shown == submitted.shown).await?;
            let (own, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|fault| fault.pointer.starts_with(PARAMS));
            let mut fields = Fields::default();
            fields.assign(&own, &drawn.names());
            drawn.put_faults(&fields.faults);
            (params, others) = (Some(drawn), rest);
        }
        let fault = others.iter().map(FaultText::with_pointer).collect::<Vec<_>>().join("\n");
        let status = if asked.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        ctx.confirm(status, self.tab, &ConfirmDialog { fault, params, inputs: controls, ..view })
    }
}

/// The value of an input; `None`: its default, or what the former run had. A text may be empty.
fn submitted_input(ctx: &RequestContext, input: &InputField) -> Option<Value> {
    let field = format!("/inputs/{}", input.name);
    let text = ctx.form.all(&field).last()?;
    match input.kind {
        InputKind::Text => Some(text.replace("\r\n", "\n").into()),
        _ if text.trim().is_empty() => None,
        kind => Some(kind.read_text(text)),
    }
}

/// The controls of inputs: with the values of a former run, or with the defaults.
pub fn controls(inputs: &[InputField], former: Option<&Map<String, Value>>) -> Vec<InputControl> {
    let control = |input: &InputField| {
        let known = former.and_then(|former| former.get(&input.name)).or(input.default.as_ref());
        let keeps = input.kind == InputKind::Secret && former.is_some_and(|former| former.contains_key(&input.name));
        InputControl { keeps, ..InputControl::new(input, known.map(text_of).as_deref(), &[]) }
    };
    inputs.iter().map(control).collect()
}
