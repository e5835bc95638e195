//! The columns of an execution.

use crate::domain::execution::{Attempt, Execution};
use crate::storage::column::{ExecutionId, OptionalExecutionId, stored};

stored! {
    pub(in crate::storage) COLUMNS: Execution {
        id via ExecutionId, task_id, task_type, task_version, schedule_text, params, cause, scheduled_at, queued_at, started_at, finished_at,
        lateness_ms, duration_ms, attempt, status, retry_at, waits, error, error_message, node, requested_by,
        started_by via OptionalExecutionId, origin
    }
}

stored! {
    pub(super) ATTEMPT_COLUMNS: Attempt { attempt, status, started_at, finished_at, duration_ms, error, error_message, node }
}
