//! Pages of executions as statements.

use chrono::{DateTime, Duration};

use crate::domain::execution::{Cause, Status};
use crate::domain::page::{Cursor, Direction, ExecutionFilter, ExecutionSort, PageRequest};
use crate::domain::tag_scope::TagScope;
use crate::storage::{execution_list, queue_setting, server_state, stats};

pub(super) const FAILURES: [Status; 3] = [Status::Failed, Status::TimedOut, Status::Interrupted];

/// A first page of executions with these statuses.
pub(super) fn page_of(task_id: Option<&str>, statuses: &[Status]) -> String {
    let (task_id, statuses) = (task_id.map(str::to_owned), statuses.to_vec());
    let filter = ExecutionFilter { task_id, statuses, ..ExecutionFilter::default() };
    let request = PageRequest { size: 40, cursor: None };
    execution_list::rows_query(&filter, &request, None).into_parts().0
}

/// The longest of the newest executions.
pub(super) fn longest() -> String {
    let order = (ExecutionSort::Duration, true);
    execution_list::sorted_query(&ExecutionFilter::default(), order, 40, None).into_parts().0
}

/// What the overview and the histogram of the executions read, with the steps of its plans.
pub(super) fn overview_plans() -> Vec<(&'static str, String, &'static [&'static str])> {
    vec![
        (
            "active executions by queue",
            stats::active_by_queue_query(&TagScope::ALL, 10).into_parts().0,
            &["SCAN executions USING INDEX executions_active"],
        ),
        ("the settings of queues", queue_setting::ALL.into(), &["SCAN server_state"]),
        ("the server's state, locked", server_state::LOCK.into(), &["SEARCH server_state USING PRIMARY KEY (name=?)"]),
        (
            "the slowest tasks",
            stats::slowest_query(&TagScope::ALL, 8).into_parts().0,
            &["SEARCH tasks USING INDEX tasks_slow (last_duration_ms>?)"],
        ),
        (
            "the outcomes of a task",
            outcomes_of(ExecutionFilter { task_id: Some("a".to_owned()), ..ExecutionFilter::default() }),
            &["SEARCH executions USING INDEX executions_task (task_id=? AND rowid>? AND rowid<?)"],
        ),
        (
            "the outcomes of a type",
            outcomes_of(ExecutionFilter { task_type: Some("a".to_owned()), ..ExecutionFilter::default() }),
            &["SEARCH executions USING INDEX executions_type (task_type=? AND rowid>? AND rowid<?)"],
        ),
        (
            "the outcomes of requested runs",
            outcomes_of(ExecutionFilter { cause: Some(Cause::Manual), ..ExecutionFilter::default() }),
            &["SEARCH executions USING INDEX executions_cause (cause=? AND rowid>? AND rowid<?)"],
        ),
        (
            "the outcomes of a search",
            outcomes_of(ExecutionFilter { search: Some("a".to_owned()), ..ExecutionFilter::default() }),
            &["SEARCH executions USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        ),
    ]
}

/// The outcomes of a day.
fn outcomes_of(filter: ExecutionFilter) -> String {
    let (from, to) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + Duration::days(1));
    execution_list::outcomes_query(&filter, (from, to), 60_000, None).into_parts().0
}

/// A late page for a scope of two tags.
pub(super) fn scoped_page() -> String {
    let tags = ["red".to_owned(), "green".to_owned()];
    let filter = ExecutionFilter { scope: TagScope::from_tags(&tags), ..ExecutionFilter::default() };
    let cursor = Cursor { direction: Direction::Next, key: None, id: "01".to_owned() };
    let request = PageRequest { size: 40, cursor: Some(cursor) };
    execution_list::rows_query(&filter, &request, None).into_parts().0
}
