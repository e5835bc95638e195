//! Statements of the scheduler: due tasks, due retries, and the next due time. If several nodes plan, each firing is taken by
//! one of them: it locks the tasks that it advances.

use chrono::{DateTime, Utc};

use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis, rows, time_from_millis};
use crate::domain::task::Task;

/// Returns the tasks whose next run is at or before `now`, the most overdue first, at most `limit`.
pub async fn due(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<Task>> {
    let text = due_sql();
    fetch!(all, s, "read due tasks", &text, millis(now), limit)
}

pub(super) fn due_sql() -> String {
    format!("select {} from tasks where next_run_at <= $1 order by next_run_at limit $2", super::task::COLUMNS)
}

/// A due task: which version of it is due, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow {
    pub task_id: String,
    /// Tells the task from one of the same id, and perhaps the same version, that was deleted before.
    pub task_key: String,
    pub version: i64,
    pub run_at: DateTime<Utc>,
    pub rule_at: DateTime<Utc>,
    /// The change counter of calendars and freezes.
    pub calendars: Option<String>,
}

/// As [`due`], without the definitions of the tasks, and without the tasks `except`.
pub async fn due_rows(s: &mut dyn Session, now: DateTime<Utc>, except: &[String], limit: i64) -> Result<Vec<DueRow>> {
    let found: Vec<DueColumns> = fetch!(all, s, "read due tasks", DUE_ROWS, rows(except)?, millis(now), limit)?;
    found.into_iter().map(due_row).collect()
}

pub(super) const DUE_ROWS: &str = "
    select id, task_key, version, next_run_at, coalesce(next_rule_at, next_run_at),
           (select value from server_state where name = 'calendars') from tasks
    where next_run_at <= $2 and id not in {ids} order by next_run_at limit $3";

/// As [`due_rows`]; locks the tasks until the transaction ends, and leaves out those that another node has locked.
pub async fn take_due(tx: &mut Tx, now: DateTime<Utc>, except: &[String], limit: i64) -> Result<Vec<DueRow>> {
    let text = format!("{DUE_ROWS} {{skip_locked}}");
    let found: Vec<DueColumns> = fetch!(all, tx, "lock due tasks", &text, rows(except)?, millis(now), limit)?;
    found.into_iter().map(due_row).collect()
}

type DueColumns = (String, String, i64, i64, i64, Option<String>);

fn due_row((task_id, task_key, version, run_at, rule_at, calendars): DueColumns) -> Result<DueRow> {
    let (run_at, rule_at) = (time_from_millis(run_at)?, time_from_millis(rule_at)?);
    Ok(DueRow { task_id, task_key, version, run_at, rule_at, calendars })
}

/// Locks those of these tasks that no other node has locked, until the transaction ends. Returns their ids.
pub async fn lock(tx: &mut Tx, ids: &[String]) -> Result<Vec<String>> {
    let list = rows(ids)?;
    fetch!(scalars, tx, "lock tasks", "select id from tasks where id in {ids} order by id {skip_locked}", list)
}

/// Returns tasks that are not paused and whose next run lies after `from`, or that have none any more, ordered by id, those after the id
/// `after`; locks them until the transaction ends.
pub async fn scheduled(tx: &mut Tx, from: DateTime<Utc>, after: &str, limit: i64) -> Result<Vec<Task>> {
    let text = format!(
        "select {} from tasks where (next_run_at > $1 or next_run_at is null) and enabled and id > $2 order by id limit $3 {{for_update}}",
        super::task::COLUMNS
    );
    fetch!(all, tx, "lock scheduled tasks", &text, millis(from), after, limit)
}

/// A task's advance to its next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub task_id: String,
    pub next_run_at: Option<DateTime<Utc>>,
    pub next_rule_at: Option<DateTime<Utc>>,
}

impl Advance {
    /// Ends the schedule of a task.
    #[must_use]
    pub fn never(task_id: &str) -> Self {
        Self { task_id: task_id.to_owned(), next_run_at: None, next_rule_at: None }
    }
}

