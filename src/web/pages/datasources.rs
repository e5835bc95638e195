//! Datasources page: visible to all, tested by administrators.

use std::sync::Arc;

use super::profiles;
use crate::domain::profile::ProfileKind;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::resources::{ConnectionTestView, DatasourceList, DatasourceRow};

/// `GET /settings/datasources`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    render(&ctx, None).await
}

/// `POST /settings/datasources`: tests a connection; shows the list with the result.
pub async fn test(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = ctx.form.raw("name").unwrap_or_default();
    let test_result = ctx.services().datasources.test(ctx.actor()?, name).await?;
    render(&ctx, Some(ConnectionTestView::new(name, test_result, ctx.language))).await
}

async fn render(ctx: &RequestContext, test_result: Option<ConnectionTestView>) -> HandlerResult {
    let (actor, services) = (ctx.actor()?, ctx.services());
    let sources = services.datasources.list(actor).await?;
    let from_file = |name: &str| services.stored_profiles.is_from_file(ProfileKind::Datasource, name);
    let rows = sources.iter().map(|source| DatasourceRow::new(source, from_file(&source.name))).collect();
    let unreadable = profiles::unreadable(ctx, ProfileKind::Datasource).await?;
    ctx.page("settings", &DatasourceList { rows, unreadable, test_result })
}
