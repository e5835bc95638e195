//! Queues: list, pause, resume, resize.

use std::sync::Arc;

use poem::http::StatusCode;

use super::form_errors;
use crate::domain::fault::Fault;
use crate::domain::queue::{MAX_LIMIT, QueueChange};
use crate::domain::user::Action;
use crate::i18n::message;
use crate::service::{Error, QueueState};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::queues::{LIST, QueueLimitForm, QueuesPage};
use crate::web::view::task_form::Fields;

const FIELDS: [&str; 1] = ["/limit"];

/// `GET /settings/queues`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let found = ctx.services().queues.list(ctx.actor()?).await?;
    ctx.page("settings", &QueuesPage::new(&found))
}

/// `POST /settings/queues`: pauses or resumes the queue `name`.
pub async fn change(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.get("name").unwrap_or_default();
    let (change, flash) = match ctx.form.get("action") {
        Some("pause") => (QueueChange::Pause, "queue_paused"),
        Some("resume") => (QueueChange::Resume, "queue_resumed"),
        _ => return Err(Failure::BadRequest(message!("value.choose", known = "pause, resume").of("action"))),
    };
    ctx.services().queues.change(ctx.actor()?, name, change).await?;
    Ok(ctx.action_done(&Flash::new(flash, name, ""), name, LIST))
}

/// `GET /settings/queues/limit?name=…`
pub async fn limit_form(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let queue = find(&ctx, ctx.query.get("name").unwrap_or_default()).await?;
    let mut form = Fields::default();
    if let Some(limit) = queue.setting.limit {
        form.values.insert("/limit".to_owned(), limit.to_string());
    }
    render(&ctx, StatusCode::OK, &queue, form, String::new())
}

/// `POST /settings/queues/limit`
pub async fn set_limit(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.get("name").unwrap_or_default();
    let done = match read_limit(&ctx) {
        Ok(limit) => ctx.services().queues.change(ctx.actor()?, name, QueueChange::Resize(limit)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(ctx.action_done(&Flash::new("queue_resized", name, ""), name, LIST)),
        Err(error @ Error::Invalid(_)) => {
            ctx.authorize(Action::Administer)?;
            let queue = find(&ctx, name).await?;
            let mut form = form_errors::submitted(&ctx, &[]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, &queue, form, message)
        }
        Err(error) => Err(error.into()),
    }
}

/// The limit of the form; `None` if it is empty.
fn read_limit(ctx: &RequestContext) -> Result<Option<i64>, Error> {
    match ctx.form.get("/limit").map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            let message = message!("value.not_whole_number", min = 1, max = MAX_LIMIT, value = text);
            Error::Invalid(vec![Fault::new("/limit", message.of("limit"))])
        }),
    }
}

async fn find(ctx: &RequestContext, name: &str) -> Result<QueueState, Failure> {
    let found = ctx.services().queues.list(ctx.actor()?).await?;
    found.queues.into_iter().find(|queue| queue.name == name).ok_or(Failure::NotFound)
}

fn render(ctx: &RequestContext, status: StatusCode, queue: &QueueState, form: Fields, message: String) -> HandlerResult {
    let view = QueueLimitForm::new(queue, form, message);
    match ctx.partial {
        true => ctx.fragment(status, "fragments/queue_limit.html", &view),
        false => ctx.page_with(status, "settings", &view),
    }
}
