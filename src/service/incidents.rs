//! Incidents: list, read, acknowledge and close; mutes of tasks.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared};
use super::recent_values::RecentValues;
use super::{Error, Result, allow};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::execution::Execution;
use crate::domain::heartbeat::SUBJECT;
use crate::domain::input::truncate;
use crate::domain::notify::incident::{Delivery, Incident, IncidentFilter};
use crate::domain::page::{Page, PageRequest};
use crate::domain::tag_scope::TagScope;
use crate::domain::user::{Action, Actor};
use crate::i18n::message;
use crate::storage::task_alarm;
pub use crate::storage::task_alarm::Mute;
use crate::storage::{Database, Session, Tx, execution_list, heartbeat, incident, tag_scope, task};

/// The most messages that an incident's page lists.
const DELIVERIES: i64 = 100;
/// How far ahead a mute may end.
const MUTE_MAX: TimeDelta = TimeDelta::days(366);

/// An incident with its first and last run and its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentDetail {
    pub incident: Incident,
    /// The first and the last run, as far as they are kept, oldest first.
    pub runs: Vec<Execution>,
    /// The tasks in the actor's scope with an open incident of the same cause, sorted.
    pub same_cause: Vec<String>,
    /// Newest first, at most 100.
    pub deliveries: Vec<Delivery>,
    /// The mute of its task.
    pub mute: Option<Mute>,
}

/// Reads and settles incidents.
#[derive(Clone)]
pub struct IncidentService {
    database: Database,
    clock: SharedClock,
    audit_log: AuditLog,
    /// The number of open incidents by scope.
    recent_open: RecentValues<TagScope, i64>,
}

