//! Lists: which rows (filters), in what order, and which page of them. One filter type serves the API and the pages.
//! A page is found by the key of the row it starts after (keyset), so that deep pages cost what the first page costs.

use chrono::{DateTime, Utc};

use super::execution::{Cause, Status};
use super::permission::Reach;

/// Rows a page holds when nothing else is asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 40;
/// Rows a page may hold at most.
pub const MAX_PAGE_SIZE: u32 = 500;

/// Which page of a list.
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
    /// Whether the page before the cursor is asked for, so that rows are read in the opposite order.
    pub fn is_backwards(&self) -> bool {
        matches!(&self.cursor, Some(cursor) if cursor.direction == Direction::Previous)
    }
}

/// The edge of a page: the rows after or before the row with this key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub direction: Direction,
    /// The sort column's value of the row at the edge; `None` where the order is by id alone, or the value is absent.
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
    /// How many rows match; a lower bound where `total_is_exact` is false.
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

    /// Reads a token back; `None` where it is not one of ours.
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

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskFilter {
    /// Part of the id, the name, the description or a tag, in any case.
    pub search: Option<String>,
    pub task_type: Option<String>,
    /// The last run's status.
    pub status: Option<Status>,
    pub tag: Option<String>,
    pub enabled: Option<bool>,
    pub sort: TaskSort,
    pub descending: bool,
    /// Only tasks within it; the services set it to that of whoever asks.
    pub reach: Reach,
}

/// The order of a task list; ties are ordered by id.
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

/// Which executions. The list is ordered newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExecutionFilter {
    pub task_id: Option<String>,
    pub task_type: Option<String>,
    /// Any of these; empty: all.
    pub statuses: Vec<Status>,
    pub cause: Option<Cause>,
    /// `started_at` from, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// `started_at` to, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Part of the id, the task id, the parameters or the error, in any case.
    pub search: Option<String>,
    /// Only executions of tasks within it; the services set it to that of whoever asks.
    pub reach: Reach,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_foreign_ones_are_refused() {
        let cursor = Cursor { direction: Direction::Previous, key: Some("名".into()), id: "a/b".into() };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for foreign in ["", "zz", "5", "5b5d", "é", &"a".repeat(5000)] {
            assert_eq!(Cursor::decode(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_sort_may_be_turned_round() {
        assert_eq!(TaskSort::parse("-name"), Some((TaskSort::Name, true)));
        assert_eq!(TaskSort::parse("--name"), None);
    }
}
