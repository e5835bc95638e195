//! Test runs of tasks that are not saved.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::task_rules::TaskRules;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::storage::Database;
use crate::worker::draft::{DraftRun, DraftRunner};

/// The time limit of a test run, whatever time the task has: whoever asked for it waits for the answer.
pub const LONGEST_TEST: Duration = Duration::from_secs(20);
/// The most test runs at one time on this server.
const MOST_TESTS: usize = 2;

/// Runs drafts.
#[derive(Clone)]
pub struct DraftService {
    database: Database,
    clock: SharedClock,
    rules: TaskRules,
    audit_log: AuditLog,
    runner: Arc<DraftRunner>,
    free: Arc<Semaphore>,
}

impl DraftService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        let runner = DraftRunner::new(
            deps.database.clone(),
            deps.clock.clone(),
            deps.registry.clone(),
            deps.vault.clone(),
            deps.zone,
            deps.environment.clone(),
        );
        from_deps!(deps { database, clock }, shared { rules, audit_log }, {
            runner: Arc::new(runner),
            free: Arc::new(Semaphore::new(MOST_TESTS)),
        })
    }

    /// Runs a task as it would be saved, once, with its parameters and within its time limit and [`LONGEST_TEST`]. Nothing is saved but
    /// the audit entry. The run reads and writes no state of a task. `saved`: the id of the task that is being changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, [`Error::Forbidden`], [`Error::NotFound`]; [`Error::TooManyRequests`] while other tests
    /// run.
    pub async fn test(&self, actor: &Actor, body: &Value, saved: Option<&str>) -> Result<DraftRun> {
        allow(actor, Action::Edit)?;
        allow(actor, Action::Run)?;
        self.rules.refresh().await?;
        let input = self.rules.read_input(body)?;
        self.rules.allow_type(actor, &input.task_type)?;
        let busy = || Error::TooManyRequests(message!("draft.busy", max = MOST_TESTS));
        let _free = self.free.try_acquire().map_err(|_| busy())?;
        let mut draft = Task::new(&input, self.clock.now());
        let mut tx = self.database.write().await?;
        let former = match saved {
            Some(id) => Some(tag_scope::task(&mut tx, actor, id).await?),
            None => None,
        };
        let tags = former.as_ref().map(|former| former.tags.clone()).unwrap_or_default();
        tag_scope::keep_in_scope(&mut tx, actor, &mut draft.tags, &tags, &self.rules.reserved_tags).await?;
        tag_scope::check_named_tasks(&mut tx, actor, &draft.params, "/params").await?;
        // A secret that is limited to the saved task is open to its draft, and to no other task that takes its id.
        if let Some(former) = former.filter(|former| former.id == draft.id && former.task_type == draft.task_type) {
            draft.key = former.key;
        }
        let after = json!({"type": draft.task_type, "params": draft.params});
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::TaskTest, "task", &draft.id).after(after)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = draft.id, task.r#type = draft.task_type, "draft tested");
        Ok(self.runner.run(&draft, LONGEST_TEST).await)
    }
}
