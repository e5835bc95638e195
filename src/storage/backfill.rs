//! Backfills and their occurrences. An occurrence is run once: its run is inserted, and its row is marked, in one transaction that
//! has locked the backfill.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::column::{insert_sql, stored, written};
use super::execution::error;
use super::statement::{execute, fetch};
use super::{Result, Session, Tx, millis, rows, time_from_millis};
use crate::domain::backfill::{Backfill, BackfillProgress};
use crate::domain::execution::Status;
use crate::i18n::Message;
use crate::ids::execution_key;

written! {
    BackfillRow of Backfill as backfill => {
        id Text = backfill.id,
        task_id Text = backfill.task_id,
        task_key Text = backfill.task_key,
        actor Text = backfill.actor,
        from_at Integer = millis(backfill.from),
        to_at Integer = millis(backfill.to),
        selection Text = backfill.selection.as_str(),
        concurrency Integer = backfill.concurrency,
        planned Integer = backfill.planned,
        place Integer = millis(backfill.from) - 1,
        created_at Integer = millis(backfill.created_at),
    }
}

stored! {
    COLUMNS: Backfill {
        id, task_id, task_key, actor, from = from_at, to = to_at, selection, concurrency, planned, cancelled, created_at, finished_at
    }
}

/// Inserts a backfill with its occurrences.
pub async fn insert(s: &mut dyn Session, backfill: &Backfill, occurrences: &[DateTime<Utc>]) -> Result<()> {
    let text = insert_sql("backfills", BackfillRow::COLUMNS, &[]);
    let list = rows(&[BackfillRow(backfill)])?;
    execute!(s, "save the backfill", &text, list)?;
    let items = rows(&occurrences.iter().map(|at| (millis(*at),)).collect::<Vec<_>>())?;
    let text =
        "insert into backfill_items (backfill_id, scheduled_at) select $2, cast(j.value->>0 as bigint) from {rows} where true";
    execute!(s, "save the occurrences of the backfill", text, items, &backfill.id).map(drop)
}

/// Returns a backfill.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Backfill>> {
    let text = format!("select {COLUMNS} from backfills where id = $1");
    fetch!(optional, s, "read the backfill", &text, id)
}

/// Returns at most `limit` backfills of a task below the id `before`, newest first.
pub async fn list(s: &mut dyn Session, task_id: &str, before: Option<&str>, limit: i64) -> Result<Vec<Backfill>> {
    let text = format!("select {COLUMNS} from backfills where task_id = $1 and id < $2 order by id desc limit $3");
    fetch!(all, s, "list backfills", &text, task_id, before.unwrap_or("~"), limit)
}

/// Returns the unfinished backfill of a task.
pub async fn unfinished_of(s: &mut dyn Session, task_id: &str) -> Result<Option<String>> {
    let text = "select id from backfills where task_id = $1 and finished_at is null limit 1";
    fetch!(scalar, s, "read the unfinished backfill", text, task_id)
}

/// Returns backfills with what became of their occurrences.
pub async fn progress(s: &mut dyn Session, backfills: Vec<Backfill>) -> Result<Vec<BackfillProgress>> {
    let list = rows(&backfills.iter().map(|one| one.id.as_str()).collect::<Vec<_>>())?;
    let found: Vec<(String, Option<String>, i64, bool)> = fetch!(all, s, "count the runs of backfills", PROGRESS, list)?;
    let mut by_id: BTreeMap<String, (i64, BTreeMap<&'static str, i64>)> = BTreeMap::new();
    for (id, status, count, waits) in found {
        let (waiting, runs) = by_id.entry(id).or_default();
        *waiting += if waits { count } else { 0 };
        if let Some(status) = status.and_then(|status| Status::parse(&status)) {
            *runs.entry(status.as_str()).or_default() += count;
        }
    }
    let with = |backfill: Backfill| {
        let (waiting, runs) = by_id.remove(&backfill.id).unwrap_or_default();
        BackfillProgress { backfill, waiting, runs }
    };
    Ok(backfills.into_iter().map(with).collect())
}

pub(super) const PROGRESS: &str = "
    select i.backfill_id, e.status, count(*), i.execution_id is null from backfill_items i
    left join executions e on e.id = i.execution_id
    where i.backfill_id in {ids} group by i.backfill_id, e.status, i.execution_id is null";

/// A backfill that is not finished, as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveBackfill {
    pub id: String,
    pub task_id: String,
    pub task_key: String,
    pub actor: String,
    pub concurrency: i64,
    /// Its task's backfilled runs that have not ended.
    pub unfinished: i64,
    /// Whether occurrences wait for their turn.
    pub has_waiting: bool,
}

