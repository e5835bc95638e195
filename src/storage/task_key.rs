//! Folded keys of tasks for searches.

use crate::domain::folding::fold;

/// The text in which a search for tasks looks.
pub(super) fn search_key(id: &str, name: &str, description: &str, tags: &[String]) -> String {
    fold(&format!("{id}\n{name}\n{description}\n{}", tags.join(" ")))
}
