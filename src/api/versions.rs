//! `/tasks/{id}/versions`: how a task was after each change.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;

use super::auth::Caller;
use super::error::{Answer, Changing, ReadingOne};
use super::headers::{self, IfMatch, Language};
use super::model::task::{TaskView, VersionView};
use super::query::QueryString;
use super::tasks::TaskAnswer;
use super::{Shared, Tag, params};

/// The calls on versions of tasks.
pub struct Versions(pub Arc<Shared>);

#[OpenApi(tag = "Tag::Tasks")]
impl Versions {
    /// List a task's versions
    ///
    /// Newest first, at most a hundred; `before` goes on from there.
    #[oai(path = "/tasks/:id/versions", method = "get", operation_id = "listTaskVersions")]
    async fn list(
        &self,
        caller: Caller,
        /// The task's id.
        id: Path<String>,
        query: QueryString,
    ) -> Answer<Json<Vec<VersionView>>, ReadingOne> {
        let mut reader = query.by(&[params::VERSIONS]);
        let before = reader.integer("before", 1, i64::MAX);
        let before = reader.finish(before)?;
        let versions = self.0.service.versions(&caller.0, &id, before).await?;
        Ok(Json(versions.into_iter().map(VersionView::from).collect()))
    }

    /// Restore a version of a task
    ///
    /// Makes the task what it was then; a change like any other, with a version of its own.
    #[oai(path = "/tasks/:id/versions/:version/restore", method = "post", operation_id = "restoreTaskVersion")]
    async fn restore(
        &self,
        caller: Caller,
        language: Language,
        /// The task's id.
        id: Path<String>,
        /// The version's number.
        version: Path<i64>,
        if_match: IfMatch,
    ) -> Answer<TaskAnswer, Changing> {
        let task = self.0.service.restore_version(&caller.0, &id, version.0, if_match.0).await?;
        let tag = headers::etag(task.version);
        Ok(TaskAnswer::Found(Json(TaskView::new(task, self.0.service.zone(), language.0)), tag))
    }
}
