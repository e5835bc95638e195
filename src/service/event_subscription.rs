//! Event subscriptions: filter a stream of events to the subscriber's tag scope, and end with its session or token.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Result;
use super::sessions::{Credential, SessionService};
use crate::domain::event::Event;
use crate::domain::user::Actor;
use crate::storage::{Database, tag_scope};

/// How long a validated credential is trusted before it is checked again.
const REVALIDATE_AFTER: Duration = Duration::from_secs(5);

/// The subscriber of an event stream.
pub struct EventSubscription {
    database: Database,
    sessions: SessionService,
    credential: Credential,
    actor: Actor,
    validated_at: Instant,
}

impl EventSubscription {
    /// A subscription for an actor that was just authenticated with this credential.
    pub(super) fn new(database: Database, sessions: SessionService, credential: Credential, actor: Actor) -> EventSubscription {
        EventSubscription { database, sessions, credential, actor, validated_at: Instant::now() }
    }

    /// Waits until the credential must be checked again; then call [`EventSubscription::allows`], even without events.
    pub async fn revalidation_due(&self) {
        tokio::time::sleep_until(self.validated_at + REVALIDATE_AFTER).await;
    }

    /// The events that the subscriber may receive; `None` if its session or token has ended.
    pub async fn allows(&mut self, events: Arc<[Event]>) -> Result<Option<Arc<[Event]>>> {
        if self.validated_at.elapsed() >= REVALIDATE_AFTER {
            let Some(actor) = self.sessions.revalidate(&self.credential).await? else { return Ok(None) };
            (self.actor, self.validated_at) = (actor, Instant::now());
        }
        if self.actor.scope.is_all() {
            return Ok(Some(events));
        }
        let (tasks, executions) = self.visible(&events).await?;
        let is_visible = |event: &&Event| match event {
            Event::Task { id, .. } | Event::Execution { task_id: id, .. } => tasks.contains(id),
            Event::Output { execution_id, .. } => executions.contains(execution_id),
            Event::Resync => true,
        };
        Ok(Some(events.iter().filter(is_visible).cloned().collect()))
    }

    /// The tasks and executions of these events that are in the subscriber's scope.
    async fn visible(&self, events: &[Event]) -> Result<(HashSet<String>, HashSet<String>)> {
        let (mut tasks, mut executions) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Task { id, .. } | Event::Execution { task_id: id, .. } => tasks.push(id.as_str()),
                Event::Output { execution_id, .. } => executions.push(execution_id.as_str()),
                Event::Resync => {}
            }
        }
        let mut reader = self.database.read().await?;
        let tasks = tag_scope::visible_tasks(&mut reader, &self.actor.scope, &tasks).await?;
        Ok((tasks, tag_scope::visible_executions(&mut reader, &self.actor.scope, &executions).await?))
    }
}
