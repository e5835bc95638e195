//! Hooks of a task: list, creation, another address, revocation.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::{Map, Value};

use super::form_errors;
use crate::domain::hook::{Hook, NewHook};
use crate::domain::user::Action;
use crate::service::{CreatedHook, Error};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::hooks::{HookList, ShownHook, hooks_href};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const FIELDS: [&str; 3] = ["/name", "/hmac", "/secret"];

/// `GET /tasks/{id}/hooks`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, StatusCode::OK, Fields::default(), String::new(), None).await
}

/// `POST /tasks/{id}/hooks`: creates a hook. Only this response shows its address; it is not stored.
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    let given = FIELDS.iter().filter_map(|field| Some((field.trim_start_matches('/').to_owned(), ctx.form.get(field)?.into())));
    let given: Map<String, Value> = given.collect();
    let created = match NewHook::parse(&Value::Object(given)) {
        Ok(new) => ctx.services().hooks.create(ctx.actor()?, ctx.id(), &new).await,
        Err(faults) => Err(Error::Invalid(faults)),
    };
    match created {
        Ok(created) => render(&ctx, StatusCode::OK, Fields::default(), String::new(), Some(shown(&ctx, created))).await,
        Err(error) => {
            let mut form = form_errors::submitted(&ctx, &["/secret"]);
            let (status, message) = form_errors::apply(&ctx, error, &FIELDS, &mut form)?;
            render(&ctx, status, form, message, None).await
        }
    }
}

async fn render(
    ctx: &RequestContext,
    status: StatusCode,
    form: Fields,
    message: String,
    shown: Option<ShownHook>,
) -> HandlerResult {
    let task = ctx.services().tasks.get(ctx.actor()?, ctx.id()).await?;
    let hooks = ctx.services().hooks.list(ctx.actor()?, &task.id).await?;
    let list = HookList::new(&ctx.view(), &task.id, &hooks, may_edit(ctx, &task.task_type));
    ctx.page_with(status, "tasks", &HookList { form, message, shown, ..list })
}

/// Whether the user may change tasks of this type.
fn may_edit(ctx: &RequestContext, task_type: &str) -> bool {
    let allowed = |actor| ctx.services().tasks.allow_type(actor, task_type).is_ok();
    ctx.authorize(Action::Edit).is_ok() && ctx.actor.as_ref().is_some_and(allowed)
}

/// `GET /tasks/{id}/hooks/{hook}/rotate`
pub async fn confirm_rotate(ctx: Arc<RequestContext>) -> HandlerResult {
    confirm(&ctx, "rotate_hook", "rotate").await
}

/// `POST /tasks/{id}/hooks/{hook}/rotate`. Only this response shows the address.
pub async fn rotate(ctx: Arc<RequestContext>) -> HandlerResult {
    let hook = requested(&ctx).await?;
    let shown = shown(&ctx, ctx.services().hooks.rotate(ctx.actor()?, &hook.task_id, &hook.id).await?);
    match ctx.partial {
        true => ctx.fragment(StatusCode::OK, "fragments/hook_shown.html", &serde_json::json!({"shown": shown})),
        false => render(&ctx, StatusCode::OK, Fields::default(), String::new(), Some(shown)).await,
    }
}

/// `GET /tasks/{id}/hooks/{hook}/revoke`
pub async fn confirm_revoke(ctx: Arc<RequestContext>) -> HandlerResult {
    confirm(&ctx, "revoke_hook", "revoke").await
}

/// `POST /tasks/{id}/hooks/{hook}/revoke`
pub async fn revoke(ctx: Arc<RequestContext>) -> HandlerResult {
    let hook = requested(&ctx).await?;
    ctx.services().hooks.revoke(ctx.actor()?, &hook.task_id, &hook.id).await?;
    Ok(ctx.action_done(&Flash::new("hook_revoked", &hook.name, ""), &hook.task_id, &hooks_href(&hook.task_id)))
}

async fn confirm(ctx: &RequestContext, action: &'static str, path: &str) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let hook = requested(ctx).await?;
    let list = hooks_href(&hook.task_id);
    let post_to = format!("{list}/{}/{path}", hook.id);
    let view = ConfirmDialog::plain(action, &hook.name, post_to, list);
    ctx.confirm(StatusCode::OK, "tasks", &view)
}

async fn requested(ctx: &RequestContext) -> Result<Hook, Failure> {
    let mut hooks = ctx.services().hooks.list(ctx.actor()?, ctx.id()).await?.into_iter();
    hooks.find(|hook| hook.id == ctx.second_id()).ok_or(Failure::NotFound)
}

fn shown(ctx: &RequestContext, created: CreatedHook) -> ShownHook {
    let url = ctx.own_address(&created.path);
    ShownHook::new(&created.hook, url, created.key)
}
