//! Compiled calendars and freezes, kept in memory until the change counter in the database differs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::DateTime;

use crate::domain::calendar::{CalendarSet, FreezeSet};
use crate::storage::{Result, Session, calendar, freeze};

/// The most freezes kept: those that end last.
const MAX_FREEZES: i64 = 1000;

/// The calendars in force; clones share them.
#[derive(Debug, Clone, Default)]
pub struct CalendarCache(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    revision: Option<String>,
    set: Arc<CalendarSet>,
}

impl CalendarCache {
    /// The calendars and freezes in force. Reads the change counter, and the rest if it differs.
    pub async fn current(&self, s: &mut dyn Session) -> Result<Arc<CalendarSet>> {
        let revision = calendar::revision(s).await?;
        self.at(s, revision).await
    }

    /// As [`CalendarCache::current`], for a change counter that another statement has read.
    pub async fn at(&self, s: &mut dyn Session, revision: Option<String>) -> Result<Arc<CalendarSet>> {
        let known = self.known(revision.as_deref());
        if let Some(set) = known {
            return Ok(set);
        }
        let set = Arc::new(load_calendars(s).await?);
        let mut kept = self.lock();
        *kept = Kept { revision, set: set.clone() };
        Ok(set)
    }

    /// The calendars, if they are those of this change counter.
    fn known(&self, revision: Option<&str>) -> Option<Arc<CalendarSet>> {
        let kept = self.lock();
        (kept.revision.as_deref() == revision).then(|| kept.set.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads and compiles all calendars. One that cannot be compiled, which only a manual change of the database can cause, is left
/// out with those that are built on it.
pub async fn load_calendars(s: &mut dyn Session) -> Result<CalendarSet> {
    let stored = calendar::list(s).await?;
    let freezes = FreezeSet::new(freeze::list(s, DateTime::UNIX_EPOCH, MAX_FREEZES).await?);
    let mut definitions: Vec<_> = stored.into_iter().map(|stored| (stored.content, stored.version)).collect();
    loop {
        match CalendarSet::compile(&definitions, freezes.clone()) {
            Ok(set) => return Ok(set),
            Err(error) => {
                tracing::error!(calendar = error.name(), problem = %error.message(), "calendar is invalid and is left out");
                definitions.retain(|(definition, _)| definition.name != error.name());
            }
        }
    }
}
