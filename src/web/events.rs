//! Server-sent events for the pages. A message lists the tasks and executions that changed and the number of new
//! executions, at most twice a second; the page then fetches the rows it shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use poem::IntoResponse;
use poem::web::sse::{Event as Message, SSE};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::request_context::{HandlerResult, RequestContext};
use crate::domain::event::Event;
use crate::domain::user::Via;
use crate::service::{Credential, EventSubscription, OpenStream};

/// Minimum time between two messages.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum number of tasks or executions in a message; above it the page reloads its content.
const MAX_LISTED: usize = 100;

/// `GET /live?at=<position the page was drawn at>&since=<newest execution id shown>&execution=<id whose output is shown>`.
pub async fn stream(ctx: Arc<RequestContext>) -> HandlerResult {
    let credential = Credential::Session(ctx.session.clone().unwrap_or_default(), Via::Page);
    let open_stream = ctx.services().events.open_stream(ctx.actor()?)?;
    let (missed, events) = ctx.services().events.subscribe_after(ctx.query.get("at").unwrap_or_default());
    let listener = Listener {
        subscription: Some(ctx.services().events.subscription(credential, ctx.actor()?.clone())),
        missed,
        events,
        newest: ctx.query.get("since").unwrap_or_default().to_owned(),
        execution: ctx.query.get("execution").map(str::to_owned),
        shutdown: ctx.web.options.shutdown.clone(),
        hello_sent: false,
        _open_stream: Some(open_stream),
    };
    let messages = stream::unfold(listener, |mut listener| async move { listener.next().await.map(|m| (m, listener)) });
    // nginx would buffer the events.
    Ok(SSE::new(messages).keep_alive(Duration::from_secs(15)).with_header("x-accel-buffering", "no").into_response())
}

struct Listener {
    /// Filters the events by the user's permissions; `None` only in tests.
    subscription: Option<EventSubscription>,
    /// Events since the page was drawn.
    missed: Vec<Arc<[Event]>>,
    events: Receiver<Arc<[Event]>>,
    newest: String,
    execution: Option<String>,
    shutdown: CancellationToken,
    hello_sent: bool,
    _open_stream: Option<OpenStream>,
}

/// Changes since the last message.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Changes {
    tasks: BTreeSet<String>,
    executions: BTreeSet<String>,
    /// Number of new executions.
    new: u64,
    /// The execution that the page shows has new output.
    output: bool,
    /// Too many changes to list, or events were lost: the page must reload its content.
    all: bool,
}

impl Listener {
    /// Returns the next message; `None` when the server stops.
    async fn next(&mut self) -> Option<Message> {
        if !self.hello_sent {
            self.hello_sent = true;
            return Some(Message::message("{}").event_type("hello"));
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
        Some(changes)
    }

    async fn apply(&mut self, changes: &mut Changes, received: Result<Arc<[Event]>, RecvError>) -> Option<()> {
        match received {
            Ok(events) => self.visible_events(events).await?.iter().for_each(|event| self.record(changes, event)),
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

    fn record(&mut self, changes: &mut Changes, event: &Event) {
        match event {
            Event::Task { id, .. } => drop(changes.tasks.insert(id.clone())),
            Event::Execution { id, task_id, .. } => {
                if *id > self.newest {
                    self.newest.clone_from(id);
                    changes.new += 1;
                }
                changes.tasks.insert(task_id.clone());
                changes.executions.insert(id.clone());
            }
            Event::Output { execution_id, .. } => changes.output |= self.execution.as_deref() == Some(execution_id),
            Event::Resync => changes.all = true,
        }
        if changes.tasks.len() > MAX_LISTED || changes.executions.len() > MAX_LISTED {
            changes.all = true;
            changes.tasks.clear();
            changes.executions.clear();
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
    use crate::domain::execution::Status;
    use crate::events::EventBus;

    fn listener(bus: &EventBus) -> Listener {
        Listener {
            subscription: None,
            missed: Vec::new(),
            events: bus.subscribe(),
            newest: "5".into(),
            execution: None,
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
    async fn only_executions_after_the_newest_count_as_new() {
        let bus = EventBus::default();
        let mut listener = listener(&bus);
        bus.publish(vec![execution("4".into(), "a"), execution("6".into(), "b"), execution("6".into(), "b")]);
        let changes = listener.collect_changes().await.expect("a message");
        assert_eq!((changes.new, changes.tasks.len(), changes.executions.len()), (1, 2, 2));
    }
}
