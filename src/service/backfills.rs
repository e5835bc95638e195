//! Backfills: runs occurrences of a span of time on purpose. The scheduler starts their runs.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::audit_log::{AuditEntry, AuditLog};
use super::deps::{ServiceDeps, Shared, from_deps};
use super::occurrences::TaskTimeline;
use super::{Error, Result, allow, tag_scope};
use crate::clock::SharedClock;
use crate::domain::audit::AuditEvent;
use crate::domain::backfill::{Backfill, BackfillProgress, BackfillRequest, MAX_OCCURRENCES, Selection, choose};
use crate::domain::event::{Event, TaskChange};
use crate::domain::task::Task;
use crate::domain::user::{Action, Actor};
use crate::events::EventBus;
use crate::i18n::message;
use crate::ids::new_id;
use crate::signals::Signals;
use crate::storage::{Database, Reader, Tx, backfill};

/// The most occurrences of a span that are looked at.
const MAX_VISITED: usize = 100_000;
/// How long an ended backfill can be read.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Ended backfills deleted by a new one.
const DELETED_AT_ONCE: i64 = 20;
/// The most backfills of one answer.
const STEP: i64 = 100;

/// Requests, reads and cancels backfills.
#[derive(Clone)]
pub struct BackfillService {
    database: Database,
    clock: SharedClock,
    zone: Tz,
    signals: Signals,
    events: EventBus,
    audit_log: AuditLog,
}

impl BackfillService {
    pub(super) fn new(deps: &ServiceDeps, shared: &Shared) -> Self {
        from_deps!(deps { database, clock, zone, signals, events }, shared { audit_log })
    }

