//! `/stats`: statistics over the last hours or days.

use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadErrors};
use super::model::stats::StatsView;
use super::query::QueryString;
use super::{AppState, Tag, executions, params};

/// The statistics endpoints.
pub struct Stats(pub Arc<AppState>);

/// The default window, a day.
const DEFAULT_WINDOW: i64 = 86_400;

#[OpenApi(tag = "Tag::Stats")]
impl Stats {
    /// Get statistics
    ///
    /// Counts by status and type, the success rate, percentiles of duration and lateness, and the next fire times.
    #[oai(path = "/stats", method = "get", operation_id = "getStats")]
    async fn stats(&self, caller: Caller, query: QueryString) -> ApiResult<Json<StatsView>, ReadErrors> {
        let mut reader = query.reader(&[params::STATS]);
        let window = reader.integer("window_seconds", 1, params::MAX_WINDOW).unwrap_or(DEFAULT_WINDOW);
        let window = reader.finish(window)?;
        let stats = self.0.services.stats.window(&caller.0, window).await?;
        let zones = executions::zones_of(&self.0, &caller, stats.due_next.iter().map(|due| due.task_id.clone())).await?;
        Ok(Json(StatsView::new(stats, |id| zones.get(id).copied().unwrap_or(Tz::UTC))))
    }
}
