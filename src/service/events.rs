//! Event streams: open streams per account, and subscriptions to the event bus.

use tokio::sync::broadcast::Receiver;

use super::Result;
use super::deps::ServiceDeps;
use super::event_subscription::EventSubscription;
use super::sessions::{Credential, SessionService};
use super::streams::{OpenStream, Streams};
use crate::domain::user::Actor;
use crate::events::{EventBatch, EventBus};
use crate::storage::Database;

/// Opens event streams.
#[derive(Clone)]
pub struct EventService {
    database: Database,
    bus: EventBus,
    sessions: SessionService,
    streams: Streams,
}

impl EventService {
    pub(super) fn new(deps: &ServiceDeps, sessions: SessionService) -> Self {
        Self { database: deps.database.clone(), bus: deps.events.clone(), sessions, streams: Streams::default() }
    }

    /// Receives all events from now on.
    pub fn subscribe(&self) -> Receiver<EventBatch> {
        self.bus.subscribe()
    }

    /// The bus, for positions in its events and subscriptions from one of them on.
    pub fn bus(&self) -> &EventBus {
        &self.bus
    }

    /// A filter of events for an actor that was just authenticated with this credential.
    pub fn subscription(&self, credential: Credential, actor: Actor) -> EventSubscription {
        EventSubscription::new(self.database.clone(), self.sessions.clone(), credential, actor)
    }

    /// Registers a stream; it counts until it is dropped.
    ///
    /// # Errors
    /// [`super::Error::TooManyRequests`] if the account has [`super::MAX_STREAMS`] open.
    pub fn open_stream(&self, actor: &Actor) -> Result<OpenStream> {
        self.streams.open(&actor.name)
    }
}
