//! Pauses: records the occurrences that fall into the pauses of locked tasks, and resumes the tasks whose pause ends.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::calendars::CalendarCache;
use super::occurrences::{self, Recorded};
use crate::domain::audit::{AuditEvent, Entry};
use crate::domain::decision::Firing;
use crate::domain::execution::{Cause, Status};
use crate::domain::pause::Pause;
use crate::domain::pause_record::{self, PauseRecord};
use crate::domain::schedule::Schedule;
use crate::domain::task::Task;
use crate::domain::user::Via;
use crate::ids::new_id;
use crate::storage::execution::NewExecution;
use crate::storage::{Result, Tx, audit, pause, task, version};

/// The author of the version in which a task resumes by itself.
pub const RESUMED_BY: &str = "belfry";
/// Occurrences visited in one transaction, over all tasks.
const MAX_VISITED: usize = 20_000;

/// Records the occurrences up to `now` of the paused ones among locked tasks, and changes the tasks whose pause has ended.
/// `flush`: also begun parts of an hour, because the tasks change. If [`Recorded::more`] is true, the caller commits and records
/// again.
///
/// `rules`: the server's zone and the calendars.
pub(super) async fn record(
    tx: &mut Tx,
    tasks: &mut [Task],
    (zone, calendars): (Tz, &CalendarCache),
    now: DateTime<Utc>,
    flush: bool,
) -> Result<Recorded> {
    if tasks.iter().all(|task| task.paused.is_none()) {
        return Ok(Recorded::default());
    }
    let calendars = calendars.current(tx).await?;
    let (decided, none) = (decided(tx, tasks, now).await?, HashSet::new());
    let (mut recorded, mut moved, mut resumed) = (Recorded::default(), Vec::new(), Vec::new());
    let (mut executions, mut visited) = (Vec::new(), 0);
    for (place, task) in tasks.iter_mut().enumerate() {
        let Some(mut paused) = task.paused.clone() else { continue };
        let limit = MAX_VISITED.saturating_sub(visited);
        let schedule = task.schedule(zone, &calendars).ok();
        let decided = decided.get(&task.id).unwrap_or(&none);
        let record = recorded_of(task, schedule.as_ref(), &paused, decided, now, flush, limit);
        visited += record.rows.iter().map(|row| usize::try_from(row.count).unwrap_or(usize::MAX)).fold(0, usize::saturating_add);
        executions.extend(executions_of(task, &paused, &record, zone, now));
        recorded.more |= record.has_more(&paused, now);
        let next = record.next;
        (paused.rule_at, paused.run_at) = next.map(|firing| (firing.rule_at, firing.run_at)).unzip();
        paused.event_at = record.event_at;
        let ends = paused.until.filter(|until| *until <= now && record.event_at == Some(*until));
        match ends {
            Some(until) => resume(task, next, until),
            None => task.paused = Some(paused),
        }
        if ends.is_some() {
            resumed.push(place)
        } else {
            moved.push(place)
        }
        recorded.next.push((task.id.clone(), next));
    }
    if recorded.next.is_empty() {
        return Ok(recorded);
    }
    let moved = moved.iter().filter_map(|place| Some((tasks[*place].id.as_str(), tasks[*place].paused.as_ref()?)));
    pause::advance(tx, &moved.collect::<Vec<_>>()).await?;
    let resumed: Vec<Task> = resumed.into_iter().map(|place| tasks[place].clone()).collect();
    save_resumed(tx, &resumed, now).await?;
    recorded.executions = occurrences::insert_new(tx, executions, now).await?;
    Ok(recorded)
}

/// The due occurrences of pauses that are on record already, such as runs before the clock was set back.
async fn decided(tx: &mut Tx, tasks: &[Task], now: DateTime<Utc>) -> Result<HashMap<String, HashSet<DateTime<Utc>>>> {
    let due = |task: &Task| Some((task.id.clone(), task.paused.as_ref()?.run_at.filter(|at| *at <= now)?));
    let due: Vec<(String, DateTime<Utc>)> = tasks.iter().filter_map(due).collect();
    let mut decided: HashMap<String, HashSet<DateTime<Utc>>> = HashMap::new();
    for (id, at) in pause::decided(tx, &due, now).await? {
        decided.entry(id).or_default().insert(at);
    }
    Ok(decided)
}

/// What of a pause is recorded; nothing of one whose stored trigger is invalid.
fn recorded_of(
    task: &Task,
    schedule: Option<&Schedule>,
    paused: &Pause,
    decided: &HashSet<DateTime<Utc>>,
    now: DateTime<Utc>,
    flush: bool,
    limit: usize,
) -> PauseRecord {
    match schedule {
        Some(schedule) => pause_record::record(task, schedule, paused, decided, now, flush, limit),
        None => PauseRecord { rows: Vec::new(), next: None, event_at: paused.until },
    }
}

fn executions_of(task: &Task, paused: &Pause, record: &PauseRecord, zone: Tz, now: DateTime<Utc>) -> Vec<NewExecution> {
    let zone = task.rules(zone).map_or(zone, |rule| rule.zone());
    let execution = |row: &pause_record::PausedOccurrences| NewExecution {
        status: Status::Skipped,
        error: Some(pause_record::reason(paused, row, zone)),
        ..NewExecution::new(task, Cause::Schedule, row.first, now)
    };
    record.rows.iter().map(execution).collect()
}

/// Resumes a task at the end of its pause, as a new version of that time.
fn resume(task: &mut Task, next: Option<Firing>, at: DateTime<Utc>) {
    (task.next_run_at, task.next_rule_at) = next.map(|firing| (firing.run_at, firing.rule_at)).unzip();
    (task.enabled, task.paused) = (true, None);
    (task.updated_at, task.version) = (at, task.version + 1);
}

async fn save_resumed(tx: &mut Tx, resumed: &[Task], now: DateTime<Utc>) -> Result<()> {
    if resumed.is_empty() {
        return Ok(());
    }
    task::update_all(tx, resumed).await?;
    version::insert_many(tx, resumed, RESUMED_BY).await?;
    let entry = |task: &Task| Entry {
        id: new_id(now),
        at: now,
        actor: RESUMED_BY.to_owned(),
        via: Via::Server,
        address: None,
        action: AuditEvent::TaskResume,
        target: format!("task:{}", task.id),
        before: None,
        after: Some(json!({"at": task.updated_at})),
    };
    audit::add_all(tx, &resumed.iter().map(entry).collect::<Vec<_>>()).await?;
    tracing::info!(tasks = resumed.len(), "pauses ended; tasks resumed");
    Ok(())
}
