//! `/tasks/{id}/occurrences`: the times that a task's rules plan, each with its outcome.

use std::sync::Arc;

use chrono::TimeDelta;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadOneErrors};
use super::headers::AcceptedLanguage;
use super::model::occurrence::OccurrenceList;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::trigger::parse_timestamp;
use crate::service::{MAX_OCCURRENCES, OccurrenceRequest};

/// The endpoint of occurrences.
pub struct TaskOccurrences(pub Arc<AppState>);

/// The default span before now.
const BEFORE: TimeDelta = TimeDelta::days(7);
/// The default span after now.
const AFTER: TimeDelta = TimeDelta::days(1);
/// The default number of occurrences.
const DEFAULT_LIMIT: i64 = 100;

#[OpenApi(tag = "Tag::Tasks")]
impl TaskOccurrences {
    /// List a task's occurrences
    ///
    /// Each scheduled time of the span, oldest first, with what became of it: the status of its newest run or record, `planned`, or
    /// `unrecorded`. Times before the task existed follow from its rules of now. At most `limit` are returned; continue with `next`
    /// as `from`.
    #[oai(path = "/tasks/:id/occurrences", method = "get", operation_id = "listTaskOccurrences")]
    async fn list(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<OccurrenceList>, ReadOneErrors> {
        let services = &self.0.services;
        let zones = services.tasks.zones_of(&caller.0, std::slice::from_ref(&id.0)).await?;
        let zone = zones.get(&id.0).copied().unwrap_or(services.zone);
        let now = services.clock.now();
        let mut reader = query.reader(&[params::OCCURRENCES]);
        let request = OccurrenceRequest {
            from: reader.parse("from", |text| parse_timestamp(text, zone)).unwrap_or(now - BEFORE),
            to: reader.parse("to", |text| parse_timestamp(text, zone)).unwrap_or(now + AFTER),
            limit: reader.integer("limit", 1, MAX_OCCURRENCES).unwrap_or(DEFAULT_LIMIT),
        };
        let request = reader.finish(request)?;
        Ok(Json(OccurrenceList::new(services.occurrences.list(&caller.0, &id, request).await?, language.0)))
    }
}