stored! { ActiveBackfill { id, task_id, task_key, actor, concurrency, unfinished, has_waiting } }

/// Returns at most `limit` unfinished backfills in which a run may start, or which have ended.
pub async fn startable(s: &mut dyn Session, limit: i64) -> Result<Vec<ActiveBackfill>> {
    fetch!(all, s, "read unfinished backfills", STARTABLE, limit)
}

pub(super) const STARTABLE: &str = "
    select * from (
        select b.id, b.task_id, b.task_key, b.actor, b.concurrency,
            (select count(*) from executions e
                where e.task_id = b.task_id and e.status in ('queued', 'running') and e.cause = 'backfill') as unfinished,
            exists (select 1 from backfill_items i where i.backfill_id = b.id and i.scheduled_at > b.place) as has_waiting
        from backfills b where b.finished_at is null) as active
    where (has_waiting and unfinished < concurrency) or (unfinished = 0 and not has_waiting) order by id limit $1";

/// Locks those unfinished backfills among these that no other node has locked, until the transaction ends. Returns their ids.
pub async fn lock(tx: &mut Tx, ids: &[String]) -> Result<Vec<String>> {
    let list = rows(ids)?;
    let text = "select id from backfills where id in {ids} and finished_at is null order by id {skip_locked}";
    fetch!(scalars, tx, "lock backfills", text, list)
}

/// Returns the next occurrences of a backfill that wait for their turn, oldest first.
pub async fn next(s: &mut dyn Session, id: &str, limit: i64) -> Result<Vec<DateTime<Utc>>> {
    let found: Vec<i64> = fetch!(scalars, s, "read the next occurrences of a backfill", NEXT, id, limit)?;
    found.into_iter().map(time_from_millis).collect()
}

pub(super) const NEXT: &str = "
    select scheduled_at from backfill_items
    where backfill_id = $1 and scheduled_at > (select place from backfills where id = $1) order by scheduled_at limit $2";

/// Notes the runs of occurrences, the last of which has the time `place`.
pub async fn started(s: &mut dyn Session, id: &str, runs: &[(DateTime<Utc>, &str)], place: DateTime<Utc>) -> Result<()> {
    let list = rows(&runs.iter().map(|(at, run)| (millis(*at), execution_key(run), id)).collect::<Vec<_>>())?;
    execute!(s, "note the runs of a backfill", STARTED, list)?;
    execute!(s, "advance the backfill", "update backfills set place = $2 where id = $1", id, millis(place)).map(drop)
}

/// Row: 0 scheduled time, 1 execution, 2 backfill.
pub(super) const STARTED: &str = "
    update backfill_items set execution_id = cast(j.value->>1 as bigint)
    from {rows} where backfill_items.backfill_id = j.value->>2 and backfill_items.scheduled_at = cast(j.value->>0 as bigint)";

/// Ends a backfill. Returns false if it has ended.
pub async fn finish(s: &mut dyn Session, id: &str, cancelled: bool, now: DateTime<Utc>) -> Result<bool> {
    let text = "update backfills set finished_at = $2, cancelled = $3 where id = $1 and finished_at is null";
    Ok(execute!(s, "end the backfill", text, id, millis(now), cancelled)? > 0)
}

/// Cancels the queued runs of a backfill that no node has taken. Returns how many.
pub async fn cancel_queued(s: &mut dyn Session, id: &str, reason: &Message, now: DateTime<Utc>) -> Result<u64> {
    let (words, coded) = (error::words(Some(reason)), error::coded(Some(reason)));
    execute!(s, "cancel the queued runs of a backfill", CANCEL_QUEUED, id, millis(now), words, coded)
}

pub(super) const CANCEL_QUEUED: &str = "
    update executions set status = 'cancelled', finished_at = $2, error = $3, error_message = $4,
        retry_at = null, queue = null, priority = null, waits = false
    where id in (select execution_id from backfill_items where backfill_id = $1 and execution_id is not null)
        and status = 'queued' and node_id is null";

/// Deletes backfills that ended before a time, at most `limit`. Their runs stay.
pub async fn delete_finished(s: &mut dyn Session, before: DateTime<Utc>, limit: i64) -> Result<u64> {
    let text = "delete from backfills where id in (select id from backfills where finished_at < $1 order by id limit $2)";
    execute!(s, "delete old backfills", text, millis(before), limit)
}
