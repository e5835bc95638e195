//! Execution page and its actions.

use std::sync::Arc;

use poem::http::StatusCode;

use super::run_form::RunSubject;
use crate::domain::execution::Execution;
use crate::domain::run_input::InputField;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::urls::encode;
use crate::web::view::View;
use crate::web::view::execution::{ExecutionPage, UsualDuration};
use crate::web::view::output::{MoreOutput, OutputPlace, OutputView};
use crate::web::view::output_search::OutputSearch;
use crate::web::view::tasks::ConfirmDialog;

/// The number of runs that the usual duration is known from.
const USUAL_SAMPLE: i64 = 60;
/// The longest text to search for, in characters.
const MAX_WANTED: usize = 200;

/// `GET /executions/{id}`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let detail = ctx.services().executions.get(ctx.actor()?, ctx.id()).await?;
    let task = ctx.services().tasks.get(ctx.actor()?, &detail.execution.task_id).await;
    let exists = match task {
        Ok(_) => true,
        Err(Error::NotFound(_)) => false,
        Err(error) => return Err(error.into()),
    };
    let id = detail.execution.task_id.as_str();
    let runs = ctx.services().executions.recent_runs(ctx.actor()?, &[id], USUAL_SAMPLE).await?;
    let line = ctx.query.get("line").and_then(|line| line.parse().ok());
    let view = ExecutionPage {
        usual: runs.get(id).and_then(|runs| UsualDuration::new(runs)),
        found: OutputSearch::new(ctx.id(), &detail.output, wanted(&ctx)),
        ..ExecutionPage::new(&ctx.view(), &detail, exists, line)
    };
    ctx.page("executions", &view)
}

/// `GET /executions/{id}/search?find=…`: the lines of the whole output that contain a text.
pub async fn search_output(ctx: Arc<RequestContext>) -> HandlerResult {
    let chunks = ctx.services().executions.output(ctx.actor()?, ctx.id(), None).await?;
    let view = OutputSearch::new(ctx.id(), &chunks, wanted(&ctx));
    ctx.fragment(StatusCode::OK, OutputSearch::TEMPLATE, &view)
}

/// The text to search for, shortened.
fn wanted(ctx: &RequestContext) -> &str {
    let text = ctx.query.raw("find").unwrap_or_default();
    text.char_indices().nth(MAX_WANTED).map_or(text, |(end, _)| &text[..end])
}

/// `GET /executions/{id}/output?after=attempt.seq&style=…&place=…`: new output.
pub async fn more_output(ctx: Arc<RequestContext>) -> HandlerResult {
    let after = ctx.query.get("after").and_then(|text| text.split_once('.'));
    let after = after.and_then(|(attempt, seq)| Some((attempt.parse::<i64>().ok()?, seq.parse::<i64>().ok()?)));
    let chunks = ctx.services().executions.output(ctx.actor()?, ctx.id(), after).await?;
    let (style, place) = (ctx.query.raw("style").unwrap_or_default(), ctx.query.raw("place").unwrap_or_default());
    let place = OutputPlace::read(after.map_or(0, |(attempt, _)| attempt), style, place);
    let view = MoreOutput { output: OutputView::after(&chunks, place) };
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
    let former = detail.given.as_ref().map(|given| &given.inputs);
    let inputs = inputs(&ctx, &detail.execution.task_id).await?;
    let subject = subject(&detail.execution, &inputs);
    let view = ConfirmDialog {
        params: if ctx.query.get("params").is_some() { Some(subject.params_view(&ctx).await?) } else { None },
        inputs: subject.controls(former),
        ..dialog(&ctx, &detail.execution.task_id)
    };
    ctx.confirm(StatusCode::OK, "executions", &view)
}

/// `POST /executions/{id}/rerun`
pub async fn rerun(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let id = ctx.id();
    let former = ctx.services().executions.get(ctx.actor()?, id).await?.execution;
    let about = former.task_id.clone();
    let inputs = inputs(&ctx, &about).await?;
    let (subject, dialog) = (subject(&former, &inputs), dialog(&ctx, &about));
    if let Some(switched) = subject.switched(&ctx, dialog.clone()).await {
        return switched;
    }
    let form = match subject.read(&ctx) {
        Ok(form) => form,
        Err(faults) => return subject.refused(&ctx, &faults, dialog).await,
    };
    match ctx.services().executions.rerun_with(ctx.actor()?, id, form.values(), ctx.form_key()).await {
        Ok(execution) => {
            let link = href(&execution.id);
            Ok(ctx.action_done(&Flash::new("started", &about, &link), &about, &link))
        }
        Err(Error::Invalid(faults)) => subject.refused(&ctx, &faults, dialog).await,
        Err(error) => Err(error.into()),
    }
}

fn subject<'s>(former: &'s Execution, inputs: &'s [InputField]) -> RunSubject<'s> {
    RunSubject { tab: "executions", task_type: &former.task_type, params: &former.params, inputs }
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
