//! The files that one task may use, by its tags.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Limits, RunError, Toolbox};
use crate::i18n::Message;
use crate::storage::{self, Database, task};

/// The files that one task may use.
#[derive(Debug, Clone)]
pub(in crate::tasks) struct TaskFiles {
    limits: Arc<Limits>,
    tags: Vec<String>,
}

impl TaskFiles {
    /// The absolute path of a file that the task may use. Blocks on disk access, so call it from a blocking thread.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf, Message> {
        self.limits.files.resolve(path, &self.tags)
    }
}

impl Toolbox {
    /// The files that a task may use. Its tags are read only if a folder is limited to tags.
    pub(in crate::tasks) async fn files_of(&self, task_id: &str) -> Result<TaskFiles, RunError> {
        let tags = match self.limits.files.tags().next() {
            Some(_) => task_tags(&self.database, task_id).await.map_err(|error| RunError::database(&error))?,
            None => Vec::new(),
        };
        Ok(TaskFiles { limits: self.limits.clone(), tags })
    }
}

/// The tags of a task; none if it was deleted.
async fn task_tags(database: &Database, task_id: &str) -> storage::Result<Vec<String>> {
    let found = task::get(&mut database.read_engine().await?, task_id).await?;
    Ok(found.map(|task| task.tags).unwrap_or_default())
}
