//! Compiled rules: the definitions and schedules of the tasks that fired lately, by id and version, so that a firing reads and
//! parses no JSON. They hold for one state of the calendars.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono_tz::Tz;

use super::calendars::CalendarCache;
use crate::domain::calendar::CalendarSet;
use crate::domain::decision::{DueTask, Firing};
use crate::domain::schedule::Schedule;
use crate::domain::task::Task;
use crate::storage::plan::DueRow;
use crate::storage::{Result, Session, task};

/// The most tasks kept; beyond it all are dropped.
const CAPACITY: usize = 20_000;

/// A task at one version, with its schedule. Its next run, counters and references are those of the time it was read.
#[derive(Debug)]
pub(super) struct CompiledTask {
    pub task: Task,
    /// `None`: the stored trigger is invalid.
    pub schedule: Option<Schedule>,
}

impl CompiledTask {
    /// Whether this is the task of the row, at its version, without freezes that are over. A task that is created again begins at
    /// version 1 again. What a freeze holds is due at its very end.
    fn is_of(&self, row: &DueRow) -> bool {
        let has_past_freezes = || self.schedule.as_ref().and_then(Schedule::freezes_end).is_some_and(|end| end < row.rule_at);
        self.task.version == row.version && self.task.key == row.task_key && !has_past_freezes()
    }

    /// The task as due by a row.
    pub fn due(&self, row: &DueRow) -> Option<DueTask<'_>> {
        let next = Some(Firing { rule_at: row.rule_at, run_at: row.run_at });
        self.schedule.as_ref().map(|schedule| DueTask { task: &self.task, schedule, next })
    }
}

/// The compiled rules; clones share them.
#[derive(Debug, Clone, Default)]
pub struct CompiledRules(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The change counter of the calendars that they are compiled with.
    calendars: Option<String>,
    tasks: HashMap<String, Arc<CompiledTask>>,
}

impl CompiledRules {
    /// The compiled task of each row. Those that are unknown, or at another version, are read and compiled. `None`: the task
    /// changed since the row was read.
    pub(super) async fn get(
        &self,
        s: &mut dyn Session,
        rows: &[DueRow],
        zone: Tz,
        calendars: &CalendarCache,
    ) -> Result<Vec<Option<Arc<CompiledTask>>>> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let missing: Vec<String> = {
            let mut kept = self.lock();
            if kept.calendars != first.calendars {
                *kept = Kept { calendars: first.calendars.clone(), tasks: HashMap::new() };
            }
            let is_missing = |row: &&DueRow| kept.tasks.get(&row.task_id).is_none_or(|kept| !kept.is_of(row));
            rows.iter().filter(is_missing).map(|row| row.task_id.clone()).collect()
        };
        if !missing.is_empty() {
            let read = task::many(s, &missing).await?;
            let set = calendars.at(s, first.calendars.clone()).await?;
            self.keep(read.into_iter().map(|task| compile(task, zone, &set)).collect());
        }
        let kept = self.lock();
        let current = |row: &DueRow| kept.tasks.get(&row.task_id).filter(|kept| kept.is_of(row)).cloned();
        Ok(rows.iter().map(current).collect())
    }

    fn keep(&self, compiled: Vec<CompiledTask>) {
        let kept = &mut self.lock().tasks;
        if kept.len() + compiled.len() > CAPACITY {
            kept.clear();
        }
        kept.extend(compiled.into_iter().map(|one| (one.task.id.clone(), Arc::new(one))));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compile(task: Task, zone: Tz, calendars: &CalendarSet) -> CompiledTask {
    let schedule = match task.schedule(zone, calendars) {
        Ok(schedule) => Some(schedule),
        Err(faults) => {
            let fault = faults.first().map(ToString::to_string).unwrap_or_default();
            tracing::error!(task.id = task.id, fault, "task has an invalid trigger and does not fire until it is saved again");
            None
        }
    };
    CompiledTask { task, schedule }
}
