//! What somebody hears of the changes that are told as they happen: those within their reach, and nothing any more once
//! their session or token has ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Credential, Result, Service};
use crate::domain::event::Event;
use crate::domain::user::Actor;
use crate::storage::reach;

/// A stream asks anew who listens when it has not for so long.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// The listener of a stream of changes.
pub struct Ear {
    service: Service,
    credential: Credential,
    actor: Actor,
    asked_at: Instant,
}

impl Ear {
    /// For somebody who was just let in with this credential.
    pub fn new(service: &Service, credential: Credential, actor: Actor) -> Ear {
        Ear { service: service.clone(), credential, actor, asked_at: Instant::now() }
    }

    /// Waits until it is time to ask anew who listens: [`Ear::hears`] does, of no events too.
    pub async fn due(&self) {
        tokio::time::sleep_until(self.asked_at + TRUSTED_FOR).await;
    }

    /// Those of these events that may be heard; `None` where the listener may hear nothing any more.
    ///
    /// # Errors
    /// [`super::Error::Internal`].
    pub async fn hears(&mut self, events: Arc<[Event]>) -> Result<Option<Arc<[Event]>>> {
        if self.asked_at.elapsed() >= TRUSTED_FOR {
            let Some(actor) = self.service.still_in(&self.credential).await? else { return Ok(None) };
            (self.actor, self.asked_at) = (actor, Instant::now());
        }
        if self.actor.reach.is_all() {
            return Ok(Some(events));
        }
        let (tasks, executions) = self.reached(&events).await?;
        let within = |event: &&Event| match event {
            Event::Task { id, .. } | Event::Execution { task_id: id, .. } => tasks.contains(id),
            Event::Output { execution_id, .. } => executions.contains(execution_id),
            Event::Missed => true,
        };
        Ok(Some(events.iter().filter(within).cloned().collect()))
    }

    /// Of the tasks and of the executions that events name, those within reach.
    async fn reached(&self, events: &[Event]) -> Result<(HashSet<String>, HashSet<String>)> {
        let (mut tasks, mut executions) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Task { id, .. } | Event::Execution { task_id: id, .. } => tasks.push(id.as_str()),
                Event::Output { execution_id, .. } => executions.push(execution_id.as_str()),
                Event::Missed => {}
            }
        }
        let mut reader = self.service.database().read().await?;
        let tasks = reach::tasks_among(&mut reader, &self.actor.reach, &tasks).await?;
        Ok((tasks, reach::executions_among(&mut reader, &self.actor.reach, &executions).await?))
    }
}
