//! The tasks that the database refused to plan: they are left out for a minute, so that the others are planned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How long a task is left out that the database refused to plan.
const REFUSED_FOR: TimeDelta = TimeDelta::seconds(60);

/// The tasks that the database refused to plan, and until when they are left out; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct RefusedTasks(Arc<Mutex<HashMap<String, DateTime<Utc>>>>);

impl RefusedTasks {
    pub fn add(&self, task_id: String, now: DateTime<Utc>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task_id, now + REFUSED_FOR);
    }

    /// Those that are left out at `now`. A clock that was set back leaves none out for longer.
    pub fn at(&self, now: DateTime<Utc>) -> Vec<String> {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|_, until| now < *until && *until <= now + REFUSED_FOR);
        refused.keys().cloned().collect()
    }
}
