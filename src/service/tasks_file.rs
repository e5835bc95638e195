//! The tasks file: its status, and managed tasks that were paused or resumed since.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::deps::ServiceDeps;
use super::transfer::{ImportOutcome, TransferService};
use super::{Result, allow, tag_scope};
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::i18n::Message;
use crate::storage::{Database, task_bulk};

/// The status of the tasks file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The file's name.
    pub name: String,
    /// When it was last read.
    pub at: DateTime<Utc>,
    /// Why it could not be applied, so that the last valid state stays in effect; empty: it was.
    pub errors: Vec<Message>,
}

/// Applies the tasks file and keeps its status.
#[derive(Clone)]
pub struct TasksFileService {
    database: Database,
    transfer: TransferService,
    status: Arc<RwLock<Option<FileStatus>>>,
}

impl TasksFileService {
    pub(super) fn new(deps: &ServiceDeps, transfer: TransferService) -> Self {
        Self { database: deps.database.clone(), transfer, status: Arc::default() }
    }

    /// The status of the tasks file; `None` if there is none. It belongs to the whole server, so accounts limited to tags do not see
    /// it.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`].
    pub fn status(&self, actor: &Actor) -> Result<Option<FileStatus>> {
        allow(actor, Action::See)?;
        if !actor.scope.is_all() {
            return Ok(None);
        }
        Ok(self.status.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Sets the status of the tasks file.
    pub fn set_status(&self, status: FileStatus) {
        *self.status.write().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// The managed tasks in the actor's scope whose enabled state differs from their file.
    ///
    /// # Errors
    /// [`super::Error::Forbidden`], [`super::Error::Internal`].
    pub async fn drifted_tasks(&self, actor: &Actor) -> Result<Vec<Task>> {
        allow(actor, Action::See)?;
        let drifted = task_bulk::drifted(&mut self.database.read().await?).await?;
        Ok(tag_scope::visible(actor, drifted))
    }

    /// Applies the tasks file: creates, updates and marks the tasks that it contains, and deletes those that it no longer
    /// contains. A manual pause or resume stays in effect until the file changes that task's `enabled`.
    pub async fn apply(&self, actor: &Actor, document: &Value, file: &str) -> Result<ImportOutcome> {
        self.transfer.apply_file(actor, document, file).await
    }

    /// Makes all file-managed tasks unmanaged. Returns their number.
    pub async fn release(&self, actor: &Actor) -> Result<u64> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database.write().await?;
        let released = task_bulk::clear_managed(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }
}
