//! Example tasks: added to look around with, run at once, and removed together by their tag.

use std::sync::Arc;

use serde_json::{Value, json};

use super::executions::ExecutionService;
use super::tasks::TaskService;
use super::transfer::{Import, TransferService};
use super::{Error, Result, allow};
use crate::domain::transfer::{ChangeKind, read};
use crate::domain::user::{Action, Actor};
use crate::i18n::Language;
use crate::tasks::registry::Registry;

/// The tag of the example tasks.
pub const DEMO_TAG: &str = "demo";

/// Adds and removes the example tasks.
#[derive(Clone)]
pub struct DemoService {
    tasks: TaskService,
    executions: ExecutionService,
    transfer: TransferService,
    registry: Arc<Registry>,
}

impl DemoService {
    pub(super) fn new(
        tasks: TaskService,
        executions: ExecutionService,
        transfer: TransferService,
        registry: Arc<Registry>,
    ) -> Self {
        Self { tasks, executions, transfer, registry }
    }

    /// Whether there are tasks with the tag.
    pub async fn exists(&self, actor: &Actor) -> Result<bool> {
        Ok(self.tasks.tags(actor).await?.iter().any(|tag| tag == DEMO_TAG))
    }

    /// Adds the example tasks, with their names in a language, and starts a run of each. Tasks of types that the settings do not
    /// allow are left out. Returns how many were added or changed.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless the actor is an administrator.
    pub async fn add(&self, actor: &Actor, language: Language) -> Result<usize> {
        allow(actor, Action::Administer)?;
        let mut document = read(document(language)).map_err(|fault| Error::Invalid(vec![fault]))?;
        if let Some(tasks) = document.get_mut("tasks").and_then(Value::as_array_mut) {
            tasks.retain(|task| task["type"].as_str().is_some_and(|name| self.registry.get(name).is_some()));
        }
        let outcome = self.transfer.import(actor, &document, Import::default()).await?;
        for change in &outcome.changes {
            match self.executions.run(actor, &change.id, None, None).await {
                // Its schedule may have started it already.
                Ok(_) | Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(outcome.changes.len())
    }

    /// Deletes all tasks with the tag; their executions stay. Returns how many were deleted.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless the actor is an administrator.
    pub async fn remove(&self, actor: &Actor) -> Result<usize> {
        allow(actor, Action::Administer)?;
        let import = Import { prune: true, tag: Some(DEMO_TAG.to_owned()), dry_run: false };
        let outcome = self.transfer.import(actor, &json!({"version": 1, "tasks": []}), import).await?;
        Ok(outcome.changes.iter().filter(|change| change.kind == ChangeKind::Delete).count())
    }
}

fn document(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../examples/demo/en.yaml"),
        Language::Chinese => include_str!("../../examples/demo/zh-CN.yaml"),
    }
}
