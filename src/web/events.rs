//! Changes for the pages: a stream of server-sent events, one a browser, and the changes since a position for its other tabs. A
//! message lists the tasks and executions that changed, at most twice a second; the page then fetches the rows it shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use poem::web::sse::{Event as Message, SSE};
use poem::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use tokio_util::sync::CancellationToken;

use super::error::Failure;
use super::request_context::{HandlerResult, RequestContext};
use crate::clock::SharedClock;
use crate::domain::event::Event;
use crate::domain::user::Via;
use crate::events::EventBus;
use crate::service::{Credential, EventSubscription, OpenStream};

/// Minimum time between two messages.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum number of tasks or executions in a message; above it the page reloads its content.
const MAX_LISTED: usize = 100;

/// `GET /live?at=<position that the page knows>`: the changes from there on.
pub async fn stream(ctx: Arc<RequestContext>) -> HandlerResult {
    let open_stream = ctx.services().events.open_stream(ctx.actor()?)?;
    let listener = Listener { _open_stream: Some(open_stream), ..Listener::new(&ctx)? };
    let messages = stream::unfold(listener, |mut listener| async move { listener.next().await.map(|m| (m, listener)) });
    // nginx would buffer the events.
    Ok(SSE::new(messages).keep_alive(Duration::from_secs(15)).with_header("x-accel-buffering", "no").into_response())
}

/// `GET /live/changes?at=<position>`: the changes since then as JSON, for a tab that another one sends the following ones.
pub async fn changes(ctx: Arc<RequestContext>) -> HandlerResult {
    let mut listener = Listener::new(&ctx)?;
    let changes = listener.pending_changes(Changes::default()).await.unwrap_or_default();
    Ok(Response::builder().content_type("application/json").body(to_json(&changes)))
}

struct Listener {
    bus: EventBus,
    clock: SharedClock,
    /// Filters the events by the user's permissions; `None` only in tests.
    subscription: Option<EventSubscription>,
    /// Events since the position of the request.
    missed: Vec<Arc<[Event]>>,
    events: Receiver<Arc<[Event]>>,
    shutdown: CancellationToken,
    hello_sent: bool,
    /// Counts the stream until it ends.
    _open_stream: Option<OpenStream>,
}

/// Changes since the last message.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Changes {
    tasks: BTreeSet<String>,
    executions: BTreeSet<String>,
    /// The executions with new output.
    output: BTreeSet<String>,
    /// Too many changes to list, or events were lost: the page must reload its content.
    all: bool,
    /// The position after these changes; empty until they are sent.
    at: String,
}

impl Listener {
    fn new(ctx: &RequestContext) -> Result<Listener, Failure> {
        let credential = Credential::Session(ctx.session.clone().unwrap_or_default(), Via::Page);
        let service = &ctx.services().events;
        let bus = service.bus().clone();
        let (missed, events) = bus.subscribe_after(ctx.query.get("at").unwrap_or_default());
        Ok(Listener {
            subscription: Some(service.subscription(credential, ctx.actor()?.clone())),
            bus,
            clock: ctx.services().clock.clone(),
            missed,
            events,
            shutdown: ctx.web.options.shutdown.clone(),
            hello_sent: false,
            _open_stream: None,
        })
    }

    /// Returns the next message; `None` when the server stops.
    async fn next(&mut self) -> Option<Message> {
        if !self.hello_sent {
            self.hello_sent = true;
            let hello = json!({"now": self.clock.now().timestamp_millis()}).to_string();
            return Some(Message::message(hello).event_type("hello"));
        }
        let shutdown = self.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => None,
            changes = self.collect_changes() => changes.map(|changes| Message::message(to_json(&changes)).event_type("changes")),
        }
    }

    /// Waits for a change, then collects all further ones for [`MIN_INTERVAL`].
    async fn collect_changes(&mut self) -> Option<Changes> {
        let mut changes = Changes::default();
        for events in std::mem::take(&mut self.missed) {
            self.apply(&mut changes, Ok(events)).await?;
        }
        while changes == Changes::default() {
            let received = tokio::select! {
                received = self.events.recv() => received,
                () = revalidation_due(self.subscription.as_ref()) => Ok([].into()),
            };
            self.apply(&mut changes, received).await?;
        }
        let end = tokio::time::Instant::now() + MIN_INTERVAL;
        while let Ok(received) = tokio::time::timeout_at(end, self.events.recv()).await {
            self.apply(&mut changes, received).await?;
        }
        self.pending_changes(changes).await
    }

    /// Adds what was published up to now, without waiting, and the position that it reaches.
    async fn pending_changes(&mut self, mut changes: Changes) -> Option<Changes> {
        changes.at = self.bus.position();
        for events in std::mem::take(&mut self.missed) {
            self.apply(&mut changes, Ok(events)).await?;
        }
        loop {
            let received = match self.events.try_recv() {
                Ok(events) => Ok(events),
                Err(TryRecvError::Lagged(count)) => Err(RecvError::Lagged(count)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(changes),
            };
            self.apply(&mut changes, received).await?;
        }
    }

    async fn apply(&mut self, changes: &mut Changes, received: Result<Arc<[Event]>, RecvError>) -> Option<()> {
        match received {
            Ok(events) => self.visible_events(events).await?.iter().for_each(|event| changes.record(event)),
            Err(RecvError::Lagged(_)) => changes.all = true,
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }

    async fn visible_events(&mut self, events: Arc<[Event]>) -> Option<Arc<[Event]>> {
        let Some(subscription) = &mut self.subscription else { return Some(events) };
        subscription.allows(events).await.unwrap_or_else(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to check permissions of an event stream; closing it"
            );
            None
        })
    }
}

