//! `/tasks/{id}/versions`: the version history of tasks.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::answer::Found;
use super::auth::Caller;
use super::error::{ApiResult, ChangeErrors, ReadOneErrors};
use super::headers::{AcceptedLanguage, IfMatch};
use super::model::task::{TaskView, VersionView};
use super::query::QueryString;
use super::{AppState, Tag, params};

/// The task version endpoints.
pub struct Versions(pub Arc<AppState>);

#[OpenApi(tag = "Tag::Tasks")]
impl Versions {
    /// List a task's versions
    ///
    /// Newest first, at most a hundred; continue with `before`.
    #[oai(path = "/tasks/:id/versions", method = "get", operation_id = "listTaskVersions")]
    async fn list(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        query: QueryString,
    ) -> ApiResult<Json<Vec<VersionView>>, ReadOneErrors> {
        let mut reader = query.reader(&[params::VERSIONS]);
        let before = reader.integer("before", 1, i64::MAX);
        let before = reader.finish(before)?;
        let versions = self.0.services.tasks.versions(&caller.0, &id, before).await?;
        Ok(Json(versions.into_iter().map(VersionView::from).collect()))
    }

    /// Restore a version of a task
    ///
    /// Sets the task to an earlier version, which creates a new version.
    #[oai(path = "/tasks/:id/versions/:version/restore", method = "post", operation_id = "restoreTaskVersion")]
    async fn restore(
        &self,
        caller: Caller,
        language: AcceptedLanguage,
        /// The task's id.
        id: Path<String>,
        /// The version's number.
        version: Path<i64>,
        if_match: IfMatch,
    ) -> ApiResult<Found<TaskView>, ChangeErrors> {
        let task = self.0.services.tasks.restore_version(&caller.0, &id, version.0, if_match.0).await?;
        Ok(Found(TaskView::new(task, self.0.services.zone, language.0)))
    }
}