impl IncidentService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        Self {
            database: deps.database.clone(),
            clock: deps.clock.clone(),
            audit_log: shared.audit_log.clone(),
            recent_open: RecentValues::new(deps.clock.clone(), shared.last_change.clone()),
        }
    }

    /// One page of the incidents in the actor's scope, newest first.
    pub async fn list(&self, actor: &Actor, filter: &IncidentFilter, page: &PageRequest) -> Result<Page<Incident>> {
        allow(actor, Action::See)?;
        let filter = IncidentFilter { scope: actor.scope.clone(), ..filter.clone() };
        Ok(incident::page(&mut self.database.read().await?, &filter, page).await?)
    }

    /// The number of open incidents in the actor's scope; may be a second old.
    pub async fn open_count(&self, actor: &Actor) -> Result<i64> {
        allow(actor, Action::See)?;
        let filter = IncidentFilter { open: Some(true), task_id: None, scope: actor.scope.clone() };
        let read = async { incident::count(&mut self.database.read().await?, &filter).await };
        Ok(self.recent_open.get_or_read(actor.scope.clone(), read).await?)
    }

    /// One incident.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<IncidentDetail> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let incident = found(&mut reader, actor, id).await?;
        let ids: Vec<&str> =
            [&incident.first_execution, &incident.last_execution].into_iter().flatten().map(String::as_str).collect();
        let mut runs = execution_list::many(&mut reader, &ids).await?;
        runs.sort_by(|one, other| one.id.cmp(&other.id));
        let deliveries = incident::deliveries(&mut reader, id, DELIVERIES).await?;
        let tasks = incident::tasks_of_cause(&mut reader, &incident.cause_key, &actor.scope).await?;
        let mute = match &incident.task_id {
            Some(task) => task_alarm::mutes(&mut reader, &[task], self.clock.now()).await?.remove(task),
            None => None,
        };
        Ok(IncidentDetail { incident, runs, same_cause: tasks, deliveries, mute })
    }

    /// Acknowledges an open incident: no reminders follow.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] if it is closed or acknowledged.
    pub async fn acknowledge(&self, actor: &Actor, id: &str) -> Result<Incident> {
        let (mut tx, mut incident) = self.lock_open(actor, id).await?;
        if let Some(by) = &incident.acknowledged_by {
            return Err(Error::Conflict(message!("incident.acknowledged", by)));
        }
        (incident.acknowledged_at, incident.acknowledged_by) = (Some(self.clock.now()), Some(actor.name.clone()));
        incident::save(&mut tx, &[], &[&incident]).await?;
        self.finish(actor, tx, AuditEvent::IncidentAcknowledge, &incident).await?;
        Ok(incident)
    }

    /// Closes an open incident by hand. The next failure opens a new one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] if it is closed.
    pub async fn close(&self, actor: &Actor, id: &str) -> Result<Incident> {
        let (mut tx, mut incident) = self.lock_open(actor, id).await?;
        (incident.closed_at, incident.closed_by) = (Some(self.clock.now()), Some(actor.name.clone()));
        incident.told.0.values_mut().for_each(|by| by.due = None);
        incident::save(&mut tx, &[], &[&incident]).await?;
        if let Some(task) = &incident.task_id {
            incident::mark_tasks(&mut tx, &[task]).await?;
        }
        self.finish(actor, tx, AuditEvent::IncidentClose, &incident).await?;
        Ok(incident)
    }

    async fn finish(&self, actor: &Actor, mut tx: Tx, event: AuditEvent, incident: &Incident) -> Result<()> {
        let about = json!({"subject": incident.subject, "event": incident.event.as_str(), "cause": incident.cause});
        self.audit_log.record(&mut tx, actor, AuditEntry::new(event, "incident", &incident.id).after(about)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, incident.id = incident.id, action = event.as_str(), "incident changed");
        Ok(())
    }

    /// Locks an open incident. Its task is locked first, in the same order as where its runs are recorded.
    async fn lock_open(&self, actor: &Actor, id: &str) -> Result<(Tx, Incident)> {
        allow(actor, Action::Run)?;
        let mut tx = self.database.write().await?;
        let known = found(&mut tx, actor, id).await?;
        if let Some(id) = &known.task_id {
            task::lock(&mut tx, id).await?;
        }
        let locked = incident::lock_open(&mut tx, &[id.to_owned()]).await?.pop();
        locked.map(|incident| (tx, incident)).ok_or_else(|| Error::Conflict(message!("incident.closed")))
    }

    /// The mute of a task that holds now. The caller has checked that the task is in the actor's scope.
    pub async fn mute_of(&self, actor: &Actor, task_id: &str) -> Result<Option<Mute>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        Ok(task_alarm::mutes(&mut reader, &[task_id], self.clock.now()).await?.remove(task_id))
    }

    /// Mutes a task until a time: its incidents are on record, and what is still open then is told. `None` or a time that has passed ends
    /// the mute.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] for a time more than a year ahead; [`Error::Forbidden`].
    pub async fn mute(&self, actor: &Actor, task_id: &str, until: Option<DateTime<Utc>>) -> Result<Option<Mute>> {
        allow(actor, Action::Run)?;
        let now = self.clock.now();
        if until.is_some_and(|until| until - now > MUTE_MAX) {
            return Err(Error::invalid("/until", message!("incident.muted_too_long").of("until")));
        }
        let mut tx = self.database.write().await?;
        super::tag_scope::lock_task(&mut tx, actor, task_id, None).await?;
        let mute = until.filter(|until| *until > now).map(|until| Mute {
            task_id: task_id.to_owned(),
            until,
            muted_by: actor.name.clone(),
            muted_at: now,
        });
        match &mute {
            Some(mute) => task_alarm::mute(&mut tx, mute).await?,
            None => task_alarm::unmute(&mut tx, task_id).await?,
        }
        move_held(&mut tx, task_id, mute.as_ref().map_or(now, |mute| mute.until)).await?;
        let after = json!({"until": mute.as_ref().map(|mute| mute.until.to_rfc3339())});
        self.audit_log.record(&mut tx, actor, AuditEntry::new(AuditEvent::TaskMute, "task", task_id).after(after)).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = task_id, until = mute.as_ref().map(|m| m.until.to_rfc3339()), "task muted");
        Ok(mute)
    }
}

/// Lets the first messages that a mute holds back wait until its new end.
async fn move_held(tx: &mut Tx, task_id: &str, until: DateTime<Utc>) -> Result<()> {
    let mut open = incident::open_of(tx, &[&format!("task:{task_id}")]).await?;
    let mut changed = Vec::new();
    for incident in &mut open {
        let held = incident.told.0.values_mut().filter(|by| by.first.is_none() && by.due.is_some());
        held.for_each(|by| by.due = Some(until.timestamp_millis()));
        changed.push(&*incident);
    }
    Ok(incident::save(tx, &[], &changed).await?)
}

/// An incident in the actor's scope: of one of its tasks or heartbeats. The others belong to the server.
async fn found(s: &mut dyn Session, actor: &Actor, id: &str) -> Result<Incident> {
    let missing = || Error::NotFound(message!("incident.missing", id = truncate(id, 64)));
    let found = incident::get(s, id).await?.ok_or_else(missing)?;
    let visible = match &found.task_id {
        _ if actor.scope.is_all() => true,
        Some(task) => tag_scope::visible_tasks(s, &actor.scope, &[task]).await?.contains(task),
        None => match found.subject.strip_prefix(SUBJECT) {
            Some(id) => heartbeat::get(s, id).await?.is_some_and(|heartbeat| actor.scope.allows(&heartbeat.tags)),
            None => false,
        },
    };
    if visible { Ok(found) } else { Err(missing()) }
}
