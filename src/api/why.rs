//! `/tasks/{id}/why`: why a task ran at a time, or why it did not.

use std::sync::Arc;

use chrono_tz::Tz;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadOneErrors};
use super::headers::AcceptedLanguage;
use super::model::why::ExplanationView;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::trigger::format_datetime;

/// The endpoint of explanations.
pub struct Why(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Tasks")]
impl Why {
    /// Explain a time of a task
    ///
    /// Why the task ran at a time, past or future, or why it did not: its rule field by field, clock changes, jitter, pause, the
    /// record and what decided it, and who changed the task around that time.
    #[oai(path = "/tasks/:id/why", method = "get", operation_id = "explainTask")]
    async fn why(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<ExplanationView>, ReadOneErrors> {
        let mut reader = query.reader(&[params::WHY]);
        let now = || format_datetime(self.0.services.clock.now(), Tz::UTC);
        let at = reader.text("at").unwrap_or_else(now);
        let at = reader.finish(at)?;
        let (found, zone) = self.0.services.why.explain(&caller.0, &id, &at).await?;
        Ok(Json(ExplanationView::new(found, zone, language.0)))
    }
}
