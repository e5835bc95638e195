//! Saved views: saved from a list, renamed and deleted on their own page.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::json;

use super::form_errors;
use crate::domain::saved_view::ListKind;
use crate::service::Error;
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, trigger_event};
use crate::web::session::Flash;
use crate::web::view::executions;
use crate::web::view::saved_views::{ViewMenu, ViewsPage, field_of};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks;

const PAGE: &str = "/views";

/// Returns the menu of the list at `address`.
pub(super) async fn menu(ctx: &RequestContext, list: ListKind, address: &str, filtered: bool) -> Result<ViewMenu, Failure> {
    let saved = ctx.services().saved_views.list(ctx.actor()?).await?;
    Ok(ViewMenu::new(list, address, filtered, &saved))
}

/// `GET /views`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, StatusCode::OK, String::new(), Fields::default()).await
}

/// `POST /views/tasks?…`: saves the filter of the URL.
pub async fn save_tasks(ctx: Arc<RequestContext>) -> HandlerResult {
    let address = tasks::Filter::from_query(&ctx.query)?.address("");
    save(&ctx, ListKind::Tasks, &address).await
}

/// `POST /views/executions?…`: saves the filter of the URL.
pub async fn save_executions(ctx: Arc<RequestContext>) -> HandlerResult {
    let address = executions::Filter::from_query(&ctx.query)?.here(&ctx);
    save(&ctx, ListKind::Executions, &address).await
}

async fn save(ctx: &RequestContext, list: ListKind, address: &str) -> HandlerResult {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let name = ctx.form.get("name").unwrap_or_default();
    let result = match ctx.services().saved_views.save(ctx.actor()?, list, name, query).await {
        Ok(view) => {
            let flash = Flash::new("view_saved", &view.name, "");
            if !ctx.partial {
                return Ok(ctx.redirect_with_flash(address, Some(&flash)));
            }
            ("success", ctx.flash_text(&flash))
        }
        Err(error) => {
            let (status, text) = form_errors::apply(ctx, error, &[], &mut Fields::default())?;
            if !ctx.partial {
                return render(ctx, status, text, Fields::default()).await;
            }
            ("danger", text)
        }
    };
    let (kind, text) = result;
    Ok(trigger_event(StatusCode::NO_CONTENT, &json!({"belfry:done": {"kind": kind, "text": text, "redraw": kind == "success"}})))
}

/// `POST /views/{id}/rename`
pub async fn rename(ctx: Arc<RequestContext>) -> HandlerResult {
    let field = field_of(ctx.id());
    let name = ctx.form.get(&field).unwrap_or_default();
    match ctx.services().saved_views.rename(ctx.actor()?, ctx.id(), name).await {
        Ok(()) => Ok(ctx.redirect_with_flash(PAGE, Some(&Flash::new("view_saved", name.trim(), "")))),
        Err(Error::Invalid(faults)) => {
            let messages = ctx.translate_faults(&faults).into_iter().map(|fault| fault.message).collect();
            rejected(&ctx, StatusCode::UNPROCESSABLE_ENTITY, field, messages).await
        }
        Err(Error::Conflict(message)) => {
            let messages = vec![ctx.translate(&message)];
            rejected(&ctx, StatusCode::CONFLICT, field, messages).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /views/{id}/delete`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.services().saved_views.delete(ctx.actor()?, ctx.id()).await?;
    Ok(ctx.redirect_with_flash(PAGE, Some(&Flash::new("view_deleted", "", ""))))
}

async fn rejected(ctx: &RequestContext, status: StatusCode, field: String, messages: Vec<String>) -> HandlerResult {
    let mut form = form_errors::submitted(ctx, &[]);
    form.faults.insert(field, messages);
    render(ctx, status, String::new(), form).await
}

async fn render(ctx: &RequestContext, status: StatusCode, message: String, form: Fields) -> HandlerResult {
    let saved = ctx.services().saved_views.list(ctx.actor()?).await?;
    ctx.page_with(status, "settings", &ViewsPage::new(&saved, message, form))
}
