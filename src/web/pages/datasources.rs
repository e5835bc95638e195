//! Datasources page: visible to all, tested by administrators.

use std::sync::Arc;

use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::resources::{ConnectionTestView, DatasourceList, DatasourceRow};

/// `GET /settings/datasources`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, None)
}

/// `POST /settings/datasources`: tests a connection; shows the list with the result.
pub async fn test(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.raw("name").unwrap_or_default();
    let test_result = ctx.services().datasources.test(ctx.actor()?, name).await?;
    render(&ctx, Some(ConnectionTestView::new(name, test_result, ctx.language)))
}

fn render(ctx: &RequestContext, test_result: Option<ConnectionTestView>) -> HandlerResult {
    let sources = ctx.services().datasources.list(ctx.actor()?)?;
    let rows = sources.iter().map(|source| DatasourceRow::new(source)).collect();
    ctx.page("settings", &DatasourceList { rows, test_result })
}
