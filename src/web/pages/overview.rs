//! Overview page.

use std::sync::Arc;

use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::overview::Overview;

/// `GET /`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let found = ctx.services().stats.overview(ctx.actor()?).await?;
    ctx.page("overview", &Overview::new(&ctx.view(), &found))
}
