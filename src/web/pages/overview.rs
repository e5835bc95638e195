//! Overview page.

use std::sync::Arc;

use crate::domain::notify::incident::IncidentFilter;
use crate::domain::page::PageRequest;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::view::overview::{MoreOfOverview, Overview};

/// The most open incidents on the page.
const INCIDENTS: u32 = 5;

/// `GET /`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let found = ctx.services().stats.overview(ctx.actor()?).await?;
    let not_ready = ctx.services().health.check().await.err().map(|not_ready| not_ready.detail());
    let open = IncidentFilter { open: Some(true), ..IncidentFilter::default() };
    let page = PageRequest { size: INCIDENTS, cursor: None };
    let incidents = match ctx.services().incidents.open_count(ctx.actor()?).await? {
        0 => Vec::new(),
        _ => ctx.services().incidents.list(ctx.actor()?, &open, &page).await?.items,
    };
    let has_demo = ctx.services().demo.exists(ctx.actor()?).await?;
    ctx.page("overview", &Overview::new(&ctx.view(), &found, &MoreOfOverview { not_ready, incidents, has_demo }))
}
