//! Import of run history from other schedulers. The import is idempotent and changes no schedule.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::audit::AuditEntry;
use super::{Error, Result, Service, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::event::{Event, TaskChange};
use crate::domain::migrate::history::{self, HistoricalRun};
use crate::domain::user::{Action, Actor};
use crate::storage::{history_import, task};

/// The maximum number of runs per request.
pub const MAX_RUNS: usize = 5000;

/// The result of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryImportOutcome {
    pub inserted: usize,
    /// The number of runs that were imported before.
    pub known: usize,
}

impl Service {
    /// Records finished runs of another scheduler, parsed by [`history::read`], and updates the counters of existing tasks.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators; [`Error::Invalid`] with the faults, or for more than [`MAX_RUNS`].
    pub async fn import_history(&self, actor: &Actor, history: &Value) -> Result<HistoryImportOutcome> {
        allow(actor, Action::Administer)?;
        let runs = history::read(history, self.zone()).map_err(Error::Invalid)?;
        if runs.len() > MAX_RUNS {
            return Err(Error::invalid("", format!("{} runs are given, at most {MAX_RUNS} are allowed per request", runs.len())));
        }
        let given = runs.len();
        let mut named: Vec<(String, HistoricalRun)> = runs.into_iter().map(|run| (id_of(&run), run)).collect();
        named.sort_by(|one, other| one.0.cmp(&other.0));
        named.dedup_by(|one, other| one.0 == other.0);
        let mut tx = self.database().write().await?;
        let inserted = history_import::insert(&mut tx, &named, &actor.name).await?;
        if inserted > 0 {
            let entry = AuditEntry::new(AuditEvent::ExecutionImport, "executions", &inserted.to_string());
            self.record_audit(&mut tx, actor, entry).await?;
        }
        let mut ids: Vec<String> = named.into_iter().map(|(_, run)| run.task_id).collect();
        ids.sort();
        ids.dedup();
        let touched = task::many(&mut tx, &ids).await?;
        tx.commit().await?;
        if inserted > 0 {
            tracing::info!(actor = actor.name, inserted, "past runs imported");
            let change = |task: crate::domain::task::Task| Event::Task { id: task.id, change: TaskChange::Updated };
            self.events().publish(touched.into_iter().map(change).collect());
        }
        Ok(HistoryImportOutcome { inserted, known: given - inserted })
    }
}

/// A ULID derived from the content of the run, so that importing it again yields the same id.
fn id_of(run: &HistoricalRun) -> String {
    let what = serde_json::json!([
        run.task_id,
        run.task_type,
        run.status.as_str(),
        run.started_at.timestamp_micros(),
        run.duration_ms,
        run.error,
        run.result
    ]);
    let digest = Sha256::digest(what.to_string().as_bytes());
    let random = digest.iter().take(10).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    ulid::Ulid::from_parts(u64::try_from(run.started_at.timestamp_millis()).unwrap_or_default(), random).to_string()
}
