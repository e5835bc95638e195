//! The event bus. Writers publish after they commit. A receiver that lags behind gets `RecvError::Lagged` and rereads the
//! database. Events from other nodes are published here too.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::event::Event;

/// Batches of events buffered for a slow receiver.
const CAPACITY: usize = 1024;

type Sender = broadcast::Sender<Arc<[Event]>>;

/// A handle to the bus; clones share it.
#[derive(Debug, Clone)]
pub struct EventBus {
    /// Events of all nodes.
    all: Sender,
    /// Events of this process, to be sent to other nodes.
    local: Sender,
}

impl Default for EventBus {
    fn default() -> Self {
        Self { all: broadcast::channel(CAPACITY).0, local: broadcast::channel(CAPACITY).0 }
    }
}

impl EventBus {
    /// Returns whether there are receivers; without any, callers need not build events.
    pub fn has_listeners(&self) -> bool {
        self.all.receiver_count() + self.local.receiver_count() > 0
    }

    /// Publishes events of this process. Without receivers it does nothing.
    pub fn publish(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let events: Arc<[Event]> = events.into();
            let _ = self.local.send(events.clone()); // an error means no receivers
            let _ = self.all.send(events); // an error means no receivers
        }
    }

    /// Publishes events of another node to this process's receivers.
    pub fn publish_remote(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let _ = self.all.send(events.into()); // an error means no receivers
        }
    }

    /// Subscribes to the events of all nodes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[Event]>> {
        self.all.subscribe()
    }

    /// Subscribes to the events of this process from now on.
    pub fn subscribe_local(&self) -> broadcast::Receiver<Arc<[Event]>> {
        self.local.subscribe()
    }
}
