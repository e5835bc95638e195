//! The watch over China's calendar: an incident tells that it lacks the notice of a year, from 10 December of the year before.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::incidents::{self, DecisionTime, Trouble};
use crate::domain::calendar::{CN, CalendarSet, FreezeSet, missing_year};
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::rule::Target;
use crate::i18n::message;
use crate::storage::{Result, Session, Tx, calendar, incident};

/// How often the calendar is looked at.
const INTERVAL: TimeDelta = TimeDelta::minutes(5);

/// When the calendar is looked at next.
#[derive(Debug, Default)]
pub struct CalendarWatch(Mutex<Option<DateTime<Utc>>>);

impl CalendarWatch {
    /// Whether it is time to look; the next time is then five minutes later.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not stop the watch.
        let due = next.is_none_or(|next| next <= now || next - now > INTERVAL);
        if due {
            *next = Some(now + INTERVAL);
        }
        due
    }
}

/// Whether an incident has to be opened or closed.
pub async fn is_changed(s: &mut dyn Session, now: DateTime<Utc>) -> Result<bool> {
    let open = incident::open_events(s, &[subject()]).await?;
    Ok(missing(s, now).await?.is_some() == open.is_empty())
}

/// Opens an incident if a year is missing, else closes it. Returns whether messages were queued.
pub async fn decide(tx: &mut Tx, at: DecisionTime) -> Result<bool> {
    let missing = missing(tx, at.now).await?;
    let error = missing.map(|year| message!("incident_error.no_calendar_notice", year));
    let (subject, event) = (subject(), NotifyEvent::CalendarMissing);
    let trouble = Trouble { event, subject: &subject, target: Target::SERVER, error: error.as_ref() };
    match missing {
        Some(_) => incidents::raise(tx, &trouble, at).await,
        None => incidents::resolve(tx, &trouble, at).await,
    }
}

fn subject() -> String {
    format!("calendar:{CN}")
}

async fn missing(s: &mut dyn Session, now: DateTime<Utc>) -> Result<Option<i32>> {
    let Some(year) = missing_year(now, CalendarSet::default().cn()) else { return Ok(None) };
    let stored = calendar::list(s).await?.into_iter().map(|stored| (stored.content, stored.version));
    let set = CalendarSet::compile(&stored.collect::<Vec<_>>(), FreezeSet::default());
    Ok(set.map_or(Some(year), |set| missing_year(now, set.cn())))
}
