//! Filters, sort orders and keyset pagination of lists, shared by the API and the pages. A page starts after the key of
//! a row, so a deep page costs no more than the first.

use chrono::{DateTime, Utc};

use super::execution::{Cause, Status};
use super::permission::TagScope;

/// Rows per page by default.
pub const DEFAULT_PAGE_SIZE: u32 = 40;
/// Maximum rows per page.
pub const MAX_PAGE_SIZE: u32 = 500;

/// The requested page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// A position in a list: the rows after or before the row with this key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub direction: Direction,
    /// The row's value of the sort column; `None` if the order is by id alone or the value is null.
    pub key: Option<String>,
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Cursor {
    /// The cursor as an opaque token for a URL.
    pub fn encode(&self) -> String {
        let direction = if self.direction == Direction::Next { "n" } else { "p" };
        let json = serde_json::json!([direction, self.key, self.id]).to_string();
        json.bytes().map(|b| format!("{b:02x}")).collect()
    }

    /// Decodes a token; `None` if it is not valid.
    pub fn decode(token: &str) -> Option<Cursor> {
        let token = token.as_bytes();
        if token.len() > 4096 || !token.len().is_multiple_of(2) {
            return None;
        }
        let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        let bytes: Option<Vec<u8>> = token.chunks(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect();
        let (direction, key, id): (String, Option<String>, String) = serde_json::from_slice(&bytes?).ok()?;
        let direction = match direction.as_str() {
            "n" => Direction::Next,
            "p" => Direction::Previous,
            _ => return None,
        };
        Some(Cursor { direction, key, id })
    }
}

/// Selects tasks; every condition that is given must match.
#[derive(Debug, Clone, Default, PartialEq)]
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

/// The sort order of a task list; ties are sorted by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaskSort {
    #[default]
    Id,
    Name,
    CreatedAt,
    UpdatedAt,
    NextRunAt,
    LastRunAt,
    RunCount,
}

impl TaskSort {
    pub const ALL: [TaskSort; 7] = [
        TaskSort::Id,
        TaskSort::Name,
        TaskSort::CreatedAt,
        TaskSort::UpdatedAt,
        TaskSort::NextRunAt,
        TaskSort::LastRunAt,
        TaskSort::RunCount,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            TaskSort::Id => "id",
            TaskSort::Name => "name",
            TaskSort::CreatedAt => "created_at",
            TaskSort::UpdatedAt => "updated_at",
            TaskSort::NextRunAt => "next_run_at",
            TaskSort::LastRunAt => "last_run_at",
            TaskSort::RunCount => "run_count",
        }
    }

    /// Reads `name` or `-name` (descending).
    pub fn parse(text: &str) -> Option<(TaskSort, bool)> {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        TaskSort::ALL.into_iter().find(|sort| sort.as_str() == name).map(|sort| (sort, descending))
    }
}

/// Selects executions; every condition that is given must match. The list is sorted newest first.
#[derive(Debug, Clone, Default, PartialEq)]
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
        for foreign in ["", "zz", "5", "5b5d", "é", &"a".repeat(5000)] {
            assert_eq!(Cursor::decode(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn leading_minus_sorts_descending() {
        assert_eq!(TaskSort::parse("-name"), Some((TaskSort::Name, true)));
        assert_eq!(TaskSort::parse("--name"), None);
    }
}
