//! The tasks file: its status, and managed tasks that were paused or resumed since.

use std::sync::PoisonError;

use chrono::{DateTime, Utc};

use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::service::{Result, Service, allow};
use crate::storage::task_bulk;

/// The status of the tasks file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The file's name.
    pub name: String,
    /// When it was last read.
    pub at: DateTime<Utc>,
    /// Why it could not be applied; the last valid state stays in effect.
    pub error: Option<String>,
}

impl Service {
    /// The status of the tasks file; `None` if there is none.
    ///
    /// # Errors
    /// [`crate::service::Error::Forbidden`].
    pub fn tasks_file(&self, actor: &Actor) -> Result<Option<FileStatus>> {
        allow(actor, Action::See)?;
        Ok(self.0.tasks_file.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Sets the status of the tasks file.
    pub fn set_tasks_file(&self, status: FileStatus) {
        *self.0.tasks_file.write().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// The managed tasks whose enabled state differs from their file.
    ///
    /// # Errors
    /// [`crate::service::Error::Forbidden`], [`crate::service::Error::Internal`].
    pub async fn drifted_tasks(&self, actor: &Actor) -> Result<Vec<Task>> {
        allow(actor, Action::See)?;
        Ok(task_bulk::drifted(&mut self.database().read().await?).await?)
    }
}
