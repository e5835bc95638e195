//! Freezes: list, begin and end.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::trigger::parse_timestamp_rounded_up;
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{Error, NewFreeze};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::freezes::{FreezeList, FreezeRow, end_href};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const LIST: &str = "/freezes";
const FIELDS: [&str; 4] = ["/tag", "/from", "/until", "/reason"];

/// `GET /freezes`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, StatusCode::OK, Fields::default(), String::new()).await
}

/// `POST /freezes`: begins a freeze.
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let done = match read(&ctx) {
        Ok(new) => ctx.services().freezes.create(ctx.actor()?, &new).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(freeze) => Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("freeze_begun", &freeze.reason, "")))),
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &[]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, form, message).await
        }
    }
}

fn read(ctx: &RequestContext) -> Result<NewFreeze, Error> {
    let mut faults = Vec::new();
    let mut time = |name: &str| {
        let text = ctx.form.get(name)?;
        let parsed = parse_timestamp_rounded_up(text, ctx.services().zone);
        parsed.map_err(|message| faults.push(crate::domain::fault::Fault::new(name, message))).ok()
    };
    let (from, until) = (time("/from"), time("/until"));
    if ctx.form.get("/until").is_none() {
        faults.push(crate::domain::fault::Fault::new("/until", message!("value.required")));
    }
    let reason = ctx.form.get("/reason").unwrap_or_default().to_owned();
    let new = NewFreeze { tag: ctx.form.get("/tag").map(str::to_owned), from, until: until.unwrap_or_default(), reason };
    if faults.is_empty() { Ok(new) } else { Err(Error::Invalid(faults)) }
}

async fn render(ctx: &RequestContext, status: StatusCode, form: Fields, message: String) -> HandlerResult {
    let actor = ctx.actor()?;
    let freezes = ctx.services().freezes.list(actor, true).await?;
    let tags = ctx.services().tasks.tags(actor).await?;
    let rows = freezes.iter().map(|freeze| FreezeRow::new(&ctx.view(), freeze)).collect();
    ctx.page_with(status, "settings", &FreezeList { rows, tags, message, form })
}

/// `GET /freezes/{id}/end`
pub async fn confirm_end(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let found = ctx.services().freezes.list(ctx.actor()?, false).await?;
    let freeze = found.iter().find(|freeze| freeze.id == ctx.id()).ok_or(Failure::NotFound)?;
    let dialog = ConfirmDialog::plain("end_freeze", &freeze.reason, end_href(&freeze.id), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &dialog)
}

/// `POST /freezes/{id}/end`
pub async fn end(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.services().freezes.end(ctx.actor()?, ctx.id()).await?;
    Ok(ctx.action_done(&Flash::new("freeze_ended", "", ""), ctx.id(), LIST))
}
