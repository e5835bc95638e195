//! Statements of pauses: paused tasks whose next event is due, and the move to the event after it.

use chrono::{DateTime, Utc};

use super::statement::{execute, fetch};
use super::task::COLUMNS;
use super::{Result, Session, Tx, millis, rows, time_from_millis};
use crate::domain::pause::Pause;
use crate::domain::task::Task;
use crate::ids::first_execution_key;

/// Returns the paused tasks whose event is due at `now`, the most overdue first, at most `limit`; locks them until the
/// transaction ends, and leaves out those that another node has locked.
pub async fn take_due(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    let text = take_due_sql();
    fetch!(all, tx, "lock paused tasks", &text, millis(now), limit)
}

pub(super) fn take_due_sql() -> String {
    format!("select {COLUMNS} from tasks where pause_event_at <= $1 order by pause_event_at limit $2 {{skip_locked}}")
}

/// Saves what of the pauses of locked tasks is not on record yet, without new versions.
pub async fn advance(s: &mut dyn Session, pauses: &[(&str, &Pause)]) -> Result<()> {
    if pauses.is_empty() {
        return Ok(());
    }
    let row = |(id, pause): &(&str, &Pause)| {
        ((*id).to_owned(), pause.rule_at.map(millis), pause.run_at.map(millis), pause.event_at.map(millis))
    };
    let list = rows(&pauses.iter().map(row).collect::<Vec<_>>())?;
    execute!(s, "advance pauses", ADVANCE, list).map(drop)
}

/// Row: 0 task, 1 the rule's time of the next occurrence, 2 with jitter, 3 next event.
pub(super) const ADVANCE: &str = "
    update tasks set pause_rule_at = cast(j.value->>1 as bigint), pause_run_at = cast(j.value->>2 as bigint),
        pause_event_at = cast(j.value->>3 as bigint)
    from {rows} where tasks.id = j.value->>0 and paused_since is not null";

/// Returns paused tasks, ordered by id, those after the id `after`; locks them until the transaction ends.
pub async fn paused(tx: &mut Tx, after: &str, limit: i64) -> Result<Vec<Task>> {
    let text =
        format!("select {COLUMNS} from tasks where paused_since is not null and id > $1 order by id limit $2 {{for_update}}");
    fetch!(all, tx, "lock paused tasks", &text, after, limit)
}

/// Returns the occurrences of tasks, each from its given time up to `now`, that are on record. What a clock that was ahead
/// recorded as skipped or missed is left out: it is decided at its own time.
pub async fn decided(
    s: &mut dyn Session,
    due: &[(String, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<Vec<(String, DateTime<Utc>)>> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let list = rows(&due.iter().map(|(id, from)| (id, millis(*from))).collect::<Vec<_>>())?;
    let found: Vec<(String, i64)> = fetch!(all, s, "read decided occurrences of pauses", DECIDED, list, millis(now))?;
    found.into_iter().map(|(id, scheduled_at)| Ok((id, time_from_millis(scheduled_at)?))).collect()
}

/// Row: 0 task, 1 the first scheduled time.
pub(super) const DECIDED: &str = "
    select e.task_id, e.scheduled_at from {rows} join executions e
        on e.task_id = j.value->>0 and e.scheduled_at >= cast(j.value->>1 as bigint) and e.scheduled_at <= $2
            and e.cause in ('schedule', 'catch_up')
    where not (e.status in ('skipped', 'missed') and e.queued_at > $2)";

/// Deletes the rows of pauses of these tasks that were recorded after `now`, by a clock that was ahead. A row that begins before
/// `now` stays if its task has changed since: its occurrences are those of the rules before. Returns the task and the scheduled
/// time of each.
pub async fn delete_premature(s: &mut dyn Session, ids: &[String], now: DateTime<Utc>) -> Result<Vec<(String, DateTime<Utc>)>> {
    let (list, after, now) = (rows(ids)?, first_execution_key(now), millis(now));
    let found: Vec<(String, i64)> = fetch!(all, s, "delete premature rows of pauses", DELETE_PREMATURE, list, after, now)?;
    found.into_iter().map(|(id, scheduled_at)| Ok((id, time_from_millis(scheduled_at)?))).collect()
}

pub(super) const DELETE_PREMATURE: &str = r#"
    delete from executions where id in (
        select id from executions where task_id in {ids} and status = 'skipped' and id > $2
            and status not in ('queued', 'running', 'succeeded') and error_message like '{"code":"pause.skipped%'
            and (scheduled_at >= $3 or task_version = (select version from tasks where tasks.id = executions.task_id)))
    returning task_id, scheduled_at"#;
