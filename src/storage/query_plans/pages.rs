//! Pages of executions as statements.

use crate::domain::execution::Status;
use crate::domain::page::{Cursor, Direction, ExecutionFilter, ExecutionSort, PageRequest};
use crate::domain::tag_scope::TagScope;
use crate::storage::execution_list;

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

/// A late page for a scope of two tags.
pub(super) fn scoped_page() -> String {
    let tags = ["red".to_owned(), "green".to_owned()];
    let filter = ExecutionFilter { scope: TagScope::from_tags(&tags), ..ExecutionFilter::default() };
    let cursor = Cursor { direction: Direction::Next, key: None, id: "01".to_owned() };
    let request = PageRequest { size: 40, cursor: Some(cursor) };
    execution_list::rows_query(&filter, &request, None).into_parts().0
}
