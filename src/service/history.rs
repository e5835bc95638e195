//! Import of run history from other schedulers. The import is idempotent and changes no schedule.

use chrono_tz::Tz;
use serde_json::Value;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::{Error, Result, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Event, TaskChange};
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::message;
use crate::migrate::history;
use crate::storage::history_import::{self, HistoricalRun};
use crate::storage::{Database, task};

/// The maximum number of runs per request.
pub const MAX_RUNS: usize = 5000;

/// The result of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryImportOutcome {
    pub inserted: usize,
    /// The number of runs that were imported before.
    pub known: usize,
}

/// Imports the run history of other schedulers.
#[derive(Clone)]
pub struct HistoryService {
    database: Database,
    zone: Tz,
    events: EventBus,
    audit_log: AuditLog,
}

impl HistoryService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, zone, events }, shared { audit_log })
    }

    /// Records finished runs of another scheduler, parsed by [`history::read`], and updates the counters of existing tasks.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators; [`Error::Invalid`] with the faults, or for more than [`MAX_RUNS`].
    pub async fn import(&self, actor: &Actor, history: &Value) -> Result<HistoryImportOutcome> {
        allow(actor, Action::Administer)?;
        let runs = history::read(history, self.zone).map_err(Error::Invalid)?;
        if runs.len() > MAX_RUNS {
            return Err(Error::invalid("", message!("history.too_many_runs", count = runs.len(), max = MAX_RUNS)));
        }
        let given = runs.len();
        let mut named: Vec<(String, HistoricalRun)> = runs.into_iter().map(|run| (history::key_of(&run), run)).collect();
        named.sort_by(|one, other| one.0.cmp(&other.0));
        named.dedup_by(|one, other| one.0 == other.0);
        let mut tx = self.database.write().await?;
        let inserted = history_import::insert(&mut tx, &named, &actor.name).await?;
        if inserted > 0 {
            let entry = AuditEntry::new(AuditEvent::ExecutionImport, "executions", &inserted.to_string());
            self.audit_log.record(&mut tx, actor, entry).await?;
        }
        let mut ids: Vec<String> = named.into_iter().map(|(_, run)| run.task_id).collect();
        ids.sort();
        ids.dedup();
        let touched = task::many(&mut tx, &ids).await?;
        tx.commit().await?;
        if inserted > 0 {
            tracing::info!(actor = actor.name, inserted, "past runs imported");
            let change = |task: crate::domain::task::Task| Event::Task { id: task.id, change: TaskChange::Updated };
            self.events.publish(touched.into_iter().map(change).collect());
        }
        Ok(HistoryImportOutcome { inserted, known: given - inserted })
    }
}
