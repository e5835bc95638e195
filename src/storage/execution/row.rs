//! The columns of an execution.

use crate::domain::execution::{Attempt, Execution};
use crate::storage::column::{ExecutionId, OptionalExecutionId, stored};

/// The expression of a column that an execution shares with the version of its task, unless it has a value of its own: of
/// `executions` under the given name.
macro_rules! of_version {
    ($table:literal, $column:literal) => {
        concat!(
            "coalesce(",
            $table,
            ".",
            $column,
            ", (select v.",
            $column,
            " from task_versions as v where v.task_id = ",
            $table,
            ".task_id and v.version = ",
            $table,
            ".task_version), (select v.",
            $column,
            " from former_versions as v where v.task_id = ",
            $table,
            ".task_id and v.version = ",
            $table,
            ".task_version))"
        )
    };
}
pub(in crate::storage) use of_version;

stored! {
    pub(in crate::storage) COLUMNS: Execution {
        id via ExecutionId, task_id, task_type, task_version, cause, scheduled_at, queued_at, started_at, finished_at,
        lateness_ms, duration_ms, attempt, status, retry_at, waits, error, error_message, node, requested_by,
        started_by via OptionalExecutionId, origin;
        sql schedule_text from of_version!("executions", "schedule_text");
        sql params from of_version!("executions", "params")
    }
}

stored! {
    pub(super) ATTEMPT_COLUMNS: Attempt { attempt, status, started_at, finished_at, duration_ms, error, error_message, node }
}
