//! Saved views: filters of a list that a person has given a name, to be opened again by it.

use chrono::{DateTime, Utc};

/// The most views of one list that a person keeps.
pub const MAX_VIEWS: usize = 50;
/// The longest name, in characters.
pub const MAX_NAME: usize = 60;
/// The longest filter, in bytes of the query of its address.
pub const MAX_QUERY: usize = 2000;

/// The lists that have views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    Tasks,
    Executions,
}

impl ListKind {
    pub const ALL: [ListKind; 2] = [ListKind::Tasks, ListKind::Executions];

    pub fn as_str(self) -> &'static str {
        match self {
            ListKind::Tasks => "tasks",
            ListKind::Executions => "executions",
        }
    }

    pub fn parse(text: &str) -> Option<ListKind> {
        ListKind::ALL.into_iter().find(|list| list.as_str() == text)
    }
}

/// A filter with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// A ULID.
    pub id: String,
    pub list: ListKind,
    /// Unique among the views of its list and owner.
    pub name: String,
    /// The filter, as the query of the list's address.
    pub query: String,
    pub created_at: DateTime<Utc>,
}

/// A name as it is kept: blanks at its ends cut.
///
/// # Errors
/// Why it is none.
pub fn check_name(name: &str) -> Result<&str, String> {
    let name = name.trim();
    let length = name.chars().count();
    if !(1..=MAX_NAME).contains(&length) {
        return Err(format!("name: must have 1 to {MAX_NAME} characters, not {length}"));
    }
    if name.chars().any(char::is_control) {
        return Err("name: must not hold control characters".to_owned());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        assert_eq!(check_name(" 失败的 reports "), Ok("失败的 reports"));
        for bad in ["", "  ", "a\nb", &"x".repeat(MAX_NAME + 1)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(ListKind::ALL.iter().all(|list| ListKind::parse(list.as_str()) == Some(*list)));
    }
}
