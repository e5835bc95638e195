//! The next firings of tasks before and after a change of calendars.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::CalendarService;
use crate::domain::calendar::CalendarSet;
use crate::domain::decision::first_firing;
use crate::domain::pause::Pause;
use crate::domain::task::Task;
use crate::service::Result;
use crate::storage::plan::{self, Advance};
use crate::storage::{Tx, pause};

/// The number of firings compared per task.
const FIRINGS: usize = 10;

/// The next firings of a task before and after a change, without those that are skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringChange {
    pub task_id: String,
    pub task_name: String,
    /// In the task's zone, without jitter, ascending.
    pub before: Vec<DateTime<Tz>>,
    pub after: Vec<DateTime<Tz>>,
}

/// Compares the next firings of enabled tasks.
pub(super) fn firing_changes(
    tasks: &[Task],
    before: &CalendarSet,
    after: &CalendarSet,
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<FiringChange> {
    let change = |task: &Task| FiringChange {
        task_id: task.id.clone(),
        task_name: task.name.clone(),
        before: firings(task, before, zone, now),
        after: firings(task, after, zone, now),
    };
    tasks.iter().filter(|task| task.enabled).map(change).collect()
}

fn firings(task: &Task, calendars: &CalendarSet, zone: Tz, now: DateTime<Utc>) -> Vec<DateTime<Tz>> {
    let Ok(schedule) = task.schedule_from(now, zone, calendars) else { return Vec::new() };
    let first = schedule.next_open_after(now, task.anchor_at);
    let times = std::iter::successors(first, |at| schedule.next_open_after(*at, task.anchor_at));
    times.take(FIRINGS).map(|at| at.with_timezone(&schedule.zone())).collect()
}

impl CalendarService {
    /// Plans settled tasks anew under other calendars, each from its own time on: the next runs of enabled ones, the next occurrences
    /// within the pauses of the others.
    pub(super) async fn replan(
        &self,
        tx: &mut Tx,
        tasks: &[Task],
        calendars: &CalendarSet,
        from: impl Fn(&Task) -> DateTime<Utc>,
    ) -> Result<()> {
        let (mut advances, mut pauses) = (Vec::new(), Vec::new());
        for task in tasks {
            let from = from(task);
            let schedule = task.schedule_from(from, self.zone, calendars).ok();
            let next = schedule.and_then(|schedule| first_firing(&task.id, &schedule, from, task.anchor_at));
            let (next_run_at, next_rule_at) = next.map(|next| (next.run_at, next.rule_at)).unzip();
            match &task.paused {
                Some(pause) => pauses.push((task.id.as_str(), pause.clone().with_next(next_rule_at, next_run_at))),
                None => advances.push(Advance { task_id: task.id.clone(), next_run_at, next_rule_at }),
            }
        }
        plan::advance(tx, &advances).await?;
        let pauses: Vec<(&str, &Pause)> = pauses.iter().map(|(id, pause)| (*id, pause)).collect();
        Ok(pause::advance(tx, &pauses).await?)
    }
}
