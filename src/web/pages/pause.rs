//! Pause of a task: at once, or with an end and a reason from a dialog.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::{Map, Value};

use super::form_errors;
use crate::domain::pause::PauseRequest;
use crate::domain::task::Task;
use crate::domain::user::Action;
use crate::service::Error;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::pause::PauseForm;
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::task_href;

const FIELDS: [&str; 2] = ["/until", "/reason"];

/// `GET /tasks/{id}/pause`
pub async fn form(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Run)?;
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let mut form = Fields::default();
    if let Some(pause) = &task.paused {
        form.values.insert("/reason".to_owned(), pause.reason.clone());
    }
    render(&ctx, StatusCode::OK, &task, form, String::new())
}

/// `POST /tasks/{id}/pause`
pub async fn pause(ctx: Arc<RequestContext>) -> HandlerResult {
    let given = FIELDS.iter().filter_map(|name| {
        let value = ctx.form.get(name).filter(|value| !value.is_empty())?;
        Some((name.trim_start_matches('/').to_owned(), Value::from(value)))
    });
    let request = PauseRequest::parse(&Value::Object(given.collect::<Map<_, _>>())).map_err(Error::Invalid);
    let done = match request {
        Ok(request) => ctx.services().tasks.pause_until(ctx.actor()?, ctx.id(), &request, None).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(task) => {
            let (page, dialog) = (task_href(&task.id), format!("{}/pause", task_href(&task.id)));
            let back = Some(ctx.return_path(&page)).filter(|path| !path.starts_with(&dialog)).unwrap_or(page);
            Ok(ctx.action_done(&Flash::new("paused", &task.id, ""), &task.id, &back))
        }
        Err(error @ Error::Invalid(_)) => {
            let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
            let mut form = form_errors::submitted(&ctx, &[]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, &task, form, message)
        }
        Err(error) => Err(error.into()),
    }
}

fn render(ctx: &RequestContext, status: StatusCode, task: &Task, form: Fields, message: String) -> HandlerResult {
    let zone = ctx.services().zone;
    let zone = task.rules(zone).map_or(zone, |rules| rules.zone());
    let href = task_href(&task.id);
    let view = PauseForm {
        about: task.id.clone(),
        post_to: format!("{href}/pause"),
        back: ctx.return_path(&href),
        zone: zone.name().to_owned(),
        message,
        form,
    };
    match ctx.partial {
        true => ctx.fragment(status, "fragments/pause.html", &view),
        false => ctx.page_with(status, "tasks", &view),
    }
}
