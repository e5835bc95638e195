//! Filters, sort orders and keyset pagination of lists, shared by the API and the pages. A page starts after the key of
//! a row, so a deep page costs no more than the first.

use chrono::{DateTime, Utc};

use super::execution::{Cause, Status};
use super::tag_scope::TagScope;
use super::text_enum::text_enum;
use data_encoding::HEXLOWER;

/// Rows per page by default.
pub const DEFAULT_PAGE_SIZE: u32 = 40;
/// Maximum rows per page.
pub const MAX_PAGE_SIZE: u32 = 500;

/// The requested page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
    pub cursor: Option<Cursor>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { size: DEFAULT_PAGE_SIZE, cursor: None }
    }
}

impl PageRequest {
    /// Whether the page before the cursor is requested, so that rows are read in reverse order.
    pub fn is_backwards(&self) -> bool {
        matches!(&self.cursor, Some(cursor) if cursor.direction == Direction::Previous)
    }

    /// The number of matching rows if these many rows of the first page are all of them.
    pub fn total_of(&self, rows: usize) -> Option<i64> {
        let is_all = self.cursor.is_none() && rows <= self.size as usize;
        is_all.then(|| i64::try_from(rows).unwrap_or(i64::MAX))
    }
}

/// A position in a list: the rows after or before the row with this key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub direction: Direction,
    /// The row's value of the sort column; `None` if the order is by id alone or the value is null.
    pub key: Option<String>,
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Next,
    Previous,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<Cursor>,
    pub previous: Option<Cursor>,
    /// The number of matching rows; a lower bound if `total_is_exact` is false.
    pub total: i64,
    pub total_is_exact: bool,
}

impl<T> Page<T> {
    /// Builds a page from the rows in the direction of the cursor; one row more than the page's size means that another page
    /// follows. `key` returns the sort key and the id of a row, `total` the number of matching rows and whether it is exact.
    pub fn from_rows(
        mut items: Vec<T>,
        key: impl Fn(&T) -> (Option<String>, String),
        request: &PageRequest,
        (total, total_is_exact): (i64, bool),
    ) -> Page<T> {
        let more = items.len() > request.size as usize;
        items.truncate(request.size as usize);
        let backwards = request.is_backwards();
        if backwards {
            items.reverse();
        }
        let (has_next, has_previous) = if backwards { (true, more) } else { (more, request.cursor.is_some()) };
        let cursor = |direction, item: Option<&T>| {
            let (key, id) = key(item?);
            Some(Cursor { direction, key, id })
        };
        let next = cursor(Direction::Next, items.last()).filter(|_| has_next);
        let previous = cursor(Direction::Previous, items.first()).filter(|_| has_previous);
        Page { items, next, previous, total, total_is_exact }
    }
}

impl Cursor {
    /// The cursor as an opaque token for a URL.
    pub fn encode(&self) -> String {
        let direction = if self.direction == Direction::Next { "n" } else { "p" };
        let json = serde_json::json!([direction, self.key, self.id]).to_string();
        HEXLOWER.encode(json.as_bytes())
    }

    /// Decodes a token; `None` if it is not valid.
    pub fn decode(token: &str) -> Option<Cursor> {
        if token.len() > 4096 {
            return None;
        }
        let bytes = HEXLOWER.decode(token.as_bytes()).ok()?;
        let (direction, key, id): (String, Option<String>, String) = serde_json::from_slice(&bytes).ok()?;
        let direction = match direction.as_str() {
            "n" => Direction::Next,
            "p" => Direction::Previous,
            _ => return None,
        };
        // PostgreSQL cannot compare with U+0000.
        let has_nul = id.contains('\0') || key.as_deref().is_some_and(|key| key.contains('\0'));
        (!has_nul).then_some(Cursor { direction, key, id })
    }
}

/// Selects tasks; every condition that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TaskFilter {
    /// A substring of the id, the name, the description or a tag; case-insensitive.
    pub search: Option<String>,
    pub task_type: Option<String>,
    /// The status of the last run.
    pub status: Option<Status>,
    pub tag: Option<String>,
    pub enabled: Option<bool>,
    pub sort: TaskSort,
    pub descending: bool,
    /// Only tasks in this scope; the services set it to the actor's scope.
    pub scope: TagScope,
}

text_enum! {
    /// The sort order of a task list; ties are sorted by id.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub enum TaskSort {
        #[default]
        Id = "id",
        Name = "name",
        CreatedAt = "created_at",
        UpdatedAt = "updated_at",
        NextRunAt = "next_run_at",
        LastRunAt = "last_run_at",
        RunCount = "run_count",
    }
}

impl TaskSort {
    /// The names of all orders, as [`TaskSort::parse_order`] reads them.
    pub fn orders() -> Vec<String> {
        order_names(&TaskSort::ALL.map(TaskSort::as_str))
    }

    /// Reads `name` or `-name` (descending).
    pub fn parse_order(text: &str) -> Option<(TaskSort, bool)> {
        parse_order(text, TaskSort::parse)
    }
}

text_enum! {
    /// What executions can be sorted by, besides their age.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ExecutionSort {
        Duration = "duration",
        StartedAt = "started_at",
    }
}

impl ExecutionSort {
    /// The names of all orders, as [`ExecutionSort::parse_order`] reads them.
    pub fn orders() -> Vec<String> {
        order_names(&ExecutionSort::ALL.map(ExecutionSort::as_str))
    }

    /// Reads `name` or `-name` (descending).
    pub fn parse_order(text: &str) -> Option<(ExecutionSort, bool)> {
        parse_order(text, ExecutionSort::parse)
    }
}

/// `name` and `-name` of each sort.
fn order_names(sorts: &[&str]) -> Vec<String> {
    sorts.iter().flat_map(|name| [(*name).to_owned(), format!("-{name}")]).collect()
}

fn parse_order<S>(text: &str, parse: fn(&str) -> Option<S>) -> Option<(S, bool)> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    parse(name).map(|sort| (sort, descending))
}

/// Selects executions; every condition that is given must match. The list is sorted newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ExecutionFilter {
    pub task_id: Option<String>,
    pub task_type: Option<String>,
    /// Any of these; empty: all.
    pub statuses: Vec<Status>,
    pub cause: Option<Cause>,
    /// Lower limit of `started_at`, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Upper limit of `started_at`, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// A substring of the id, the task id, the parameters or the error; case-insensitive.
    pub search: Option<String>,
    /// Only executions of tasks in this scope; the services set it to the actor's scope.
    pub scope: TagScope,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips_and_rejects_invalid_tokens() {
        let cursor = Cursor { direction: Direction::Previous, key: Some("名".into()), id: "a/b".into() };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        let nul = Cursor { direction: Direction::Next, key: Some("a\0".into()), id: "b".into() }.encode();
        for foreign in ["", "zz", "5", "5b5d", "é", &nul, &"a".repeat(5000)] {
            assert_eq!(Cursor::decode(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn leading_minus_sorts_descending() {
        assert_eq!(TaskSort::parse_order("-name"), Some((TaskSort::Name, true)));
        assert_eq!(TaskSort::parse_order("--name"), None);
        assert_eq!(ExecutionSort::parse_order("-duration"), Some((ExecutionSort::Duration, true)));
        assert_eq!(ExecutionSort::parse_order("id"), None);
    }
}
