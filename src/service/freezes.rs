//! Freezes: list, begin and end. Occurrences that fall into one are decided by their scheduled time, so nothing needs to be
//! settled; tasks that hold their runs until the end are replanned.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::audit_log::{AuditEntry, AuditLog};
use super::calendars::CalendarService;
use super::deps::{ServiceDeps, Shared};
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::calendar::{CalendarSet, Freeze, MAX_REASON};
use crate::domain::input::truncate;
use crate::domain::task_id::check_id;
use crate::domain::user::{Action, Actor};
use crate::i18n::{Message, message};
use crate::ids::new_id;
use crate::scheduler::PlanAhead;
use crate::storage::{Database, freeze, overlap};

/// The most freezes that are not over.
const MAX_FREEZES: i64 = 100;
/// The most freezes in a list.
const LISTED: i64 = 500;
/// The longest freeze.
const MAX_LENGTH: TimeDelta = TimeDelta::days(400);

/// A freeze to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFreeze {
    /// The tag whose tasks are frozen; `None`: all tasks.
    pub tag: Option<String>,
    /// `None`: now.
    pub from: Option<DateTime<Utc>>,
    pub until: DateTime<Utc>,
    pub reason: String,
}

/// Reads and changes freezes.
#[derive(Clone)]
pub struct FreezeService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
    calendars: CalendarService,
}

impl FreezeService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared, calendars: CalendarService) -> Self {
        Self { database: deps.database.clone(), clock: deps.clock.clone(), audit_log: shared.audit_log.clone(), calendars }
    }

    /// The freezes that concern the actor: those that are not over, or (`all`) the newest five hundred.
    pub async fn list(&self, actor: &Actor, all: bool) -> Result<Vec<Freeze>> {
        allow(actor, Action::See)?;
        let since = if all { DateTime::UNIX_EPOCH } else { after(self.clock.now()) };
        let found = freeze::list(&mut self.database.read().await?, since, LISTED).await?;
        Ok(found.into_iter().filter(|freeze| concerns(actor, freeze)).collect())
    }

    /// The freezes in force that concern the actor, for the banner of the pages; may be a second old.
    pub async fn in_force(&self, actor: &Actor) -> Result<Vec<Freeze>> {
        let (set, now): (Arc<CalendarSet>, _) = (self.calendars.in_force().await?, self.clock.now());
        let holds = |freeze: &&Freeze| freeze.from <= now && now < freeze.until && concerns(actor, freeze);
        Ok(set.freezes.iter().filter(holds).cloned().collect())
    }

    /// Begins a freeze, after what was planned ahead. One of all tasks needs an account that sees all of them; one of a tag, an account that sees its tasks.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Forbidden`]; [`Error::Conflict`] if there are too many.
    pub async fn create(&self, actor: &Actor, new: &NewFreeze) -> Result<Freeze> {
        allow(actor, Action::Run)?;
        let now = self.clock.now();
        let from = new.from.unwrap_or(now).max(after(now));
        check(new, from)?;
        allow_tag(actor, new.tag.as_deref())?;
        let mut tx = self.database.write().await?;
        let ahead = overlap::any_planned_ahead(&mut tx, now, now + PlanAhead::STANDARD.most).await?;
        let freeze = Freeze {
            id: new_id(now),
            tag: new.tag.clone(),
            from: ahead.map_or(from, |latest| from.max(after(latest))),
            until: new.until,
            reason: new.reason.trim().to_owned(),
            created_by: actor.name.clone(),
            created_at: now,
        };
        if freeze::list(&mut tx, now, MAX_FREEZES).await?.len() as i64 >= MAX_FREEZES {
            return Err(Error::Conflict(message!("freeze.too_many", max = MAX_FREEZES)));
        }
        freeze::insert(&mut tx, &freeze).await?;
        let entry = AuditEntry::new(AuditEvent::FreezeCreate, "freeze", &freeze.id).after(content(&freeze));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.calendars.replan_held(None).await?;
        tracing::info!(actor = actor.name, freeze.id, tag = freeze.tag, until = %freeze.until, "freeze created");
        Ok(freeze)
    }

    /// Ends a freeze now. One that has not begun is deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`]; [`Error::Conflict`] if it is over.
    pub async fn end(&self, actor: &Actor, id: &str) -> Result<()> {
        allow(actor, Action::Run)?;
        let mut tx = self.database.write().await?;
        let missing = || Error::NotFound(message!("freeze.missing", id = truncate(id, 64)));
        let found = freeze::lock(&mut tx, id).await?.filter(|freeze| concerns(actor, freeze)).ok_or_else(missing)?;
        allow_tag(actor, found.tag.as_deref())?;
        let now = self.clock.now();
        let until = after(now);
        if found.until <= until {
            return Err(Error::Conflict(message!("freeze.over", id)));
        }
        match found.from <= now {
            true => freeze::set_end(&mut tx, id, until).await?,
            false => freeze::delete(&mut tx, id).await?,
        }
        let entry = AuditEntry::new(AuditEvent::FreezeEnd, "freeze", id).before(content(&found));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        self.calendars.replan_held(Some(until)).await?;
        tracing::info!(actor = actor.name, freeze.id = id, "freeze ended");
        Ok(())
    }
}

/// One millisecond after `now`: what is due up to `now` may be decided already, and stays as it is.
fn after(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::milliseconds(1)
}

/// Whether a freeze may stop tasks that the actor sees.
fn concerns(actor: &Actor, freeze: &Freeze) -> bool {
    freeze.tag.as_ref().is_none_or(|tag| actor.scope.allows(std::slice::from_ref(tag)))
}

fn allow_tag(actor: &Actor, tag: Option<&str>) -> Result<()> {
    let allowed = match tag {
        Some(tag) => actor.scope.allows(&[tag.to_owned()]),
        None => actor.scope.is_all(),
    };
    if allowed { Ok(()) } else { Err(Error::Forbidden(message!("permission.tags", action = Message::new("action.freeze")))) }
}

fn check(new: &NewFreeze, from: DateTime<Utc>) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault =
        |name: &str, message: Message| faults.push(crate::domain::fault::Fault::new(format!("/{name}"), message.of(name)));
    if let Some(Err(message)) = new.tag.as_deref().map(check_id) {
        fault("tag", message);
    }
    if new.until <= from {
        fault("until", message!("freeze.until_too_early"));
    } else if new.until - from > MAX_LENGTH {
        fault("until", message!("freeze.too_long", max = MAX_LENGTH.num_days()));
    }
    let length = new.reason.trim().chars().count();
    if !(1..=MAX_REASON).contains(&length) {
        fault("reason", message!("value.character_count", min = 1, max = MAX_REASON, count = length));
    } else if new.reason.chars().any(char::is_control) {
        fault("reason", message!("value.control_characters"));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

fn content(freeze: &Freeze) -> Value {
    json!({"tag": freeze.tag, "from": freeze.from, "until": freeze.until, "reason": freeze.reason})
}
