//! The calendars as they were: the set that was in force at each time, for the account of the past.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::calendar::{Calendar, CalendarSet, FreezeSet};

/// A change of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarChange {
    pub at: DateTime<Utc>,
    pub name: String,
    pub version: i64,
    /// `None`: it was deleted.
    pub content: Option<Calendar>,
}

/// The calendars of all times.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarHistory(Vec<(DateTime<Utc>, Arc<CalendarSet>)>);

impl Default for CalendarHistory {
    /// The built-in calendars, at all times.
    fn default() -> Self {
        Self(vec![(DateTime::UNIX_EPOCH, Arc::default())])
    }
}

impl CalendarHistory {
    /// `changes`: every change, oldest first. `freezes`: those of all times.
    pub fn new(changes: Vec<CalendarChange>, freezes: &FreezeSet) -> CalendarHistory {
        let first = CalendarSet::compile(&[], freezes.clone()).unwrap_or_default();
        let mut history = vec![(DateTime::UNIX_EPOCH, Arc::new(first))];
        let mut current: BTreeMap<String, (Calendar, i64)> = BTreeMap::new();
        for change in changes {
            match change.content {
                Some(content) => drop(current.insert(change.name, (content, change.version))),
                None => drop(current.remove(&change.name)),
            }
            let definitions: Vec<_> = current.values().cloned().collect();
            if let Ok(set) = CalendarSet::compile(&definitions, freezes.clone()) {
                history.push((change.at, Arc::new(set)));
            }
        }
        CalendarHistory(history)
    }

    /// The calendars from `from` on: those in force then, and each later state with its beginning before `until`.
    pub fn between(
        &self,
        from: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = (DateTime<Utc>, &CalendarSet)> {
        let first = self.0.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let later = self.0[first..].iter().take_while(move |(at, _)| *at <= from || until.is_none_or(|until| *at < until));
        later.map(move |(at, set)| ((*at).max(from), &**set))
    }
}
