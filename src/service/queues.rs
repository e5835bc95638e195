//! Queues: their load, and how administrators pause, resume and resize them. A change holds for all nodes and over a restart;
//! what is queued meanwhile waits.

use std::sync::Arc;

use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::{Error, Result, allow};
use crate::domain::audit::AuditEvent;
use crate::domain::input::truncate;
use crate::domain::queue::{QueueChange, QueueSetting, QueueSettings};
use crate::domain::stats::ActiveRuns;
use crate::domain::tag_scope::TagScope;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::queue::QueueConfig;
use crate::signals::Signals;
use crate::storage::{Database, queue_setting, stats};

/// The most active executions that are counted.
const COUNT_LIMIT: i64 = 10_000;

/// The queues with their load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// Those of this node first, then others that have settings or executions, by name.
    pub queues: Vec<QueueState>,
    /// False: the counts are lower bounds.
    pub is_exact: bool,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    pub name: String,
    /// The limit in the settings file of this node; `None`: this node does not serve the queue.
    pub usual_limit: Option<i64>,
    pub setting: QueueSetting,
    /// Executions that wait for a worker.
    pub waiting: i64,
    pub running: i64,
}

impl QueueState {
    /// The concurrent runs in each process.
    pub fn limit(&self) -> Option<i64> {
        self.setting.limit.or(self.usual_limit)
    }
}

/// Reads and changes queues.
#[derive(Clone)]
pub struct QueueService {
    database: Database,
    signals: Signals,
    audit_log: AuditLog,
    configs: Arc<[QueueConfig]>,
}

impl QueueService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self {
            database: deps.database.clone(),
            signals: deps.signals.clone(),
            audit_log: shared.audit_log.clone(),
            configs: deps.queues.clone(),
        }
    }

    /// The queues; the executions of all tasks count, since the queues are shared.
    pub async fn list(&self, actor: &Actor) -> Result<Queues> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let active = stats::active_by_queue(&mut reader, &TagScope::ALL, COUNT_LIMIT).await?;
        let settings = queue_setting::all(&mut reader).await?;
        let is_exact = active.iter().map(|one| one.runs).sum::<i64>() < COUNT_LIMIT;
        Ok(Queues { queues: self.states(&settings, &active), is_exact })
    }

    /// The queues with these settings and active executions.
    pub fn states(&self, settings: &QueueSettings, active: &[ActiveRuns]) -> Vec<QueueState> {
        queue_states(&self.configs, settings, active)
    }

    /// Changes a queue.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`]; [`Error::NotFound`] if this node does not know the queue.
    pub async fn change(&self, actor: &Actor, name: &str, change: QueueChange) -> Result<()> {
        allow(actor, Action::Administer)?;
        let mut tx = self.database.write().await?;
        let known = queue_setting::all(&mut tx).await?;
        if !known.contains_key(name) && !self.configs.iter().any(|queue| queue.name == name) {
            return Err(Error::NotFound(message!("queue.missing", name = truncate(name, 64))));
        }
        let before = queue_setting::lock(&mut tx, name).await?;
        let after = before.changed(change).map_err(|fault| Error::Invalid(vec![fault]))?;
        if before == after {
            return Ok(());
        }
        queue_setting::set(&mut tx, name, &after).await?;
        let entry = AuditEntry::new(event(change), "queue", name).before(json!(before)).after(json!(after));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.signals.jobs.apply(&queue_setting::all(&mut self.database.read().await?).await?);
        tracing::info!(actor = actor.name, queue = name, paused = after.paused, limit = after.limit, "queue changed");
        Ok(())
    }
}

const fn event(change: QueueChange) -> AuditEvent {
    match change {
        QueueChange::Pause => AuditEvent::QueuePause,
        QueueChange::Resume => AuditEvent::QueueResume,
        QueueChange::Resize(_) => AuditEvent::QueueResize,
    }
}

/// The queues of this node, and those that only the settings or executions name.
fn queue_states(configs: &[QueueConfig], settings: &QueueSettings, active: &[ActiveRuns]) -> Vec<QueueState> {
    let sum = |name: &str, counts: fn(&ActiveRuns) -> bool| {
        active.iter().filter(|one| one.queue == name && counts(one)).map(|one| one.runs).sum()
    };
    let state = |name: &str, usual_limit| QueueState {
        name: name.to_owned(),
        usual_limit,
        setting: settings.get(name).cloned().unwrap_or_default(),
        waiting: sum(name, |one| one.waiting),
        running: sum(name, |one| one.held),
    };
    let own = configs.iter().map(|queue| state(&queue.name, i64::try_from(queue.limit).ok()));
    let mut others: Vec<&str> = settings.keys().map(String::as_str).chain(active.iter().map(|one| one.queue.as_str())).collect();
    others.retain(|name| !name.is_empty() && !configs.iter().any(|queue| queue.name == *name));
    others.sort_unstable();
    others.dedup();
    own.chain(others.into_iter().map(|name| state(name, None))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::execution::Status;

    #[test]
    fn queues_of_other_nodes_follow_those_of_this_one() {
        let configs = [QueueConfig { name: "default".into(), limit: 4 }];
        let settings = QueueSettings::from([("old".to_owned(), QueueSetting { paused: true, limit: Some(2) })]);
        let active =
            |queue: &str, held, waiting, runs| ActiveRuns { status: Status::Queued, queue: queue.into(), held, waiting, runs };
        let active = [
            active("default", true, false, 3),
            active("default", false, true, 7),
            active("far", false, true, 1),
            active("far", false, false, 5),
        ];
        let found = queue_states(&configs, &settings, &active);
        let shown: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.limit(), one.waiting, one.running)).collect();
        assert_eq!(shown, [("default", Some(4), 7, 3), ("far", None, 1, 0), ("old", Some(2), 0, 0)]);
    }
}
