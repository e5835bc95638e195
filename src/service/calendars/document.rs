//! Calendars of a document of tasks: imported in the transaction of its tasks.

use std::sync::Arc;

use super::change::{check_users, summary, with_edit};
use super::{CalendarService, after};
use crate::domain::audit::AuditEvent;
use crate::domain::calendar::{CN, Calendar, CalendarSet, MAX_CALENDARS};
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::service::audit_log::AuditEntry;
use crate::service::task_change::SettledTx;
use crate::service::{Error, Result, allow};
use crate::storage::Session;
use crate::storage::calendar::{self, StoredCalendar};

/// The calendars of a document that differ from those stored.
pub(in crate::service) struct DocumentCalendars {
    pub changed: Vec<Calendar>,
    /// The calendars in force once they are saved.
    pub set: Arc<CalendarSet>,
}

impl DocumentCalendars {
    /// The names of the calendars that are created or replaced.
    pub fn names(&self) -> Vec<String> {
        self.changed.iter().map(|calendar| calendar.name.clone()).collect()
    }
}

impl CalendarService {
    /// The definitions to export, by name.
    pub(in crate::service) async fn definitions(&self, s: &mut dyn Session) -> Result<Vec<Calendar>> {
        Ok(calendar::list(s).await?.into_iter().map(|stored| stored.content).collect())
    }

    /// Checks the calendars of a document.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a base that is missing or leads back; [`Error::Forbidden`]; [`Error::Conflict`] if there are too many.
    pub(in crate::service) async fn check_document(
        &self,
        actor: &Actor,
        s: &mut dyn Session,
        wanted: &[Calendar],
    ) -> Result<DocumentCalendars> {
        let current = self.cache.current(s).await?;
        if wanted.is_empty() {
            return Ok(DocumentCalendars { changed: Vec::new(), set: current });
        }
        let mut definitions = calendar::list(s).await?;
        let is_known = |calendar: &&Calendar| definitions.iter().any(|stored| stored.content == **calendar);
        let changed: Vec<Calendar> = wanted.iter().filter(|calendar| !is_known(calendar)).cloned().collect();
        if changed.iter().any(|calendar| calendar.name == CN) {
            allow(actor, Action::Administer)?;
        }
        for calendar in &changed {
            definitions = self.with_changed(definitions, calendar);
        }
        if definitions.len() > MAX_CALENDARS {
            return Err(Error::Conflict(message!("calendar.too_many", max = MAX_CALENDARS)));
        }
        let all: Vec<(Calendar, i64)> = definitions.into_iter().map(|stored| (stored.content, stored.version)).collect();
        let set = CalendarSet::compile(&all, current.freezes.clone());
        let set = set.map_err(|error| Error::invalid("/calendars", error.message().of("calendars")))?;
        Ok(DocumentCalendars { changed, set: Arc::new(set) })
    }

    fn with_changed(&self, stored: Vec<StoredCalendar>, calendar: &Calendar) -> Vec<StoredCalendar> {
        let now = self.clock.now();
        let merged = with_edit(&stored, &calendar.name, Some(calendar));
        let one =
            |(content, version)| StoredCalendar { content, version, created_at: now, updated_at: now, updated_by: String::new() };
        merged.into_iter().map(one).collect()
    }

    /// Locks the tasks with calendars and records what was due of them. False: the caller commits and begins again.
    pub(in crate::service) async fn settle_document(
        &self,
        actor: &Actor,
        change: &mut SettledTx,
        document: &DocumentCalendars,
    ) -> Result<bool> {
        if document.changed.is_empty() {
            return Ok(true);
        }
        let mut users = calendar::lock_users(&mut change.tx).await?;
        for name in document.names() {
            let uses = |task: &&crate::domain::task::Task| super::change::calendar_names(task).contains(&name);
            let of_one: Vec<_> = users.iter().filter(uses).cloned().collect();
            check_users(actor, &name, &of_one, &document.set)?;
        }
        change.settle(&mut users).await
    }

    /// Saves the calendars, after the tasks of the document, and plans all tasks with calendars anew.
    pub(in crate::service) async fn save_document(
        &self,
        actor: &Actor,
        change: &mut SettledTx,
        document: &DocumentCalendars,
    ) -> Result<()> {
        for content in &document.changed {
            let (tx, now) = (&mut change.tx, change.now);
            let entry = AuditEntry::new(AuditEvent::CalendarUpdate, "calendar", &content.name).after(summary(content));
            calendar::put(tx, content, &actor.name, now).await?;
            self.audit_log.record(tx, actor, entry).await?;
        }
        if document.changed.is_empty() {
            return Ok(());
        }
        let users = calendar::lock_users(&mut change.tx).await?;
        let from = after(change.now);
        self.replan(&mut change.tx, &users, &document.set, |_| from).await
    }
}
