//! `/task-types`: what tasks can do here.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{Answer, Reading};
use super::model::task_type::TaskTypeView;
use super::{Shared, Tag};

/// The calls about task types.
pub struct TaskTypes(pub Arc<Shared>);

#[OpenApi(tag = "Tag::TaskTypes")]
impl TaskTypes {
    /// List task types
    ///
    /// Every type with the schema of its parameters, an example and its default policy.
    #[oai(path = "/task-types", method = "get", operation_id = "listTaskTypes")]
    async fn list(&self, _caller: Caller) -> Answer<Json<Vec<TaskTypeView>>, Reading> {
        Ok(Json(self.0.service.registry().all().iter().map(|entry| TaskTypeView::from(&entry.spec)).collect()))
    }
}
