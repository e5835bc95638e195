//! The event bus: storage commits first, then whoever changed something says so here. Listeners that fall behind are told
//! how much they missed (`RecvError::Lagged`) and catch up from the database. What other nodes changed comes in here too.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::event::Event;

/// Groups of events kept for a slow listener.
const CAPACITY: usize = 1024;

type Sender = broadcast::Sender<Arc<[Event]>>;

/// A handle to the bus; clones share it.
#[derive(Debug, Clone)]
pub struct EventBus {
    /// What anybody changed.
    all: Sender,
    /// What this process changed, for other nodes.
    own: Sender,
}

impl Default for EventBus {
    fn default() -> Self {
        Self { all: broadcast::channel(CAPACITY).0, own: broadcast::channel(CAPACITY).0 }
    }
}

impl EventBus {
    /// Whether anybody listens; building events for nobody can be left out.
    pub fn has_listeners(&self) -> bool {
        self.all.receiver_count() + self.own.receiver_count() > 0
    }

    /// Tells all listeners what this process changed. Without listeners nothing happens.
    pub fn publish(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let events: Arc<[Event]> = events.into();
            let _nobody_listens = self.own.send(events.clone());
            let _nobody_listens = self.all.send(events);
        }
    }

    /// Tells the listeners of this process what another node changed.
    pub fn publish_foreign(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let _nobody_listens = self.all.send(events.into());
        }
    }

    /// What anybody changes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[Event]>> {
        self.all.subscribe()
    }

    /// What this process changes from now on.
    pub fn subscribe_own(&self) -> broadcast::Receiver<Arc<[Event]>> {
        self.own.subscribe()
    }
}
