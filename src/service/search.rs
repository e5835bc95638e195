//! Bounds of searches. Both databases refuse patterns beyond a length of their own, and a long one costs time for every row.

use super::{Error, Result};
use crate::i18n::message;

/// The longest search, in characters.
const MAX_SEARCH: usize = 1_000;

/// Checks the length of a search, whoever sends it.
pub(super) fn check_search(search: Option<&str>) -> Result<()> {
    match search {
        Some(text) if text.chars().nth(MAX_SEARCH).is_some() => {
            Err(Error::invalid("/search", message!("value.too_long", max = MAX_SEARCH).of("search")))
        }
        _ => Ok(()),
    }
}
