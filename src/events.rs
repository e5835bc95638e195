//! The event bus. Writers publish after they commit. A receiver that lags behind gets `RecvError::Lagged` and rereads the
//! database. Events from other nodes are published here too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use ulid::Ulid;

use crate::domain::event::Event;

/// Batches of events buffered for a slow receiver.
const CAPACITY: usize = 1024;
/// Events kept for pages that were drawn but do not listen yet.
const REPLAYED: usize = 2000;

/// Events that were published together.
pub type EventBatch = Arc<[Event]>;

type Sender = broadcast::Sender<EventBatch>;

/// A handle to the bus; clones share it.
#[derive(Debug, Clone)]
pub struct EventBus {
    /// Events of all nodes.
    all: Sender,
    /// Events of this process, to be sent to other nodes.
    local: Sender,
    recent: Arc<Mutex<Recent>>,
}

/// The last events, numbered by batch, so that a subscriber can continue after an earlier position.
#[derive(Debug)]
struct Recent {
    /// Tells this process's positions from those of another one.
    process: String,
    /// The number of the last batch.
    number: u64,
    /// The number of events in `batches`.
    events: usize,
    batches: VecDeque<(u64, EventBatch)>,
}

impl Recent {
    fn record(&mut self, events: &[Event]) {
        self.number += 1;
        self.events += events.len();
        self.batches.push_back((self.number, events.iter().map(without_output).collect()));
        while self.events > REPLAYED
            && let Some((_, oldest)) = self.batches.pop_front()
        {
            self.events -= oldest.len();
        }
    }

    fn position(&self) -> String {
        format!("{}-{}", self.process, self.number)
    }

    /// The batches after a position; one `Resync` if they are no longer known.
    fn after(&self, position: &str) -> Vec<EventBatch> {
        let number = position.rsplit_once('-').filter(|(process, _)| *process == self.process);
        match number.and_then(|(_, number)| number.parse::<u64>().ok()) {
            Some(number) if number >= self.number => Vec::new(),
            Some(number) if self.batches.front().is_some_and(|(first, _)| *first <= number + 1) => {
                self.batches.iter().filter(|(at, _)| *at > number).map(|(_, events)| events.clone()).collect()
            }
            _ => vec![[Event::Resync].into()],
        }
    }
}

/// The event without the text of its output, which a subscriber reads from the database.
fn without_output(event: &Event) -> Event {
    match event {
        Event::Output { execution_id, .. } => Event::Output { execution_id: execution_id.clone(), chunks: Vec::new() },
        other => other.clone(),
    }
}

impl Default for EventBus {
    fn default() -> Self {
        let process = Ulid::generate().to_string();
        let recent = Recent { process, number: 0, events: 0, batches: VecDeque::new() };
        Self { all: broadcast::channel(CAPACITY).0, local: broadcast::channel(CAPACITY).0, recent: Arc::new(Mutex::new(recent)) }
    }
}

impl EventBus {
    /// Returns whether there are receivers. Without any, callers need not build the events of a change: it is recorded as a
    /// `Resync` for pages drawn before it.
    pub fn wants_events(&self) -> bool {
        let mut recent = self.recent();
        let wanted = self.all.receiver_count() + self.local.receiver_count() > 0;
        if !wanted {
            recent.record(&[Event::Resync]);
        }
        wanted
    }

    /// Publishes events of this process.
    pub fn publish(&self, events: Vec<Event>) {
        if !events.is_empty() {
            let events: EventBatch = events.into();
            let _ = self.local.send(events.clone()); // an error means no receivers
            self.publish_all(events);
        }
    }

    /// Publishes events of another node to this process's receivers.
    pub fn publish_remote(&self, events: Vec<Event>) {
        if !events.is_empty() {
            self.publish_all(events.into());
        }
    }

    fn publish_all(&self, events: EventBatch) {
        // Locked until they are sent, so that `subscribe_after` neither misses nor repeats a batch.
        let mut recent = self.recent();
        recent.record(&events);
        let _ = self.all.send(events); // an error means no receivers
    }

    /// A number that grows with every change.
    pub fn change_count(&self) -> u64 {
        self.recent().number
    }

    /// The position after the last event. What is read from the database afterwards holds at least every change up to it.
    pub fn position(&self) -> String {
        self.recent().position()
    }

    /// Returns the batches published after a position, and subscribes to the following ones.
    pub fn subscribe_after(&self, position: &str) -> (Vec<EventBatch>, broadcast::Receiver<EventBatch>) {
        let recent = self.recent();
        (recent.after(position), self.all.subscribe())
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes to the events of all nodes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<EventBatch> {
        self.all.subscribe()
    }

    /// Subscribes to the events of this process from now on.
    pub fn subscribe_local(&self) -> broadcast::Receiver<EventBatch> {
        self.local.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::TaskChange;

    fn task(id: &str) -> Event {
        Event::Task { id: id.into(), change: TaskChange::Updated }
    }

    #[test]
    fn subscribe_after_replays_the_events_since_a_position() {
        let bus = EventBus::default();
        bus.publish(vec![task("a")]);
        let position = bus.position();
        assert!(bus.subscribe_after(&position).0.is_empty());
        bus.publish(vec![task("b")]);
        bus.publish_remote(vec![task("c")]);
        let (missed, mut receiver) = bus.subscribe_after(&position);
        assert_eq!(missed.concat(), [task("b"), task("c")]);
        bus.publish(vec![task("d")]);
        assert_eq!(receiver.try_recv().unwrap().as_ref(), [task("d")]);
    }

    #[test]
    fn subscribe_after_resyncs_when_the_events_are_unknown() {
        let bus = EventBus::default();
        let position = bus.position();
        assert_eq!(bus.subscribe_after(&EventBus::default().position()).0.concat(), [Event::Resync], "another process");
        assert!(!bus.wants_events());
        assert_eq!(bus.subscribe_after(&position).0.concat(), [Event::Resync], "events that were not built");
        bus.publish((0..=REPLAYED).map(|n| task(&n.to_string())).collect());
        bus.publish(vec![task("last")]);
        assert_eq!(bus.subscribe_after(&position).0.concat(), [Event::Resync], "too many events");
    }
}
