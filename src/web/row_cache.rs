//! Parts of pages that were drawn before, such as rows of lists: one is drawn once for all readers with the same language and rights.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use crate::i18n::Language;

/// The most rows kept, about 4 MB, and the most of larger parts, about 1 MB.
const ROWS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2047);
const PARTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
/// A drawn row is used at most this long: names of task types may change, and retention deletes runs of its chart.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Whom a row is drawn for, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowKey {
    pub id: String,
    pub language: Language,
    pub can_run: bool,
}

/// Drawn rows. `S` is the state that a row shows: with another state it is drawn again.
pub struct RowCache<S>(Mutex<LruCache<RowKey, Drawn<S>>>);

struct Drawn<S> {
    state: S,
    at: Instant,
    html: Arc<str>,
}

impl<S> Default for RowCache<S> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ROWS)))
    }
}

impl<S> RowCache<S> {
    /// For parts of several kilobytes.
    pub fn of_parts() -> Self {
        Self(Mutex::new(LruCache::new(PARTS)))
    }
}

impl<S: PartialEq> RowCache<S> {
    /// The row as it was drawn for this state.
    pub fn get(&self, key: &RowKey, state: &S) -> Option<Arc<str>> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = rows.get(key)?;
        (drawn.state == *state && drawn.at.elapsed() < MAX_AGE).then(|| drawn.html.clone())
    }

    /// Keeps a row that was just drawn.
    pub fn put(&self, key: RowKey, state: S, html: &str) {
        let drawn = Drawn { state, at: Instant::now(), html: html.into() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_drawn_again_for_another_state_or_reader() {
        let (cache, key) = (RowCache::default(), RowKey { id: "a".into(), language: Language::English, can_run: true });
        cache.put(key.clone(), 1, "<tr>");
        assert_eq!(cache.get(&key, &1).as_deref(), Some("<tr>"));
        assert_eq!(cache.get(&key, &2), None);
        assert_eq!(cache.get(&RowKey { can_run: false, ..key.clone() }, &1), None);
        assert_eq!(cache.get(&RowKey { language: Language::Chinese, ..key }, &1), None);
    }
}
