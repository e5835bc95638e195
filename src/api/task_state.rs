//! `/tasks/{id}/state`: what a task keeps from one run to the next.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::DeletedResponse;
use super::auth::Caller;
use super::error::{ApiResult, ChangeErrors, ReadOneErrors};
use super::headers::IfMatch;
use super::model::task::TaskStateView;
use super::{AppState, Tag};

/// The endpoints of task states.
pub struct TaskStates(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Tasks")]
impl TaskStates {
    /// Get a task's state
    ///
    /// What its type keeps from one run to the next: the watermark of `data_sync`, the previous report of `auto_test`. It outlives
    /// the task's executions.
    #[oai(path = "/tasks/:id/state", method = "get", operation_id = "getTaskState")]
    async fn get(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
    ) -> ApiResult<Json<TaskStateView>, ReadOneErrors> {
        Ok(Json(self.0.services.tasks.state(&caller.0, &id).await?.into()))
    }

    /// Reset a task's state
    ///
    /// Its next run begins as its first one. A run in progress does not save its state any more.
    #[oai(path = "/tasks/:id/state", method = "delete", operation_id = "resetTaskState")]
    async fn reset(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        if_match: IfMatch,
    ) -> ApiResult<DeletedResponse, ChangeErrors> {
        self.0.services.tasks.reset_state(&caller.0, &id, if_match.0).await?;
        Ok(DeletedResponse::Deleted)
    }
}
