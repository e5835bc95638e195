//! The test run of a task that is not saved.

use std::sync::Arc;

use poem::http::StatusCode;

use super::params;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::View;
use crate::web::view::fault_text::FaultText;
use crate::web::view::test_run::TestRunView;

/// `POST /tasks/-/test`: runs what the form says, once.
pub async fn start(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let submitted = params::read(&ctx);
    let (mut task, mut faults) = form::to_task(&submitted.form);
    faults.extend(submitted.faults.iter().cloned());
    let saved = ctx.form.get("/id").filter(|_| ctx.form.all("version").last().is_some_and(|version| version != "0"));
    // A draft has no name yet.
    if task.get("id").is_none() {
        task["id"] = "draft".into();
    }
    let outcome = match faults.is_empty() {
        true => ctx.services().drafts.test(ctx.actor()?, &task, saved).await,
        false => Err(Error::Invalid(faults)),
    };
    let view = match outcome {
        Ok(run) => TestRunView::new(&run, ctx.language),
        Err(Error::Invalid(faults)) => TestRunView::refused(&ctx.translate_faults(&faults), &submitted.names),
        Err(Error::TooManyRequests(message)) => TestRunView::refused(&[FaultText::new("", ctx.translate(&message))], &[]),
        Err(error) => return Err(error.into()),
    };
    ctx.fragment(StatusCode::OK, TestRunView::TEMPLATE, &view)
}
