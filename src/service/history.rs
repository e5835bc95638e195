//! The history of runs elsewhere, brought here: once, however often it is asked for, and without touching any schedule.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::audit::Told;
use super::{Error, Result, Service, allow};
use crate::domain::audit::Act;
use crate::domain::event::{Event, TaskChange};
use crate::domain::moving::history::{self, PastRun};
use crate::domain::user::{Action, Actor};
use crate::storage::{past_runs, task};

/// Runs taken by one request.
pub const MAX_RUNS: usize = 5000;

/// What was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brought {
    pub inserted: usize,
    /// Those that were here already.
    pub known: usize,
}

impl Service {
    /// Puts runs that ended elsewhere on record, as [`history::read`] reads them. The counters of tasks that there are move
    /// with them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators; [`Error::Invalid`] with the faults, or for more than [`MAX_RUNS`].
    pub async fn bring_history(&self, actor: &Actor, history: &Value) -> Result<Brought> {
        allow(actor, Action::Administer)?;
        let runs = history::read(history, self.zone()).map_err(Error::Invalid)?;
        if runs.len() > MAX_RUNS {
            return Err(Error::invalid("", format!("{} runs are given, at most {MAX_RUNS} are taken at once", runs.len())));
        }
        let given = runs.len();
        let mut named: Vec<(String, PastRun)> = runs.into_iter().map(|run| (id_of(&run), run)).collect();
        named.sort_by(|one, other| one.0.cmp(&other.0));
        named.dedup_by(|one, other| one.0 == other.0);
        let mut tx = self.database().write().await?;
        let inserted = past_runs::insert(&mut tx, &named, &actor.name).await?;
        if inserted > 0 {
            let told = Told::of(Act::ExecutionImport, "executions", &inserted.to_string());
            self.tell(&mut tx, actor, told).await?;
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
        Ok(Brought { inserted, known: given - inserted })
    }
}

/// An id made of what the run was: its time first, as in all ids.
fn id_of(run: &PastRun) -> String {
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
