//! Preview of a task edit: changed fields and upcoming runs.

use std::sync::Arc;

use poem::http::StatusCode;

use super::params::{self, Submitted};
use super::task::upcoming;
use crate::domain::fault::Fault;
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::error::Failure;
use crate::web::form;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::urls::Pairs;
use crate::web::view::task::Firing;
use crate::web::view::task_form::{ChangesView, Difference, FormFault, differences};
use crate::web::view::{Moment, View};

/// Number of upcoming runs shown before and after.
const SHOWN: usize = 5;

/// `POST /tasks/-/changes`: checks the submitted form, and compares it with the saved task if there is one.
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let submitted = params::read(&ctx);
    let faults = ctx.translate_faults(&faults(&ctx, &submitted));
    let checked = ChangesView {
        is_new: ctx.form.all("version").last() == Some("0"),
        faults: FormFault::all(&faults, &submitted.names),
        differences: Vec::new(),
        moved: false,
        before: Vec::new(),
        after: Vec::new(),
    };
    let view = if checked.is_new { checked } else { compared(&ctx, &submitted.form, checked).await? };
    ctx.fragment(StatusCode::OK, ChangesView::TEMPLATE, &view)
}

/// Why the form would not be saved, apart from what only the database tells.
fn faults(ctx: &RequestContext, submitted: &Submitted) -> Vec<Fault> {
    let (task, mut faults) = form::to_task(&submitted.form);
    faults.extend(submitted.faults.iter().cloned());
    let is_known = |pointer: &str| faults.iter().any(|known| pointer.starts_with(&known.pointer));
    if let Err(Error::Invalid(more)) = ctx.services().tasks.check(&task) {
        let more: Vec<Fault> = more.into_iter().filter(|fault| !is_known(&fault.pointer)).collect();
        faults.extend(more);
    }
    faults
}

async fn compared(ctx: &RequestContext, form: &Pairs, checked: ChangesView) -> Result<ChangesView, Failure> {
    let id = ctx.form.get("/id").unwrap_or_default();
    let task = ctx.services().tasks.get(ctx.actor()?, id).await?;
    let differences = compare(form, &task);
    let moved = differences.iter().any(|one| one.field == "/enabled" || form::schedule::is_rule(&one.field));
    Ok(ChangesView {
        before: if moved { times(upcoming(ctx, &task, SHOWN).await?.0) } else { Vec::new() },
        after: if moved { after(ctx).await? } else { Vec::new() },
        moved,
        differences,
        ..checked
    })
}

/// Returns the differences between the saved task and the submitted form.
pub fn compare(form: &Pairs, task: &Task) -> Vec<Difference> {
    let mut theirs = form::to_values(&task.to_input());
    let mine = form::to_task(form).0;
    let mut mine = mine.as_object().map(form::to_values).unwrap_or_default();
    mine.entry("/params".to_owned()).or_insert_with(|| form.raw("/params").unwrap_or_default().to_owned());
    if task.name == task.id && !mine.contains_key("/name") {
        theirs.remove("/name");
    }
    if !form::chain::ROWS.is_present(form) {
        theirs.retain(|name, _| !form::chain::ROWS.is_field(name));
    }
    if !form::inputs::ROWS.is_present(form) {
        theirs.retain(|name, _| !form::inputs::ROWS.is_field(name));
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
async fn after(ctx: &RequestContext) -> Result<Vec<Moment>, Failure> {
    if ctx.form.all("/enabled").last() == Some("false") {
        return Ok(Vec::new());
    }
    match ctx.services().preview.schedule(ctx.actor()?, &form::schedule::to_schedule(&ctx.form), None, SHOWN as i64).await {
        Ok(preview) => Ok(times(preview.occurrences.iter().map(Firing::new).collect())),
        Err(Error::Invalid(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
