//! The example tasks of an empty server.

use std::sync::Arc;

use poem::http::StatusCode;

use crate::domain::user::Action;
use crate::service::DEMO_TAG;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::tasks::ConfirmDialog;

/// `POST /demo`: adds the tasks.
pub async fn add(ctx: Arc<RequestContext>) -> HandlerResult {
    let added = ctx.services().demo.add(ctx.actor()?, ctx.language).await?;
    Ok(ctx.redirect_with_flash("/", Some(&Flash::new("demo_added", &added.to_string(), "/tasks?tag=demo"))))
}

/// `GET /demo/remove`
pub async fn confirm_remove(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Administer)?;
    let dialog = ConfirmDialog::plain("demo-remove", DEMO_TAG, "/demo/remove".to_owned(), "/".to_owned());
    ctx.confirm(StatusCode::OK, "overview", &dialog)
}

/// `POST /demo/remove`
pub async fn remove(ctx: Arc<RequestContext>) -> HandlerResult {
    let removed = ctx.services().demo.remove(ctx.actor()?).await?;
    Ok(ctx.action_done(&Flash::new("demo_removed", &removed.to_string(), ""), "", "/"))
}
