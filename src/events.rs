//! The event bus: storage commits first, then whoever changed something says so here. Listeners that fall behind are told
//! how much they missed (`RecvError::Lagged`) and catch up from the database.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::event::Event;

/// Groups of events kept for a slow listener.
const CAPACITY: usize = 1024;

/// A handle to the bus; clones share it.
#[derive(Debug, Clone)]
pub struct EventBus(broadcast::Sender<Arc<[Event]>>);

impl Default for EventBus {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl EventBus {
    /// Whether anybody listens; building events for nobody can be left out.
    pub fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Tells all listeners. Without listeners nothing happens.
    pub fn publish(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let _nobody_listens = self.0.send(events.into());
        }
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[Event]>> {
        self.0.subscribe()
    }
}