impl Changes {
    fn record(&mut self, event: &Event) {
        match event {
            Event::Task { id, .. } => drop(self.tasks.insert(id.clone())),
            Event::Execution { id, task_id, .. } => {
                self.tasks.insert(task_id.clone());
                self.executions.insert(id.clone());
            }
            Event::Output { execution_id, .. } => drop(self.output.insert(execution_id.clone())),
            Event::Resync => self.all = true,
        }
        if [&self.tasks, &self.executions, &self.output].iter().any(|list| list.len() > MAX_LISTED) {
            self.all = true;
            self.tasks.clear();
            self.executions.clear();
            self.output.clear();
        }
    }
}

/// Waits until the user's permissions must be checked again.
async fn revalidation_due(subscription: Option<&EventSubscription>) {
    match subscription {
        Some(subscription) => subscription.revalidation_due().await,
        None => std::future::pending().await,
    }
}

fn to_json(changes: &Changes) -> String {
    serde_json::to_string(changes).unwrap_or_else(|_| "{\"all\":true}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::execution::Status;

    fn listener(bus: &EventBus) -> Listener {
        Listener {
            bus: bus.clone(),
            clock: Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH)),
            subscription: None,
            missed: Vec::new(),
            events: bus.subscribe(),
            shutdown: CancellationToken::new(),
            hello_sent: true,
            _open_stream: None,
        }
    }

    fn execution(id: String, task: &str) -> Event {
        Event::Execution { id, task_id: task.into(), status: Status::Queued, attempt: 1 }
    }

    #[tokio::test(start_paused = true)]
    async fn bursts_are_merged_into_one_message() {
        let bus = EventBus::default();
        let mut listener = listener(&bus);
        for number in 0..10_000 {
            bus.publish(vec![execution(format!("6{number:05}"), "a")]);
            if number % 1000 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let first = listener.collect_changes().await.expect("a message");
        assert!(first.all, "too many changes to list");
        let more = tokio::time::timeout(Duration::from_secs(5), listener.collect_changes()).await;
        assert!(more.is_err(), "no further message");
    }

    #[tokio::test(start_paused = true)]
    async fn events_since_the_page_was_drawn_come_first() {
        let bus = EventBus::default();
        let position = bus.position();
        bus.publish(vec![execution("6".into(), "a")]);
        let (missed, events) = bus.subscribe_after(&position);
        let mut listener = Listener { missed, events, ..listener(&bus) };
        bus.publish(vec![execution("7".into(), "b")]);
        let changes = listener.collect_changes().await.expect("a message");
        assert_eq!(changes.executions, BTreeSet::from(["6".to_owned(), "7".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_position_of_a_message_covers_its_changes_and_no_others() {
        let bus = EventBus::default();
        let mut listener = listener(&bus);
        bus.publish(vec![execution("4".into(), "a"), execution("6".into(), "b"), execution("6".into(), "b")]);
        let changes = listener.collect_changes().await.expect("a message");
        assert_eq!((changes.tasks.len(), changes.executions.len()), (2, 2));
        assert_eq!(changes.at, bus.position());
        bus.publish(vec![execution("7".into(), "c")]);
        let (missed, _) = bus.subscribe_after(&changes.at);
        assert_eq!(missed.concat(), [execution("7".into(), "c")]);
        let pending = listener.pending_changes(Changes::default()).await.expect("the changes");
        assert_eq!((pending.executions, pending.at), (BTreeSet::from(["7".to_owned()]), bus.position()));
    }
}
