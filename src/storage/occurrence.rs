//! The records of a task's occurrences in a span of time.

use chrono::{DateTime, Utc};

use super::column::{ExecutionId, stored};
use super::statement::fetch;
use super::{Result, Session, millis};
use crate::domain::occurrence::OccurrenceRow;
use crate::ids::first_execution_key;

stored! {
    OccurrenceRow { execution_id via ExecutionId, scheduled_at, queued_at, cause, status, error, error_message }
}

/// Returns at most `limit` records of a task's occurrences from `from` to `to`, also those of backfills, without those that were
/// queued before `since`. In the order of scheduled times; of several at one time the newest comes last.
pub async fn rows_of(
    s: &mut dyn Session,
    task_id: &str,
    since: DateTime<Utc>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<OccurrenceRow>> {
    fetch!(all, s, "read occurrences", ROWS, task_id, millis(from), millis(to), first_execution_key(since), limit)
}

pub(super) const ROWS: &str = "
    select * from (
        select id as execution_id, scheduled_at, queued_at, cause, status, error, error_message from executions
        where task_id = $1 and scheduled_at >= $2 and scheduled_at < $3 and cause in ('schedule', 'catch_up') and id >= $4
        union all
        select id as execution_id, scheduled_at, queued_at, cause, status, error, error_message from executions
        where task_id = $1 and scheduled_at >= $2 and scheduled_at < $3 and cause = 'backfill' and id >= $4) as found
    order by scheduled_at, execution_id limit $5";
