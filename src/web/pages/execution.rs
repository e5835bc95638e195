//! Execution page and its actions.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::user::Action;
use crate::service::Error;
use crate::web::ansi;
use crate::web::form;
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
    let params = ctx.query.get("params").map(|_| pretty(&detail.execution.params));
    confirm(&ctx, StatusCode::OK, &detail.execution.task_id, params, "")
}

/// `POST /executions/{id}/rerun`
pub async fn rerun(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let id = ctx.id();
    let about = ctx.services().executions.get(ctx.actor()?, id).await?.execution.task_id;
    let submitted = ctx.form.raw("params");
    let params = match submitted.map(form::to_params).transpose() {
        Ok(params) => params,
        Err(fault) => {
            return confirm(
                &ctx,
                StatusCode::UNPROCESSABLE_ENTITY,
                &about,
                submitted.map(str::to_owned),
                &ctx.translate(&fault.message),
            );
        }
    };
    match ctx.services().executions.rerun(ctx.actor()?, id, params.as_ref(), ctx.form_key()).await {
        Ok(execution) => {
            let link = href(&execution.id);
            Ok(ctx.action_done(&Flash::new("started", &about, &link), &about, &link))
        }
        Err(Error::Invalid(faults)) if submitted.is_some() => {
            let messages: Vec<_> =
                ctx.translate_faults(&faults).iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
            confirm(&ctx, StatusCode::UNPROCESSABLE_ENTITY, &about, submitted.map(str::to_owned), &messages.join("\n"))
        }
        Err(error) => Err(error.into()),
    }
}

fn href(id: &str) -> String {
    format!("/executions/{}", encode(id))
}

fn confirm(ctx: &RequestContext, status: StatusCode, about: &str, params: Option<String>, fault: &str) -> HandlerResult {
    let here = href(ctx.id());
    let view = ConfirmDialog {
        action: "rerun",
        about: about.to_owned(),
        version: 0,
        post_to: format!("{here}/rerun"),
        key: ctx.form_key().map_or_else(|| ctx.new_form_key(), str::to_owned),
        back: ctx.return_path(&here),
        with_params: params.is_some(),
        params: params.unwrap_or_default(),
        fault: fault.to_owned(),
        dangerous: false,
    };
    ctx.confirm(status, "executions", &view)
}
