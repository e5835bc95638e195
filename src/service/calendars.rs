//! Calendars: list, create, change, delete and import. A change settles what was due of the tasks that use the calendar, and
//! plans them anew, in its own transaction.

mod change;
mod document;
mod firings;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

pub(super) use document::DocumentCalendars;
pub use firings::FiringChange;

use super::audit_log::AuditLog;
use super::deps::{ServiceDeps, Shared, from_deps};
use super::recent_values::RecentValues;
use super::task_change::TaskChanges;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::calendar::{
    Calendar, CalendarSet, CalendarVersion, Day, ImportFormat, ImportedDays, built_in_definition, built_in_names, missing_year,
};
use crate::domain::input::truncate;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::message;
use crate::scheduler::calendars::CalendarCache;
use crate::signals::Signals;
use crate::storage::calendar::StoredCalendar;
use crate::storage::{Database, calendar};

/// The most days of one request.
const MAX_SPAN: i64 = 3_700;
/// The most versions of one request.
const VERSIONS: i64 = 100;

/// A calendar with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarDetail {
    pub content: Calendar,
    /// Of a built-in calendar that nobody changed: 0.
    pub version: i64,
    /// Whether it exists without being stored.
    pub built_in: bool,
    /// The last change: when and by whom.
    pub changed: Option<(DateTime<Utc>, String)>,
    pub created_at: Option<DateTime<Utc>>,
    /// The ids of the tasks in the actor's scope that use it, sorted.
    pub used_by: Vec<String>,
}

/// A calendar and its days, to be imported.
#[derive(Debug, Clone, Copy)]
pub struct CalendarImport<'i> {
    pub text: &'i str,
    pub format: ImportFormat,
    /// True: only tell what would change.
    pub dry_run: bool,
    pub if_match: Option<i64>,
}

/// What a change of a calendar does, or (dry run) would do.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarChange {
    /// The calendar after the change.
    pub calendar: CalendarDetail,
    /// The days that were imported; 0 for other changes.
    pub days: usize,
    /// The tasks whose next firings change.
    pub tasks: Vec<FiringChange>,
    /// False: nothing was saved.
    pub applied: bool,
}

/// Reads and changes calendars.
#[derive(Clone)]
pub struct CalendarService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
    signals: Signals,
    events: EventBus,
    audit_log: AuditLog,
    changes: TaskChanges,
    cache: CalendarCache,
    recent_set: RecentValues<(), Arc<CalendarSet>>,
}

