//! Saved views: named filters of a list.

use super::text_enum::text_enum;
use crate::i18n::{Message, message};
use chrono::{DateTime, Utc};

/// Maximum number of views per user and list.
pub const MAX_VIEWS: usize = 50;
/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 60;
/// Maximum length of a filter, in bytes of the URL query.
pub const MAX_QUERY: usize = 2000;

text_enum! {
    /// The lists that support saved views.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ListKind {
        Tasks = "tasks",
        Executions = "executions",
    }
}

/// A named filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// A ULID.
    pub id: String,
    pub list: ListKind,
    /// Unique per list and owner.
    pub name: String,
    /// The filter, as the query of the list's URL.
    pub query: String,
    pub created_at: DateTime<Utc>,
}

/// Validates a name and returns it trimmed.
///
/// # Errors
/// A message that names the violated rule.
pub fn check_name(name: &str) -> Result<&str, Message> {
    let name = name.trim();
    let length = name.chars().count();
    if !(1..=MAX_NAME).contains(&length) {
        return Err(message!("value.character_count", min = 1, max = MAX_NAME, count = length).of("name"));
    }
    if name.chars().any(char::is_control) {
        return Err(message!("value.control_characters").of("name"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_name_trims_and_limits_the_length() {
        assert_eq!(check_name(" 失败的 reports "), Ok("失败的 reports"));
        for bad in ["", "  ", "a\nb", &"x".repeat(MAX_NAME + 1)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(ListKind::ALL.iter().all(|list| ListKind::parse(list.as_str()) == Some(*list)));
    }
}