    /// Chooses occurrences of a task's past and runs them in order.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`]; [`Error::Invalid`] for an invalid span, more than ten thousand occurrences, or a chosen
    /// time that is no occurrence or is going on;
    /// [`Error::Conflict`] if the task has an unfinished backfill.
    pub async fn start(&self, actor: &Actor, id: &str, request: &BackfillRequest) -> Result<Backfill> {
        allow(actor, Action::Run)?;
        let mut reader = self.database.read().await?;
        let task = tag_scope::task(&mut reader, actor, id).await?;
        let (chosen, span) = self.chosen(&mut reader, task, request).await?;
        drop(reader);
        let mut tx = self.database.write().await?;
        let task = tag_scope::lock_task(&mut tx, actor, id, None).await?;
        if let Some(other) = backfill::unfinished_of(&mut tx, id).await? {
            return Err(Error::Conflict(message!("backfill.unfinished", task = id, id = other)));
        }
        let backfill = self.save(actor, &mut tx, &task, request, span, &chosen).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, task.id = id, backfill.id, backfill.planned, "backfill requested");
        self.changed(id);
        Ok(backfill)
    }

    /// A backfill with its progress.
    ///
    /// # Errors
    /// [`Error::NotFound`], also if its task is not in the actor's scope.
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<BackfillProgress> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        let found = backfill::get(&mut reader, id).await?.ok_or_else(|| no_backfill(id))?;
        tag_scope::task(&mut reader, actor, &found.task_id).await.map_err(|error| hidden(error, id))?;
        let mut with_progress = backfill::progress(&mut reader, vec![found]).await?;
        with_progress.pop().ok_or_else(|| no_backfill(id))
    }

    /// The newest hundred backfills of a task, or those before the id `before`, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn list(&self, actor: &Actor, task_id: &str, before: Option<&str>, limit: i64) -> Result<Vec<BackfillProgress>> {
        allow(actor, Action::See)?;
        let mut reader = self.database.read().await?;
        tag_scope::task(&mut reader, actor, task_id).await?;
        let found = backfill::list(&mut reader, task_id, before, limit.min(STEP)).await?;
        Ok(backfill::progress(&mut reader, found).await?)
    }

    /// Cancels a backfill: no further run starts, queued ones are cancelled, running ones go on.
    ///
    /// # Errors
    /// As [`BackfillService::get`]; [`Error::Conflict`] if it has ended, [`Error::Forbidden`].
    pub async fn cancel(&self, actor: &Actor, id: &str) -> Result<BackfillProgress> {
        allow(actor, Action::Run)?;
        let found = self.get(actor, id).await?;
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        if !backfill::finish(&mut tx, id, true, now).await? {
            return Err(Error::Conflict(message!("backfill.ended", id)));
        }
        backfill::cancel_queued(&mut tx, id, &message!("run.cancelled_by", name = &actor.name), now).await?;
        let entry = AuditEntry::new(AuditEvent::BackfillCancel, "task", &found.backfill.task_id).after(json!({"backfill": id}));
        self.audit_log.record(&mut tx, actor, entry).await?;
        tx.commit().await?;
        tracing::info!(actor = actor.name, backfill.id = id, "backfill cancelled");
        self.changed(&found.backfill.task_id);
        self.get(actor, id).await
    }

    /// The chosen occurrences, oldest first, and the span.
    async fn chosen(
        &self,
        reader: &mut Reader,
        task: Task,
        request: &BackfillRequest,
    ) -> Result<(Vec<DateTime<Utc>>, (DateTime<Utc>, DateTime<Utc>))> {
        let now = self.clock.now();
        let timeline = TaskTimeline::read(reader, task, self.zone).await?;
        let span = request.span(timeline.zone, now).map_err(Error::Invalid)?;
        let rows = timeline.rows(reader, span.0, span.1).await?;
        let (selection, times) = (request.selection, request.chosen_times(timeline.zone).map_err(Error::Invalid)?);
        let choosing = tokio::task::spawn_blocking(move || {
            let (found, more) = timeline.occurrences(&rows, span, now, MAX_VISITED);
            (choose(&found, selection, &times), more.is_some())
        });
        let (chosen, more) = choosing.await.map_err(|error| Error::Internal(Box::new(error)))?;
        let chosen = if more { Vec::new() } else { chosen.map_err(Error::Invalid)? };
        if more || chosen.len() > MAX_OCCURRENCES {
            let count = if more { format!("> {MAX_VISITED}") } else { chosen.len().to_string() };
            return Err(Error::invalid("/to", message!("backfill.too_many", count, max = MAX_OCCURRENCES).of("to")));
        }
        Ok((chosen, span))
    }

    async fn save(
        &self,
        actor: &Actor,
        tx: &mut Tx,
        task: &Task,
        request: &BackfillRequest,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        chosen: &[DateTime<Utc>],
    ) -> Result<Backfill> {
        let now = self.clock.now();
        let backfill = Backfill {
            id: new_id(now),
            task_id: task.id.clone(),
            task_key: task.key.clone(),
            actor: actor.name.clone(),
            from,
            to,
            selection: request.selection,
            concurrency: request.concurrency,
            planned: i64::try_from(chosen.len()).unwrap_or(i64::MAX),
            cancelled: false,
            created_at: now,
            finished_at: None,
        };
        backfill::delete_finished(tx, now - KEPT, DELETED_AT_ONCE).await?;
        backfill::insert(tx, &backfill, chosen).await?;
        let after = json!({"backfill": backfill.id, "from": from, "to": to, "only": Selection::as_str(request.selection),
            "concurrency": request.concurrency, "planned": backfill.planned});
        let entry = AuditEntry::new(AuditEvent::BackfillStart, "task", &task.id).after(after);
        self.audit_log.record(tx, actor, entry).await?;
        Ok(backfill)
    }

    fn changed(&self, task_id: &str) {
        self.signals.schedule.notify_one();
        self.events.publish(vec![Event::Task { id: task_id.to_owned(), change: TaskChange::Updated }]);
    }
}

/// A backfill of a task out of scope is not there.
fn hidden(error: Error, id: &str) -> Error {
    match error {
        Error::NotFound(_) => no_backfill(id),
        other => other,
    }
}

fn no_backfill(id: &str) -> Error {
    Error::NotFound(message!("backfill.missing", id = crate::domain::input::truncate(id, 64)))
}
