//! Task ids; names of tags and task types follow the same rules.

use crate::i18n::{Message, message};

const MAX_ID: usize = 64;

/// Validates a task id: 1 to 64 letters (any script), digits, `.`, `_`, `-`, not starting with punctuation.
///
/// # Errors
/// A message that names the violated rule.
pub fn check_id(id: &str) -> Result<(), Message> {
    let length = id.chars().count();
    if !(1..=MAX_ID).contains(&length) {
        return Err(message!("value.character_count", min = 1, max = MAX_ID, count = length));
    }
    if let Some(bad) = id.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-')) {
        return Err(message!("task.id_character", character = format!("{bad:?}")));
    }
    if id.starts_with(['.', '_', '-']) {
        return Err(message!("task.id_start"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_id_accepts_letters_digits_and_inner_punctuation() {
        for good in ["a", "日报", "a.b_c-9", &"x".repeat(64)] {
            assert_eq!(check_id(good), Ok(()), "{good}");
        }
        for bad in ["", ".a", "_a", "a b", "a/b", "a\n", &"x".repeat(65), "<b>"] {
            assert!(check_id(bad).is_err(), "{bad}");
        }
    }
}
