//! Nodes page: processes, queues and running executions.

use std::sync::Arc;

use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::nodes::NodesPage;

/// `GET /nodes`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let found = ctx.services().nodes.snapshot(ctx.actor()?).await?;
    ctx.page("settings", &NodesPage::new(&ctx.view(), &found))
}