impl CalendarService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, zone, signals, events }, shared { audit_log, changes }, {
            cache: shared.changes.settlement.calendars.clone(),
            recent_set: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
        })
    }

    /// The calendars and freezes in force; may be a second old.
    ///
    /// # Errors
    /// The database fails.
    pub async fn in_force(&self) -> Result<Arc<CalendarSet>> {
        let read = async { self.cache.current(&mut self.database.read().await?).await };
        Ok(self.recent_set.get_or_read((), read).await?)
    }

    /// All calendars, the built-in ones first, each with the tasks that use it.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<CalendarDetail>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let stored = calendar::list(&mut reader).await?;
        let users = super::tag_scope::visible(actor, calendar::users(&mut reader).await?);
        let stored_names: Vec<String> = stored.iter().map(|stored| stored.content.name.clone()).collect();
        let mut all: Vec<CalendarDetail> = stored.into_iter().map(CalendarDetail::from).collect();
        let plain: Vec<CalendarDetail> = built_in_names().filter_map(built_in).collect();
        all.extend(plain.into_iter().filter(|plain| !stored_names.contains(&plain.content.name)));
        all.sort_by(|a, b| b.built_in.cmp(&a.built_in).then_with(|| a.content.name.cmp(&b.content.name)));
        for one in &mut all {
            one.used_by = change::users_of(&users, &one.content.name);
        }
        Ok(all)
    }

    /// One calendar.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn get(&self, actor: &Actor, name: &str) -> Result<CalendarDetail> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let stored = calendar::get(&mut reader, name).await?.map(CalendarDetail::from);
        let mut found = stored.or_else(|| built_in(name)).ok_or_else(|| no_calendar(name))?;
        let users = super::tag_scope::visible(actor, calendar::users(&mut reader).await?);
        found.used_by = change::users_of(&users, name);
        Ok(found)
    }

    /// The days of a calendar from `from` to `to`, both inclusive.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if `to` is before `from` or the span is longer than 3,700 days.
    pub async fn days(&self, actor: &Actor, name: &str, from: NaiveDate, to: NaiveDate) -> Result<Vec<(NaiveDate, Day)>> {
        allow(actor, Action::See)?;
        let span = (to - from).num_days();
        if !(0..MAX_SPAN).contains(&span) {
            return Err(Error::invalid("/to", message!("calendar.invalid_span", max = MAX_SPAN).of("to")));
        }
        let set = self.cache.current(&mut self.database.read().await?).await?;
        let calendar = set.get(name).ok_or_else(|| no_calendar(name))?;
        let days = from.iter_days().take(usize::try_from(span).unwrap_or_default() + 1);
        Ok(days.map(|date| (date, calendar.day(date))).collect())
    }

    /// The newest hundred versions of a calendar, or those before version `before`; also of a deleted one.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there never was one.
    pub async fn versions(&self, actor: &Actor, name: &str, before: Option<i64>) -> Result<Vec<CalendarVersion>> {
        allow(actor, Action::See)?;
        let found = calendar::versions(&mut self.database.read().await?, name, before, VERSIONS).await?;
        if found.is_empty() && before.is_none() && built_in(name).is_none() {
            return Err(no_calendar(name));
        }
        Ok(found)
    }

    /// The coming year for which China's calendar lacks its notice although it is due: from 10 December on.
    ///
    /// # Errors
    /// The database fails.
    pub async fn missing_year(&self) -> Result<Option<i32>> {
        Ok(missing_year(self.clock.now(), self.in_force().await?.cn()))
    }

    /// Creates a calendar.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault; [`Error::Conflict`] if the name is taken or there are too many; [`Error::Forbidden`].
    pub async fn create(&self, actor: &Actor, body: &Value) -> Result<CalendarDetail> {
        allow(actor, Action::Edit)?;
        let content = Calendar::parse(body, "").map_err(Error::Invalid)?;
        let edit = change::Edit::Create(content);
        Ok(self.change(actor, &edit, None, false).await?.calendar)
    }

    /// Replaces the definition of a calendar. That of the built-in `cn` is created thereby. `name` cannot change.
    ///
    /// # Errors
    /// As [`CalendarService::create`]; [`Error::NotFound`]; [`Error::Stale`] if the version is not `if_match`.
    pub async fn replace(&self, actor: &Actor, name: &str, body: &Value, if_match: Option<i64>) -> Result<CalendarDetail> {
        Ok(self.try_replace(actor, name, body, if_match, false).await?.calendar)
    }

    /// As [`CalendarService::replace`], with the tasks whose next firings change. `dry_run`: nothing is saved.
    pub async fn try_replace(
        &self,
        actor: &Actor,
        name: &str,
        body: &Value,
        if_match: Option<i64>,
        dry_run: bool,
    ) -> Result<CalendarChange> {
        allow(actor, Action::Edit)?;
        let mut body = body.clone();
        if let Value::Object(map) = &mut body {
            map.entry("name").or_insert_with(|| name.into());
        }
        let content = Calendar::parse(&body, "").map_err(Error::Invalid)?;
        if content.name != name {
            return Err(Error::invalid("/name", message!("calendar.other_name", name = truncate(name, 64)).of("name")));
        }
        self.change(actor, &change::Edit::Replace(content), if_match, dry_run).await
    }

    /// Imports days into a calendar that exists.
    ///
    /// # Errors
    /// As [`CalendarService::replace`].
    pub async fn import(&self, actor: &Actor, name: &str, import: CalendarImport<'_>) -> Result<CalendarChange> {
        allow(actor, Action::Edit)?;
        let days = ImportedDays::read(import.text, import.format).map_err(|fault| Error::Invalid(vec![fault]))?;
        let edit = change::Edit::Import { name: name.to_owned(), days };
        self.change(actor, &edit, import.if_match, import.dry_run).await
    }

    /// Sets a calendar to an earlier version, which makes a new version; a deleted calendar is there again. `dry_run`: only tells which
    /// firings would change.
    ///
    /// # Errors
    /// As [`CalendarService::replace`]; [`Error::NotFound`] also for a version that does not exist; [`Error::Conflict`] for one that is a
    /// deletion.
    pub async fn restore_version(
        &self,
        actor: &Actor,
        name: &str,
        version: i64,
        if_match: Option<i64>,
        dry_run: bool,
    ) -> Result<CalendarChange> {
        allow(actor, Action::Edit)?;
        let found = calendar::versions(&mut self.database.read().await?, name, Some(version.saturating_add(1)), 1).await?;
        let Some(found) = found.into_iter().find(|found| found.version == version) else {
            let exists = self.versions(actor, name, None).await.map(drop);
            return Err(exists
                .err()
                .unwrap_or_else(|| Error::NotFound(message!("calendar.no_version", name = truncate(name, 64), version))));
        };
        let Some(content) = found.content else {
            return Err(Error::Conflict(message!("calendar.version_deleted", name = truncate(name, 64), version)));
        };
        self.change(actor, &change::Edit::Restore { content, version }, if_match, dry_run).await
    }

    /// Deletes a calendar. The built-in one of its name, if there is one, is in force again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Forbidden`]; [`Error::Conflict`] if tasks or calendars use it.
    pub async fn delete(&self, actor: &Actor, name: &str, if_match: Option<i64>) -> Result<()> {
        allow(actor, Action::Edit)?;
        self.change(actor, &change::Edit::Delete(name.to_owned()), if_match, false).await.map(drop)
    }
}

impl From<StoredCalendar> for CalendarDetail {
    fn from(stored: StoredCalendar) -> Self {
        CalendarDetail {
            built_in: built_in_names().any(|name| name == stored.content.name),
            content: stored.content,
            version: stored.version,
            changed: Some((stored.updated_at, stored.updated_by)),
            created_at: Some(stored.created_at),
            used_by: Vec::new(),
        }
    }
}

/// A built-in calendar that nobody changed.
fn built_in(name: &str) -> Option<CalendarDetail> {
    let content = built_in_definition(name)?;
    Some(CalendarDetail { content, version: 0, built_in: true, changed: None, created_at: None, used_by: Vec::new() })
}

fn no_calendar(name: &str) -> Error {
    Error::NotFound(message!("calendar.missing", name = truncate(name, 64)))
}

/// One millisecond after `now`: what lies up to `now` is settled.
fn after(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::milliseconds(1)
}
