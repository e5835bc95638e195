//! Idle triggers: samples the CPU use once a second while there are tasks with an idle trigger, and fires those whose
//! condition is met. Of several nodes one watches: the holder of a lease, by the use of its own machine.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::cpu_usage::CpuUsage;
use super::{Planner, occurrences};
use crate::clock::tick;
use crate::domain::decision::{DecisionTime, DueTask, idle_occurrence};
use crate::domain::task::Task;
use crate::domain::trigger::{IdleState, Trigger};
use crate::notify::incidents;
use crate::storage::{Result, Tx, lease, node, task};

const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// The lease of the node that watches.
const LEASE: &str = "idle";
/// How long another node waits after this one renewed its lease for the last time.
const LEASE_LENGTH: TimeDelta = TimeDelta::seconds(15);
/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// The background task that samples the CPU.
pub struct IdleWatch {
    planner: Planner,
    node_id: String,
    /// When the lease was renewed; `None`: another node holds it.
    held_since: Option<tokio::time::Instant>,
    cpu: Option<CpuUsage>,
    /// By task id and version, so that a changed task starts with a new state.
    states: HashMap<(String, i64), IdleState>,
}

impl IdleWatch {
    pub fn new(planner: Planner, node_id: impl Into<String>) -> Self {
        Self { planner, node_id: node_id.into(), held_since: None, cpu: None, states: HashMap::new() }
    }

    /// Samples until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tick(SAMPLE_EVERY) => {}
            }
            let tasks = match self.idle_tasks().await {
                Ok(tasks) => tasks,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "failed to load tasks with idle triggers");
                    continue;
                }
            };
            if tasks.is_empty() || !self.holds_lease().await {
                (self.cpu, self.states) = (None, HashMap::new());
                continue;
            }
            if let Some(percent) = self.sample() {
                self.run_once(&tasks, percent, self.planner.clock.now()).await;
            }
        }
    }

    /// Whether this node watches. On SQLite there is no other one.
    async fn holds_lease(&mut self) -> bool {
        if self.planner.database.kind() == "sqlite" || self.held_since.is_some_and(|since| since.elapsed() < RENEW_EVERY) {
            return true;
        }
        let renewed = async {
            let mut tx = self.planner.database.write().await?;
            let held = self.renew(&mut tx).await?;
            tx.commit().await?;
            Ok::<_, crate::storage::Error>(held)
        };
        let held = renewed.await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "failed to renew the lease of the idle watch");
            false
        });
        self.held_since = held.then(tokio::time::Instant::now);
        held
    }

    /// Renews the lease by the database's clock, so that the nodes' clocks do not matter.
    async fn renew(&self, tx: &mut Tx) -> Result<bool> {
        let now = node::database_time(tx).await?.unwrap_or_else(|| self.planner.clock.now());
        lease::hold(tx, LEASE, &self.node_id, now, LEASE_LENGTH).await
    }

    async fn idle_tasks(&self) -> Result<Vec<Task>> {
        task::idle(&mut self.planner.database.read_engine().await?).await
    }

    /// Average CPU use of all cores since the previous sample, 0 to 100; `None` for the first sample.
    fn sample(&mut self) -> Option<f64> {
        if let Some(cpu) = &mut self.cpu {
            return cpu.sample();
        }
        self.cpu = CpuUsage::begin()
            .inspect_err(|error| tracing::warn!(error, "failed to read CPU usage; idle triggers do not fire"))
            .ok();
        None
    }

    /// Passes one sample to each task and fires the tasks whose idle condition is met.
    pub async fn run_once(&mut self, tasks: &[Task], percent: f64, now: DateTime<Utc>) {
        self.states.retain(|(id, version), _| tasks.iter().any(|task| task.id == *id && task.version == *version));
        for task in tasks {
            let Ok(rules) = task.rules(self.planner.zone) else { continue };
            let Trigger::Idle(rule) = rules.first() else { continue };
            let state = self.states.entry((task.id.clone(), task.version)).or_default();
            if state.observe(rule, percent, now)
                && let Err(error) = self.fire(task, now).await
            {
                tracing::error!(task.id = task.id, error = &error as &dyn std::error::Error, "failed to fire task");
            }
        }
    }

    /// Records one firing, unless the task changed since it was read or another node watches by now.
    async fn fire(&self, task: &Task, now: DateTime<Utc>) -> Result<()> {
        let planner = &self.planner;
        let mut tx = planner.database.write().await?;
        if !self.renew(&mut tx).await? {
            return Ok(());
        }
        let Some(task) = task::lock(&mut tx, &task.id).await?.filter(|locked| locked.version == task.version) else {
            return Ok(());
        };
        let active = occurrences::active_runs(&mut tx, std::iter::once(&task), &planner.signals.ended).await?;
        let active = active.get(&task.id).copied().unwrap_or_default();
        let calendars = planner.state.calendars.current(&mut tx).await?;
        let Ok(schedule) = task.schedule(planner.zone, &calendars) else { return Ok(()) };
        let decision = idle_occurrence(&DueTask { task: &task, schedule: &schedule, next: None }, now, active);
        let mut recorded =
            occurrences::record_decisions(&mut tx, vec![(&task, decision)], DecisionTime { now, since: now }, &mut |_| None)
                .await?;
        let at = incidents::DecisionTime { now, zone: planner.zone };
        recorded.notifies = incidents::record_new(&mut tx, &recorded.executions, at).await?;
        tx.commit().await?;
        recorded.announce(&planner.signals, &planner.events);
        Ok(())
    }
}
