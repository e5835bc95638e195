//! The transaction of a change.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::firings::{FiringChange, firing_changes};
use super::{CalendarChange, CalendarDetail, CalendarService, after, built_in, no_calendar};
use crate::domain::audit::AuditEvent;
use crate::domain::calendar::{CN, Calendar, CalendarSet, ImportedDays, MAX_CALENDARS, is_reserved};
use crate::domain::event::{Event, TaskChange};
use crate::domain::input::truncate;
use crate::domain::schedule::OnClosed;
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::scheduler::calendars::load_calendars;
use crate::service::audit_log::AuditEntry;
use crate::service::task_change::SettledTx;
use crate::service::{Error, Result, allow};
use crate::storage::calendar::{self, StoredCalendar};

/// The most tasks that a refusal names.
const NAMED: usize = 20;

/// What is changed.
pub(super) enum Edit {
    Create(Calendar),
    Replace(Calendar),
    Import {
        name: String,
        days: ImportedDays,
    },
    /// An earlier definition, also of a deleted calendar.
    Restore {
        content: Calendar,
        version: i64,
    },
    Delete(String),
}

impl Edit {
    fn name(&self) -> &str {
        match self {
            Edit::Create(content) | Edit::Replace(content) | Edit::Restore { content, .. } => &content.name,
            Edit::Import { name, .. } | Edit::Delete(name) => name,
        }
    }

    fn event(&self) -> AuditEvent {
        match self {
            Edit::Create(_) => AuditEvent::CalendarCreate,
            Edit::Replace(_) => AuditEvent::CalendarUpdate,
            Edit::Import { .. } => AuditEvent::CalendarImport,
            Edit::Restore { .. } => AuditEvent::CalendarRestore,
            Edit::Delete(_) => AuditEvent::CalendarDelete,
        }
    }

    /// The definition after the change; `None`: deleted.
    fn content(&self, former: Option<&StoredCalendar>) -> Result<Option<Calendar>> {
        let name = self.name();
        let changes_built_in = || built_in(name).filter(|_| !is_reserved(name)).map(|found| found.content);
        match self {
            Edit::Create(_) if former.is_some() || built_in(name).is_some() => {
                Err(Error::Conflict(message!("calendar.exists", name = truncate(name, 64))))
            }
            Edit::Create(content) | Edit::Restore { content, .. } => Ok(Some(content.clone())),
            Edit::Replace(content) if former.is_some() || changes_built_in().is_some() => Ok(Some(content.clone())),
            Edit::Import { days, .. } => {
                // Days that are imported into the built-in calendar go over those that it has.
                let base = |content: Calendar| Calendar { base: content.name.clone(), ..Calendar::new(content.name, "") };
                let current = former.map(|former| former.content.clone()).or_else(|| changes_built_in().map(base));
                let mut content = current.ok_or_else(|| no_calendar(name))?;
                days.apply(&mut content).map_err(|message| Error::invalid("", message))?;
                Ok(Some(content))
            }
            Edit::Delete(_) if former.is_some() => Ok(None),
            Edit::Delete(_) | Edit::Replace(_) => Err(no_calendar(name)),
        }
    }
}

impl CalendarService {
    /// Plans the tasks with calendars anew, after a change of freezes: held runs begin when the calendars and freezes are open.
    /// `ended`: the end of a freeze that was ended; what it held is due from then on.
    pub(in crate::service) async fn replan_held(&self, ended: Option<DateTime<Utc>>) -> Result<()> {
        let change = loop {
            let mut change = self.changes.open().await?;
            let mut tasks = calendar::lock_users(&mut change.tx).await?;
            if change.settle(&mut tasks).await? {
                let set = load_calendars(&mut change.tx).await?;
                let now = after(change.now);
                let from = |task: &Task| ended.filter(|_| holds(task)).map_or(now, |ended| ended.min(now));
                self.replan(&mut change.tx, &tasks, &set, from).await?;
                break change;
            }
            change.commit().await?;
        };
        change.commit().await?;
        self.signals.schedule.notify_one();
        Ok(())
    }

    /// Makes a change, or (`dry_run`) tells what it would do.
    pub(super) async fn change(
        &self,
        actor: &Actor,
        edit: &Edit,
        if_match: Option<i64>,
        dry_run: bool,
    ) -> Result<CalendarChange> {
        if edit.name() == CN {
            allow(actor, Action::Administer)?;
        }
        let (change, done) = loop {
            let mut change = self.changes.open().await?;
            let stored = calendar::list(&mut change.tx).await?;
            let former = stored.iter().find(|stored| stored.content.name == edit.name());
            check_version(former, if_match)?;
            let content = edit.content(former)?;
            if former.is_none() && stored.len() >= MAX_CALENDARS {
                return Err(Error::Conflict(message!("calendar.too_many", max = MAX_CALENDARS)));
            }
            let before = load_calendars(&mut change.tx).await?;
            let definitions = with_edit(&stored, edit.name(), content.as_ref());
            let after_set = CalendarSet::compile(&definitions, before.freezes.clone());
            let after_set = after_set.map_err(|error| match content {
                Some(_) => Error::invalid("/base", error.message().of("base")),
                None => Error::Conflict(message!("calendar.used_by_calendar", name = edit.name(), calendar = error.name())),
            })?;
            let mut tasks = calendar::lock_users(&mut change.tx).await?;
            tasks.retain(|task| calendar_names(task).iter().any(|name| before.get(name) != after_set.get(name)));
            check_users(actor, edit.name(), &tasks, &after_set)?;
            let shown = firing_changes(&tasks, &before, &after_set, self.zone, change.now);
            if dry_run {
                break (None, (content, shown, None));
            }
            if change.settle(&mut tasks).await? {
                self.save(actor, &mut change, edit, former, content.as_ref()).await?;
                let from = after(change.now);
                self.replan(&mut change.tx, &tasks, &after_set, |_| from).await?;
                break (Some(change), (content, shown, Some(tasks)));
            }
            change.commit().await?;
        };
        let (content, shown, tasks) = done;
        if let (Some(change), Some(tasks)) = (change, tasks) {
            change.commit().await?;
            self.changed(actor, edit, &tasks);
        }
        self.outcome(actor, edit, content, shown, dry_run).await
    }

