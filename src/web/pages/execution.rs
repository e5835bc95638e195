//! Execution page and its actions.

use std::sync::Arc;

use poem::http::StatusCode;

use super::run_form::{self, RunForm};
use crate::domain::fault::Fault;
use crate::domain::run_input::InputField;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::ansi;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::encode;
use crate::web::view::execution::{ExecutionPage, MoreOutput, OutputView};
use crate::web::view::tasks::ConfirmDialog;
use crate::web::view::{View, pretty};

/// `GET /executions/{id}`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let detail = ctx.services().executions.get(ctx.actor()?, ctx.id()).await?;
    let task = ctx.services().tasks.get(ctx.actor()?, &detail.execution.task_id).await;
    let exists = match task {
        Ok(_) => true,
        Err(Error::NotFound(_)) => false,
        Err(error) => return Err(error.into()),
    };
    ctx.page("executions", &ExecutionPage::new(&ctx.view(), &detail, exists))
}

/// `GET /executions/{id}/output?after=attempt.seq&style=…`: new output.
pub async fn more_output(ctx: Arc<RequestContext>) -> HandlerResult {
    let after = ctx.query.get("after").and_then(|text| text.split_once('.'));
    let after = after.and_then(|(attempt, seq)| Some((attempt.parse::<i64>().ok()?, seq.parse::<i64>().ok()?)));
    let chunks = ctx.services().executions.output(ctx.actor()?, ctx.id(), after).await?;
    let styles = ansi::from_token(ctx.query.raw("style").unwrap_or_default());
    let view = MoreOutput { output: OutputView::new(&chunks, after.map_or(0, |(attempt, _)| attempt), styles) };
    ctx.fragment(StatusCode::OK, MoreOutput::TEMPLATE, &view)
}

/// `POST /executions/{id}/cancel`
pub async fn cancel(ctx: Arc<RequestContext>) -> HandlerResult {
    let execution = ctx.services().executions.cancel(ctx.actor()?, ctx.id()).await?;
    let flash = Flash::new("cancelled", &execution.task_id, "");
    Ok(ctx.action_done(&flash, &execution.task_id, &href(&execution.id)))
}

/// `GET /executions/{id}/rerun?params=1`
pub async fn confirm_rerun(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let detail = ctx.services().executions.get(ctx.actor()?, ctx.id()).await?;
    let with_params = ctx.query.get("params").is_some();
    let former = detail.given.as_ref().map(|given| &given.inputs);
    let view = ConfirmDialog {
        with_params,
        params: if with_params { pretty(&detail.execution.params) } else { String::new() },
        inputs: run_form::controls(&inputs(&ctx, &detail.execution.task_id).await?, former),
        ..dialog(&ctx, &detail.execution.task_id)
    };
    ctx.confirm(StatusCode::OK, "executions", &view)
}

/// `POST /executions/{id}/rerun`
pub async fn rerun(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let id = ctx.id();
    let about = ctx.services().executions.get(ctx.actor()?, id).await?.execution.task_id;
    let inputs = inputs(&ctx, &about).await?;
    let refused = |faults: &[Fault]| run_form::refused(&ctx, "executions", &inputs, faults, dialog(&ctx, &about));
    let form = match RunForm::read(&ctx, &inputs) {
        Ok(form) => form,
        Err(fault) => return refused(&[fault]),
    };
    match ctx.services().executions.rerun_with(ctx.actor()?, id, form.values(), ctx.form_key()).await {
        Ok(execution) => {
            let link = href(&execution.id);
            Ok(ctx.action_done(&Flash::new("started", &about, &link), &about, &link))
        }
        Err(Error::Invalid(faults)) => refused(&faults),
        Err(error) => Err(error.into()),
    }
}

/// The inputs of a task; none if it was deleted.
async fn inputs(ctx: &RequestContext, task_id: &str) -> Result<Vec<InputField>, Failure> {
    match ctx.services().tasks.get(ctx.actor()?, task_id).await {
        Ok(task) => Ok(task.inputs),
        Err(Error::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn href(id: &str) -> String {
    format!("/executions/{}", encode(id))
}

fn dialog(ctx: &RequestContext, about: &str) -> ConfirmDialog {
    let here = href(ctx.id());
    ConfirmDialog {
        key: ctx.form_key().map_or_else(|| ctx.new_form_key(), str::to_owned),
        dangerous: false,
        ..ConfirmDialog::plain("rerun", about, format!("{here}/rerun"), ctx.return_path(&here))
    }
}
