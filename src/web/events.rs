//! The stream of changes for pages. However much happens, a page hears of it at most twice a second: which tasks and
//! executions moved (each once), and how many executions are new. The page then fetches the rows it shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use poem::IntoResponse;
use poem::web::sse::{Event as Message, SSE};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::visit::{Answer, Visit};
use crate::domain::event::Event;
use crate::domain::user::Via;
use crate::service::{Credential, Ear, OpenStream};

/// The shortest time between two messages.
const PAUSE: Duration = Duration::from_millis(500);
/// More rows than this are not named; the page draws itself anew.
const MAX_NAMED: usize = 100;

/// `GET /live?since=<newest execution id shown>&execution=<id whose output is shown>`.
pub async fn stream(visit: Arc<Visit>) -> Answer {
    let credential = Credential::Session(visit.session.clone().unwrap_or_default(), Via::Page);
    let place = visit.service().open_stream(visit.actor()?)?;
    let listener = Listener {
        ear: Some(Ear::new(visit.service(), credential, visit.actor()?.clone())),
        events: visit.service().events().subscribe(),
        newest: visit.query.get("since").unwrap_or_default().to_owned(),
        execution: visit.query.get("execution").map(str::to_owned),
        shutdown: visit.web.options.shutdown.clone(),
        greeted: false,
        _place: Some(place),
    };
    let messages = stream::unfold(listener, |mut listener| async move { listener.next().await.map(|m| (m, listener)) });
    // nginx would hold events back until there are many.
    Ok(SSE::new(messages).keep_alive(Duration::from_secs(15)).with_header("x-accel-buffering", "no").into_response())
}

struct Listener {
    /// What the reader may hear; `None`: everything (in tests of the gathering alone).
    ear: Option<Ear>,
    events: Receiver<Arc<[Event]>>,
    newest: String,
    execution: Option<String>,
    shutdown: CancellationToken,
    greeted: bool,
    _place: Option<OpenStream>,
}

/// What moved since the last message.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Changes {
    tasks: BTreeSet<String>,
    executions: BTreeSet<String>,
    /// Executions that came to be.
    new: u64,
    /// The execution whose page this is wrote output.
    output: bool,
    /// Too much to name, or something was not heard: draw everything anew.
    all: bool,
}

impl Listener {
    /// The next message; `None` once the server stops.
    async fn next(&mut self) -> Option<Message> {
        if !self.greeted {
            self.greeted = true;
            return Some(Message::message("{}").event_type("hello"));
        }
        let shutdown = self.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => None,
            changes = self.gather() => changes.map(|changes| Message::message(to_json(&changes)).event_type("changes")),
        }
    }

    /// Waits for a change, then a little longer, and takes all that came meanwhile.
    async fn gather(&mut self) -> Option<Changes> {
        let mut changes = Changes::default();
        while changes == Changes::default() {
            let heard = tokio::select! {
                heard = self.events.recv() => heard,
                () = due(self.ear.as_ref()) => Ok([].into()),
            };
            self.take(&mut changes, heard).await?;
        }
        let end = tokio::time::Instant::now() + PAUSE;
        while let Ok(heard) = tokio::time::timeout_at(end, self.events.recv()).await {
            self.take(&mut changes, heard).await?;
        }
        Some(changes)
    }

    async fn take(&mut self, changes: &mut Changes, heard: Result<Arc<[Event]>, RecvError>) -> Option<()> {
        match heard {
            Ok(events) => self.may_hear(events).await?.iter().for_each(|event| self.note(changes, event)),
            Err(RecvError::Lagged(_)) => changes.all = true,
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }

    async fn may_hear(&mut self, events: Arc<[Event]>) -> Option<Arc<[Event]>> {
        let Some(ear) = &mut self.ear else { return Some(events) };
        ear.hears(events).await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "a page's stream of changes broke off");
            None
        })
    }

    fn note(&mut self, changes: &mut Changes, event: &Event) {
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
            Event::Missed => changes.all = true,
        }
        if changes.tasks.len() > MAX_NAMED || changes.executions.len() > MAX_NAMED {
            changes.all = true;
            changes.tasks.clear();
            changes.executions.clear();
        }
    }
}

/// Waits until the listener must be asked for anew.
async fn due(ear: Option<&Ear>) {
    match ear {
        Some(ear) => ear.due().await,
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
            ear: None,
            events: bus.subscribe(),
            newest: "5".into(),
            execution: None,
            shutdown: CancellationToken::new(),
            greeted: true,
            _place: None,
        }
    }

    fn execution(id: String, task: &str) -> Event {
        Event::Execution { id, task_id: task.into(), status: Status::Queued, attempt: 1 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_message() {
        let bus = EventBus::default();
        let mut listener = listener(&bus);
        for number in 0..10_000 {
            bus.publish(vec![execution(format!("6{number:05}"), "a")]);
            if number % 1000 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let first = listener.gather().await.expect("a message");
        assert!(first.all, "too much to name");
        let more = tokio::time::timeout(Duration::from_secs(5), listener.gather()).await;
        assert!(more.is_err(), "nothing is left to say");
    }

    #[tokio::test(start_paused = true)]
    async fn old_executions_are_not_new() {
        let bus = EventBus::default();
        let mut listener = listener(&bus);
        bus.publish(vec![execution("4".into(), "a"), execution("6".into(), "b"), execution("6".into(), "b")]);
        let changes = listener.gather().await.expect("a message");
        assert_eq!((changes.new, changes.tasks.len(), changes.executions.len()), (1, 2, 2));
    }
}