/// Advances tasks that the transaction has locked to their next runs.
pub async fn advance(tx: &mut Tx, advances: &[Advance]) -> Result<()> {
    if advances.is_empty() {
        return Ok(());
    }
    let row = |to: &'_ Advance| (to.task_id.clone(), to.next_run_at.map(millis), to.next_rule_at.map(millis));
    let list = rows(&advances.iter().map(row).collect::<Vec<_>>())?;
    execute!(tx, "advance tasks", ADVANCE, list).map(drop)
}

/// Row: 0 task, 1 next run, 2 the rule's own scheduled time.
pub(super) const ADVANCE: &str = "
    update tasks set next_run_at = cast(j.value->>1 as bigint), next_rule_at = cast(j.value->>2 as bigint)
    from {rows} where tasks.id = j.value->>0";

/// What is due next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NextDue {
    /// The earliest next run of a task; it may be in the past.
    pub task: Option<DateTime<Utc>>,
    /// The earliest next attempt of an execution; it may be in the past.
    pub retry: Option<DateTime<Utc>>,
    /// Whether executions wait for another run of their task to end.
    pub waiting: bool,
    /// The earliest event of a paused task; it may be in the past.
    pub pause: Option<DateTime<Utc>>,
    /// Whether there are unfinished backfills.
    pub backfills: bool,
}

impl NextDue {
    /// The earliest next run, attempt or event of a pause.
    #[must_use]
    pub fn earliest(self) -> Option<DateTime<Utc>> {
        [self.task, self.retry, self.pause].into_iter().flatten().min()
    }
}

/// Returns what is due next.
pub async fn next_due(s: &mut dyn Session) -> Result<NextDue> {
    let (task, retry, waiting, pause, backfills): (Option<i64>, Option<i64>, bool, Option<i64>, bool) =
        fetch!(one, s, "read the next due time", NEXT_DUE)?;
    let time = |millis: Option<i64>| millis.map(time_from_millis).transpose();
    Ok(NextDue { task: time(task)?, retry: time(retry)?, waiting, pause: time(pause)?, backfills })
}

pub(super) const NEXT_DUE: &str = "
    select (select min(next_run_at) from tasks where next_run_at is not null),
           (select min(retry_at) from executions where retry_at is not null),
           exists (select 1 from executions where waits and status = 'queued'),
           (select min(pause_event_at) from tasks where pause_event_at is not null),
           exists (select 1 from backfills where finished_at is null)";

/// Returns the latest time on record: of the newest execution or the newest entry of the audit log.
pub async fn newest_record(s: &mut dyn Session) -> Result<Option<DateTime<Utc>>> {
    let newest: Option<i64> = fetch!(only, s, "read the newest record", NEWEST_RECORD)?;
    newest.map(time_from_millis).transpose()
}

pub(super) const NEWEST_RECORD: &str = "
    select max(at) from (
        select at from (select queued_at as at from executions order by id desc limit 1) as execution
        union all
        select at from (select at from audit order by id desc limit 1) as entry) as newest";

/// Lets executions whose last attempt ended in the future, by a clock that was ahead, be tried again after their delay from
/// `now`. Returns how many.
pub async fn bring_retries_forward(tx: &mut Tx, now: DateTime<Utc>) -> Result<u64> {
    execute!(tx, "bring retries forward", BRING_RETRIES_FORWARD, millis(now))
}

pub(super) const BRING_RETRIES_FORWARD: &str = "
    update executions set retry_at = $1 + retry_at - finished_at where retry_at is not null and finished_at > $1";

/// Lets at most `limit` executions whose next attempt is due wait for a worker. Returns the names of their queues.
pub async fn take_due_retries(s: &mut dyn Session, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>> {
    let mut queues: Vec<String> = fetch!(scalars, s, "queue due retries", TAKE_DUE_RETRIES, millis(now), limit)?;
    queues.sort_unstable();
    queues.dedup();
    Ok(queues)
}

pub(super) const TAKE_DUE_RETRIES: &str = "
    update executions set retry_at = null where id in (
        select id from executions where retry_at <= $1 and status = 'queued' order by retry_at limit $2 {skip_locked})
    returning coalesce(queue, 'default')";
