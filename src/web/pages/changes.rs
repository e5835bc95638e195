//! Preview of a task edit: changed fields and upcoming runs.

use std::sync::Arc;

use poem::http::StatusCode;

use super::task::upcoming;
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::task::Firing;
use crate::web::view::task_form::{ChangesView, Difference, differences};
use crate::web::view::{Moment, View};

/// Number of upcoming runs shown before and after.
const SHOWN: usize = 5;

/// `POST /tasks/-/changes`: compares the submitted form with the saved task.
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let id = ctx.form.get("/id").unwrap_or_default().to_owned();
    let task = ctx.services().tasks.get(ctx.actor()?, &id).await?;
    let differences = compare(&ctx, &task);
    let moved = differences.iter().any(|one| one.field == "/enabled" || form::schedule::is_rule(&one.field));
    let view = ChangesView {
        before: if moved { times(upcoming(&ctx, &task, SHOWN).await?.0) } else { Vec::new() },
        after: if moved { after(&ctx).await? } else { Vec::new() },
        moved,
        differences,
    };
    ctx.fragment(StatusCode::OK, ChangesView::TEMPLATE, &view)
}

/// Returns the differences between the saved task and the submitted form.
pub fn compare(ctx: &RequestContext, task: &Task) -> Vec<Difference> {
    let mut theirs = form::to_values(&task.to_input());
    let mine = form::to_task(&ctx.form).0;
    let mut mine = mine.as_object().map(form::to_values).unwrap_or_default();
    mine.entry("/params".to_owned()).or_insert_with(|| ctx.form.raw("/params").unwrap_or_default().to_owned());
    if task.name == task.id && !mine.contains_key("/name") {
        theirs.remove("/name");
    }
    if !form::chain::is_present(&ctx.form) {
        theirs.retain(|name, _| !form::chain::is_field(name));
    }
    if !form::inputs::is_present(&ctx.form) {
        theirs.retain(|name, _| !form::inputs::is_field(name));
    }
    for values in [&mut theirs, &mut mine] {
        values.retain(|_, text| !text.is_empty());
    }
    differences(&theirs, &mine)
}

fn times(firings: Vec<Firing>) -> Vec<Moment> {
    firings.into_iter().map(|firing| firing.at).collect()
}

/// Returns the upcoming runs of the submitted rules; none if it is invalid or the task is paused.
async fn after(ctx: &RequestContext) -> Result<Vec<Moment>, crate::web::error::Failure> {
    if ctx.form.all("/enabled").last() == Some("false") {
        return Ok(Vec::new());
    }
    match ctx.services().preview.schedule(ctx.actor()?, &form::schedule::to_schedule(&ctx.form), None, SHOWN as i64).await {
        Ok(preview) => Ok(times(preview.occurrences.iter().map(Firing::new).collect())),
        Err(Error::Invalid(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
