//! Task versions: list and restore.

use serde_json::Value;

use super::tasks::TaskService;
use super::{Error, Result, allow, tag_scope};
use crate::domain::task::{Task, Version};
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::storage::version;

/// The maximum number of versions per request.
const STEP: i64 = 100;

impl TaskService {
    /// The newest hundred versions of a task, or those before version `before`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn versions(&self, actor: &Actor, id: &str, before: Option<i64>) -> Result<Vec<Version>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        tag_scope::task(&mut reader, actor, id).await?;
        Ok(version::list(&mut reader, id, before, STEP).await?)
    }

    /// One version of a task.
    pub async fn version(&self, actor: &Actor, id: &str, number: i64) -> Result<Version> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        tag_scope::task(&mut reader, actor, id).await?;
        let found = version::get(&mut reader, id, number).await?;
        found.ok_or_else(|| Error::NotFound(message!("task.version_missing", number, id)))
    }

    /// Restores the content of a version, as a new version.
    ///
    /// # Errors
    /// As [`TaskService::versions`] and [`TaskService::replace`].
    pub async fn restore_version(&self, actor: &Actor, id: &str, number: i64, if_match: Option<i64>) -> Result<Task> {
        allow(actor, Action::Edit)?;
        let former: Value = self.version(actor, id, number).await?.content;
        self.replace(actor, id, &former, if_match).await
    }
}
