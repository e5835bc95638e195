//! Operations on many tasks, with their progress. A process that works on one renews it every few seconds; one that is not renewed
//! is taken over.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::{insert_sql, stored, written};
use super::statement::{execute, fetch};
use super::{Result, Session, millis, rows};
use crate::domain::operation::{BulkAction, BulkOutcome, Operation};

/// What is needed to work on an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRequest {
    pub id: String,
    pub actor: String,
    pub rights: Value,
    pub target: Value,
    pub action: BulkAction,
    pub run_key: String,
    pub matched: i64,
    /// The id of the last task that was processed.
    pub place: String,
    pub updated_at: DateTime<Utc>,
}

written! {
    RequestRow of OperationRequest as request => {
        id Text = request.id,
        actor Text = request.actor,
        rights Text = request.rights.to_string(),
        target Text = request.target.to_string(),
        action Text = request.action.as_str(),
        run_key Text = request.run_key,
        matched Integer = request.matched,
        created_at Integer = millis(request.updated_at),
        updated_at Integer = millis(request.updated_at),
    }
}

stored! { REQUEST_COLUMNS: OperationRequest { id, actor, rights, target, action, run_key, matched, place, updated_at } }
stored! {
    COLUMNS: Operation { id, actor, action, matched, processed, done, errors, cancelled, created_at, updated_at, finished_at }
}

/// Inserts an operation.
pub async fn insert(s: &mut dyn Session, request: &OperationRequest) -> Result<()> {
    let text = insert_sql("operations", RequestRow::COLUMNS, &[]);
    let list = rows(&[RequestRow(request)])?;
    execute!(s, "save the operation", &text, list).map(drop)
}

/// Returns an operation.
pub async fn get(s: &mut dyn Session, id: &str) -> Result<Option<Operation>> {
    let text = format!("select {COLUMNS} from operations where id = $1");
    fetch!(optional, s, "read the operation", &text, id)
}

/// Saves the result so far. `next`: the id of the last task processed, `None` at the end. Returns false if the operation was stopped,
/// or another process has taken it over since `request` was read.
pub async fn save(
    s: &mut dyn Session,
    request: &OperationRequest,
    so_far: &BulkOutcome,
    next: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let text = "update operations set processed = $2, done = $3, errors = $4, place = coalesce($5, place), finished_at = $6,
            updated_at = $7
        where id = $1 and finished_at is null and updated_at = $8";
    let (errors, finished_at) = (rows(&so_far.errors)?, next.is_none().then(|| millis(now)));
    let (id, read_at) = (&request.id, millis(request.updated_at));
    let text_of_next = next.map(str::to_owned);
    let changed = execute!(
        s,
        "save the operation's progress",
        text,
        id,
        so_far.matched,
        so_far.done,
        errors,
        text_of_next,
        finished_at,
        millis(now),
        read_at
    )?;
    Ok(changed > 0)
}

/// Ends an operation before its last task. Returns false if it has ended.
pub async fn cancel(s: &mut dyn Session, id: &str, now: DateTime<Utc>) -> Result<bool> {
    let text = "update operations set cancelled = true, finished_at = $2 where id = $1 and finished_at is null";
    Ok(execute!(s, "stop the operation", text, id, millis(now))? > 0)
}

/// Returns the unfinished operations that nobody has renewed since `before`.
pub async fn abandoned(s: &mut dyn Session, before: DateTime<Utc>) -> Result<Vec<OperationRequest>> {
    let text =
        format!("select {REQUEST_COLUMNS} from operations where finished_at is null and updated_at < $1 order by id limit 100");
    fetch!(all, s, "read abandoned operations", &text, millis(before))
}

/// Takes over an operation as read. Returns false if somebody else did.
pub async fn take_over(s: &mut dyn Session, request: &OperationRequest, now: DateTime<Utc>) -> Result<bool> {
    let text = "update operations set updated_at = $2 where id = $1 and finished_at is null and updated_at = $3";
    Ok(execute!(s, "take over the operation", text, &request.id, millis(now), millis(request.updated_at))? > 0)
}

/// Deletes the operations that ended before a time.
pub async fn delete_finished(s: &mut dyn Session, before: DateTime<Utc>) -> Result<u64> {
    execute!(s, "delete old operations", "delete from operations where finished_at < $1", millis(before))
}
