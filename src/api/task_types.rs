//! `/task-types`: the available task types.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{ApiResult, ReadErrors};
use super::model::task_type::TaskTypeView;
use super::{AppState, Tag};

/// The task type endpoints.
pub struct TaskTypes(pub Arc<AppState>);

#[OpenApi(tag = "Tag::TaskTypes")]
impl TaskTypes {
    /// List task types
    ///
    /// Every type with the schema of its parameters, an example and its default policy.
    #[oai(path = "/task-types", method = "get", operation_id = "listTaskTypes")]
    async fn list(&self, _caller: Caller) -> ApiResult<Json<Vec<TaskTypeView>>, ReadErrors> {
        Ok(Json(self.0.services.registry.all().iter().map(|entry| TaskTypeView::from(&entry.spec)).collect()))
    }
}