    async fn save(
        &self,
        actor: &Actor,
        change: &mut SettledTx,
        edit: &Edit,
        former: Option<&StoredCalendar>,
        content: Option<&Calendar>,
    ) -> Result<()> {
        let (tx, now) = (&mut change.tx, change.now);
        let mut entry = AuditEntry::new(edit.event(), "calendar", edit.name());
        if let Some(former) = former {
            entry = entry.before(summary(&former.content));
        }
        match content {
            Some(content) => {
                let mut shown = summary(content);
                if let Edit::Restore { version, .. } = edit {
                    shown["restored_version"] = (*version).into();
                }
                entry = entry.after(shown);
                calendar::put(tx, content, &actor.name, now).await?;
            }
            None => {
                calendar::delete(tx, edit.name(), &actor.name, now).await?;
            }
        }
        self.audit_log.record(tx, actor, entry).await
    }

    fn changed(&self, actor: &Actor, edit: &Edit, tasks: &[Task]) {
        tracing::info!(actor = actor.name, calendar = edit.name(), tasks = tasks.len(), "calendar changed");
        self.signals.schedule.notify_one();
        let event = |task: &Task| Event::Task { id: task.id.clone(), change: TaskChange::Updated };
        self.events.publish(tasks.iter().map(event).collect());
    }

    async fn outcome(
        &self,
        actor: &Actor,
        edit: &Edit,
        content: Option<Calendar>,
        tasks: Vec<FiringChange>,
        dry_run: bool,
    ) -> Result<CalendarChange> {
        let days = if let Edit::Import { days, .. } = edit { days.len() } else { 0 };
        let tasks = tasks.into_iter().filter(|change| change.before != change.after).collect();
        let mut calendar = match (&content, self.get(actor, edit.name()).await) {
            (_, Ok(found)) => found,
            (Some(content), Err(Error::NotFound(_))) => CalendarDetail {
                content: content.clone(),
                version: 0,
                built_in: false,
                changed: None,
                created_at: None,
                used_by: Vec::new(),
            },
            (None, Err(Error::NotFound(_))) => CalendarDetail { version: 0, ..deleted(edit.name()) },
            (_, Err(error)) => return Err(error),
        };
        if let Some(content) = content.filter(|_| dry_run) {
            calendar.content = content;
        }
        Ok(CalendarChange { calendar, days, tasks, applied: !dry_run })
    }
}

/// A calendar that is no more.
fn deleted(name: &str) -> CalendarDetail {
    let content = Calendar::new(name, "");
    CalendarDetail { content, version: 0, built_in: false, changed: None, created_at: None, used_by: Vec::new() }
}

/// Whether a task runs what falls into a closure when the closure ends.
fn holds(task: &Task) -> bool {
    task.schedule.calendar.as_ref().is_some_and(|used| used.on_closed == OnClosed::Hold)
}

/// The names of the calendars of a task.
pub(super) fn calendar_names(task: &Task) -> &[String] {
    task.schedule.calendar.as_ref().map_or(&[], |used| &used.names)
}

/// The ids of the tasks that use a calendar, sorted.
pub(super) fn users_of(tasks: &[Task], name: &str) -> Vec<String> {
    let uses = |task: &&Task| calendar_names(task).iter().any(|used| used == name);
    tasks.iter().filter(uses).map(|task| task.id.clone()).collect()
}

fn check_version(former: Option<&StoredCalendar>, if_match: Option<i64>) -> Result<()> {
    let current = former.map_or(0, |former| former.version);
    match if_match {
        Some(given) if given != current => Err(Error::Stale { given, current }),
        _ => Ok(()),
    }
}

pub(super) fn with_edit(stored: &[StoredCalendar], name: &str, content: Option<&Calendar>) -> Vec<(Calendar, i64)> {
    let others = stored.iter().filter(|stored| stored.content.name != name);
    let version = stored.iter().find(|stored| stored.content.name == name).map_or(1, |former| former.version + 1);
    let changed = content.map(|content| (content.clone(), version));
    others.map(|stored| (stored.content.clone(), stored.version)).chain(changed).collect()
}

/// Refuses a change of a calendar that tasks outside the actor's scope use, and a deletion that tasks would miss.
pub(super) fn check_users(actor: &Actor, name: &str, tasks: &[Task], after: &CalendarSet) -> Result<()> {
    let hidden = tasks.iter().filter(|task| !actor.scope.allows(&task.tags)).count();
    if hidden > 0 {
        return Err(Error::Forbidden(message!("calendar.used_elsewhere", name)));
    }
    if after.get(name).is_some() {
        return Ok(());
    }
    let users = users_of(tasks, name);
    if users.is_empty() {
        return Ok(());
    }
    let more = if users.len() > NAMED { ", …" } else { "" };
    let named = users.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    Err(Error::Conflict(message!("calendar.in_use", name, tasks = format!("{named}{more}"))))
}

/// A definition for the audit log: its dates are in the calendar's versions.
pub(super) fn summary(content: &Calendar) -> Value {
    let mut value = content.to_json();
    if content.dates.len() > NAMED {
        value["dates"] = content.date_count().into();
    }
    value
}
