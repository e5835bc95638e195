//! Why a task ran at a time, or why it did not.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::service::Error;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::tasks::task_href;
use crate::web::view::why::{Answer, WhyPage};

/// `GET /tasks/{id}/why?at=…`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let zone = ctx.services().zone;
    let zone = task.rules(zone).map_or(zone, |rules| rules.zone());
    let at = ctx.query.get("at").unwrap_or_default();
    let mut view = WhyPage {
        task_href: task_href(&task.id),
        task_id: task.id,
        title: task.name,
        zone: zone.name().to_owned(),
        at: at.to_owned(),
        message: String::new(),
        answer: None,
    };
    if at.is_empty() {
        return ctx.page("tasks", &view);
    }
    let status = match ctx.services().why.explain(ctx.actor()?, ctx.id(), at).await {
        Ok((found, zone)) => {
            view.answer = Some(Answer::new(&ctx.view(), &found, zone));
            StatusCode::OK
        }
        Err(Error::Invalid(faults)) => {
            let messages: Vec<String> = ctx.translate_faults(&faults).into_iter().map(|fault| fault.message).collect();
            view.message = messages.join("; ");
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(error) => return Err(error.into()),
    };
    ctx.page_with(status, "tasks", &view)
}
