//! Schedule preview: description and next firings of rules and calendars before they are saved.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::deps::{ServiceDeps, Shared};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::calendar::CalendarSet;
use crate::domain::fault::Fault;
use crate::domain::input::Fields;
use crate::domain::schedule::{Preview, ScheduleSettings, TakenSchedule};
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::scheduler::calendars::CalendarCache;
use crate::storage::Database;

/// The maximum number of firings per request.
const MAX_COUNT: i64 = 1000;

/// Previews schedules.
#[derive(Clone)]
pub struct PreviewService {
    database: Database,
    calendars: CalendarCache,
    clock: SharedClock,
    zone: Tz,
}

impl PreviewService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        let calendars = shared.changes.settlement.calendars.clone();
        Self { database: deps.database.clone(), calendars, clock: deps.clock.clone(), zone: deps.zone }
    }

    /// Parses a schedule, by the names of a task's fields, and computes its next `count` firings at or after `after` (default:
    /// now).
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault, for a calendar that does not exist or never opens, or for a `count` outside 1 to 1000.
    pub async fn schedule(&self, actor: &Actor, given: &Value, after: Option<DateTime<Utc>>, count: i64) -> Result<Preview> {
        allow(actor, Action::See)?;
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(Error::invalid(
                "/count",
                message!("value.out_of_range", value = count, min = 1, max = MAX_COUNT).of("count"),
            ));
        }
        let rules = read(given, self.zone).map_err(Error::Invalid)?.rules;
        let calendars = self.calendars(rules.calendar().is_some()).await?;
        let after = after.unwrap_or_else(|| self.clock.now());
        let missing = |name: String| Error::invalid("/calendar", message!("calendar.missing", name).of("calendar"));
        let schedule = rules.bind(&calendars, &[], Some(after)).map_err(missing)?;
        if schedule.never_opens(after, after) {
            return Err(Error::invalid("/calendar", message!("schedule.never_opens").of("calendar")));
        }
        let first = schedule.next_at_or_after(after, after);
        Ok(schedule.preview(first, after, after, count as usize))
    }

    /// The next `count` firings of a task, from its next run on; none if it is paused or its stored trigger is invalid.
    pub async fn task(&self, actor: &Actor, task: &Task, count: usize) -> Result<Option<Preview>> {
        allow(actor, Action::See)?;
        let calendars = self.calendars(true).await?;
        let Ok(schedule) = task.schedule(self.zone, &calendars) else { return Ok(None) };
        let next = task.next_rule_at.filter(|_| task.enabled);
        let after = next.unwrap_or_else(|| self.clock.now());
        Ok(next.map(|next| schedule.preview(Some(next), after, task.anchor_at, count)))
    }

    async fn calendars(&self, are_used: bool) -> Result<Arc<CalendarSet>> {
        if !are_used {
            return Ok(Arc::default());
        }
        Ok(self.calendars.current(&mut self.database.read().await?).await?)
    }
}

fn read(given: &Value, zone: Tz) -> std::result::Result<TakenSchedule, Vec<Fault>> {
    let mut f = Fields::new(given, "");
    match ScheduleSettings::take(&mut f, zone) {
        Some(taken) => f.finish(taken),
        None => Err(f.finish(()).err().unwrap_or_default()),
    }
}
