//! Idle triggers: samples the CPU use once a second while there are tasks with an idle trigger, and fires those whose
//! condition is met.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sysinfo::System;
use tokio_util::sync::CancellationToken;

use super::Planner;
use crate::domain::task::Task;
use crate::domain::trigger::{IdleState, Trigger};
use crate::storage::{Result, task};

const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// The background task that samples the CPU.
pub struct IdleWatch {
    planner: Planner,
    cpu: Option<System>,
    /// By task id and version, so that a changed task starts with a new state.
    states: HashMap<(String, i64), IdleState>,
}

impl IdleWatch {
    pub fn new(planner: Planner) -> Self {
        Self { planner, cpu: None, states: HashMap::new() }
    }

    /// Samples until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(SAMPLE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let tasks = match self.idle_tasks().await {
                Ok(tasks) => tasks,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "failed to load tasks with idle triggers");
                    continue;
                }
            };
            if tasks.is_empty() {
                (self.cpu, self.states) = (None, HashMap::new());
                continue;
            }
            if let Some(percent) = self.sample() {
                self.run_once(&tasks, percent, self.planner.clock.now()).await;
            }
        }
    }

    async fn idle_tasks(&self) -> Result<Vec<Task>> {
        task::idle(&mut self.planner.database.read().await?).await
    }

    /// Average CPU use of all cores since the previous sample, 0 to 100; `None` for the first sample.
    fn sample(&mut self) -> Option<f64> {
        match &mut self.cpu {
            Some(system) => {
                system.refresh_cpu_usage();
                Some(f64::from(system.global_cpu_usage()))
            }
            None => {
                self.cpu = match System::new() {
                    Ok(mut system) => {
                        system.refresh_cpu_usage();
                        Some(system)
                    }
                    Err(error) => {
                        tracing::warn!(%error, "failed to read CPU usage; idle triggers do not fire");
                        None
                    }
                };
                None
            }
        }
    }

    /// Passes one sample to each task and fires the tasks whose idle condition is met.
    pub async fn run_once(&mut self, tasks: &[Task], percent: f64, now: DateTime<Utc>) {
        self.states.retain(|(id, version), _| tasks.iter().any(|task| task.id == *id && task.version == *version));
        for task in tasks {
            let Ok(Trigger::Idle(rule)) = task.rule(self.planner.zone) else { continue };
            let state = self.states.entry((task.id.clone(), task.version)).or_default();
            if state.observe(&rule, percent, now)
                && let Err(error) = self.planner.fire_idle(task, now).await
            {
                tracing::error!(task.id = task.id, error = &error as &dyn std::error::Error, "failed to fire task");
            }
        }
    }
}
