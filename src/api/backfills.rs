//! `/tasks/{id}/backfill` and `/backfills`: occurrences that are run on purpose.

use std::sync::Arc;

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiResult, ChangeErrors, Problem, ReadOneErrors, WriteErrors};
use super::model::backfill::{BackfillStarted, BackfillView};
use super::model::named::BackfillInput;
use super::query::QueryString;
use super::{AppState, Tag, params};
use crate::domain::backfill::BackfillRequest;
use crate::domain::user::Action;
use crate::i18n::message;

/// The endpoints of backfills.
pub struct Backfills(pub Arc<AppState>);

/// The most backfills of one answer.
const LISTED: i64 = 100;

/// An accepted backfill.
#[derive(ApiResponse)]
pub enum BackfillAnswer {
    /// Its runs start in order.
    #[oai(status = 202)]
    Accepted(
        Json<BackfillStarted>,
        /// The backfill's URL.
        #[oai(header = "Location")]
        String,
    ),
}

#[OpenApi(tag = "Tag::Tasks")]
impl Backfills {
    /// Run occurrences of the past
    ///
    /// Runs the scheduled times of a span on purpose, or single ones in `times`, oldest first, `concurrency` at a time within the task's own limit; templates
    /// see each one's own `scheduled_at`. At most ten thousand; 409 while the task has an unfinished backfill.
    #[oai(path = "/tasks/:id/backfill", method = "post", operation_id = "backfillTask")]
    async fn start(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        body: Body<BackfillInput>,
    ) -> ApiResult<BackfillAnswer, WriteErrors> {
        let request = BackfillRequest::parse(&body.parse(&caller, Action::Run)?).map_err(Problem::invalid)?;
        let started = self.0.services.backfills.start(&caller.0, &id, &request).await?;
        let location = format!("/api/v1/backfills/{}", started.id);
        Ok(BackfillAnswer::Accepted(Json(BackfillStarted::from(&started)), location))
    }

    /// List a task's backfills
    ///
    /// Newest first, at most a hundred; continue with `before`.
    #[oai(path = "/backfills", method = "get", operation_id = "listBackfills")]
    async fn list(&self, caller: Caller, query: QueryString) -> ApiResult<Json<Vec<BackfillView>>, ReadOneErrors> {
        let mut reader = query.reader(&[params::BACKFILLS]);
        let (task_id, before) = (reader.text("task_id"), reader.text("before"));
        if task_id.is_none() {
            reader.fault("task_id", message!("value.required"));
        }
        let task_id = reader.finish(task_id)?.unwrap_or_default();
        let found = self.0.services.backfills.list(&caller.0, &task_id, before.as_deref(), LISTED).await?;
        Ok(Json(found.into_iter().map(BackfillView::from).collect()))
    }

    /// Get a backfill
    ///
    /// Its progress: how many occurrences wait for their turn, and the runs by status. It can be read for ninety days after its end.
    #[oai(path = "/backfills/:id", method = "get", operation_id = "getBackfill")]
    async fn get(
        &self,
        caller: Caller,
        /// The backfill's id.
        id: Path<String>,
    ) -> ApiResult<Json<BackfillView>, ReadOneErrors> {
        Ok(Json(self.0.services.backfills.get(&caller.0, &id).await?.into()))
    }

    /// Cancel a backfill
    ///
    /// No further run starts, queued ones are cancelled, and running ones go on; 409 if it has ended.
    #[oai(path = "/backfills/:id/cancel", method = "post", operation_id = "cancelBackfill")]
    async fn cancel(
        &self,
        caller: Caller,
        /// The backfill's id.
        id: Path<String>,
    ) -> ApiResult<Json<BackfillView>, ChangeErrors> {
        Ok(Json(self.0.services.backfills.cancel(&caller.0, &id).await?.into()))
    }
}
