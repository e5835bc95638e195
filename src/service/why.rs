//! Why a task ran at a time, or why it did not.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::deps::ServiceDeps;
use super::occurrences::TaskTimeline;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::trigger::parse_timestamp;
use crate::domain::user::{Action, Actor};
use crate::domain::why::{self, Change, Explanation, Known};
use crate::storage::{Database, version};

/// Records this long before the time are read: they may stand for it.
const BEFORE: TimeDelta = TimeDelta::hours(1);
/// The most versions looked at.
const MAX_VERSIONS: i64 = 10_000;

/// Explains runs.
#[derive(Clone)]
pub struct WhyService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
}

impl WhyService {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), zone: deps.zone }
    }

    /// Explains a time, which is read in the task's zone if it has no offset; also returns that zone.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the time cannot be read.
    pub async fn explain(&self, actor: &Actor, id: &str, at: &str) -> Result<(Explanation, Tz)> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let task = tag_scope::task(&mut reader, actor, id).await?;
        let timeline = TaskTimeline::read(&mut reader, task, self.zone).await?;
        let at = parse_timestamp(at, timeline.zone).map_err(|message| Error::invalid("/at", message.of("at")))?;
        let run_at = why::run_time(id, &timeline.spans, at).unwrap_or(at);
        let span = (bounded(at, -BEFORE), bounded(run_at.max(at), TimeDelta::milliseconds(1)));
        let rows = timeline.rows(&mut reader, span.0, span.1).await?;
        let mut changes: Vec<Change> = version::authors(&mut reader, id, MAX_VERSIONS).await?;
        changes.sort_by_key(|change| change.version);
        let (now, zone) = (self.clock.now(), timeline.zone);
        let known = Known {
            task_id: id,
            spans: &timeline.spans,
            changes: &changes,
            rows: &rows,
            paused: timeline.task.paused.as_ref(),
            now,
            zone,
        };
        Ok((why::explain(&known, at), zone))
    }
}

fn bounded(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}
