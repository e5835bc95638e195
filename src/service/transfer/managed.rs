//! Tasks that a file keeps: whether it could be done, and which of them were paused or resumed since.

use std::sync::PoisonError;

use chrono::{DateTime, Utc};

use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::service::{Result, Service, allow};
use crate::storage::tasks_at_once;

/// How it stands with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The file's name.
    pub name: String,
    /// When it was last looked into.
    pub at: DateTime<Utc>,
    /// Why it could not be done; its last good state stays.
    pub error: Option<String>,
}

impl Service {
    /// How it stands with the file that keeps tasks; `None` where there is none.
    ///
    /// # Errors
    /// [`crate::service::Error::Forbidden`].
    pub fn tasks_file(&self, actor: &Actor) -> Result<Option<FileStatus>> {
        allow(actor, Action::See)?;
        Ok(self.0.tasks_file.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Notes how it stands with the file.
    pub fn set_tasks_file(&self, status: FileStatus) {
        *self.0.tasks_file.write().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// The tasks that were paused or resumed otherwise than their file says.
    ///
    /// # Errors
    /// [`crate::service::Error::Forbidden`], [`crate::service::Error::Internal`].
    pub async fn drifted_tasks(&self, actor: &Actor) -> Result<Vec<Task>> {
        allow(actor, Action::See)?;
        Ok(tasks_at_once::drifted(&mut self.database().read().await?).await?)
    }
}
