//! Overview page.

use std::sync::Arc;

use super::incidents;
use crate::domain::notify::incident::IncidentFilter;
use crate::domain::page::PageRequest;
use crate::net::cookie;
use crate::stats::overview::Overview as Statistics;
use crate::stats::trend::{Trend, TrendRange};
use crate::web::error::Failure;
use crate::web::request_context::{HandlerResult, RequestContext, set_cookie};
use crate::web::session::choice_cookie;
use crate::web::view::overview::{MoreOfOverview, Overview};

/// The most open incidents on the page.
const INCIDENTS: u32 = 5;
/// Name of the cookie with the range of the trend.
const TREND_COOKIE: &str = "belfry_trend";

/// `GET /?trend=…`
pub async fn show(ctx: Arc<RequestContext>) -> HandlerResult {
    let found = ctx.services().stats.overview(ctx.actor()?).await?;
    let not_ready = ctx.services().health.check().await.err().map(|not_ready| not_ready.detail());
    let open = IncidentFilter { open: Some(true), ..IncidentFilter::default() };
    let page = PageRequest { size: INCIDENTS, cursor: None };
    let incidents = match ctx.services().incidents.open_count(ctx.actor()?).await? {
        0 => Vec::new(),
        _ => incidents::rows(&ctx, &ctx.services().incidents.list(ctx.actor()?, &open, &page).await?.items),
    };
    let has_demo = ctx.services().demo.exists(ctx.actor()?).await?;
    let queues = ctx.services().queues.states(&found.queue_settings, &found.active);
    let asked = ctx.query.one_of("trend", &TrendRange::ALL.map(TrendRange::as_str))?;
    let (chosen, kept) = (asked.and_then(TrendRange::parse), kept_range(&ctx));
    let trend = trend(&ctx, chosen.or(kept).unwrap_or_default(), &found).await?;
    let more = MoreOfOverview { trend, queues, not_ready, incidents, has_demo };
    let mut response = ctx.page("overview", &Overview::new(&ctx.view(), &found, &more))?;
    if let Some(chosen) = chosen.filter(|_| chosen != kept) {
        set_cookie(&mut response, &choice_cookie(TREND_COOKIE, chosen.as_str(), ctx.secure));
    }
    Ok(response)
}

/// The range that the reader chose last.
fn kept_range(ctx: &RequestContext) -> Option<TrendRange> {
    cookie::read(&ctx.headers, TREND_COOKIE).and_then(TrendRange::parse)
}

/// The trend of a range; that of a day is part of the statistics.
async fn trend(ctx: &RequestContext, range: TrendRange, found: &Statistics) -> Result<Arc<Trend>, Failure> {
    match range {
        TrendRange::Day => Ok(Arc::new(Trend::from_slots(range, found.hours.clone()))),
        TrendRange::Week | TrendRange::Month => Ok(ctx.services().stats.trend(ctx.actor()?, range).await?),
    }
}
