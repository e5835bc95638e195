//! `/events`: changes as server-sent events. Not in the OpenAPI document, which cannot describe streams: `event: task`
//! `{"id", "change"}`, `event: execution` `{"id", "task_id", "status", "attempt"}`, `event: output` `{"execution_id", "attempt",
//! "seq", "stream", "text"}`, and `event: lagged` `{"missed"}` if the listener fell behind (null: by an unknown number of events).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Stream, unfold};
use poem::web::Data;
use poem::web::sse::{Event as Message, SSE};
use poem::{IntoResponse, Request, Response, handler};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::auth::{Caller, credential};
use super::error::Problem;
use super::query::QueryString;
use super::{AppState, params};
use crate::domain::event::Event;
use crate::domain::raw_output;
use crate::service::{EventSubscription, OpenStream};

/// The interval of keep-alive comments on a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The longest duration of a stream; the listener then reconnects and is authenticated again.
const MAX_STREAM_TIME: Duration = Duration::from_secs(3600);

/// Which events a listener receives.
struct EventFilter {
    execution_id: Option<String>,
    task_id: Option<String>,
}

struct Listener {
    subscription: EventSubscription,
    events: Receiver<Arc<[Event]>>,
    waiting: VecDeque<Message>,
    filter: EventFilter,
    shutdown: CancellationToken,
    ends_at: Instant,
    _permit: OpenStream,
}

/// Streams the events of tasks that the caller may see, for as long as their session or token lasts.
#[handler]
pub fn stream(caller: Caller, request: &Request, query: QueryString, shared: Data<&Arc<AppState>>) -> poem::Result<Response> {
    let mut reader = query.reader(&[params::EVENTS]);
    let filter = EventFilter { execution_id: reader.text("execution_id"), task_id: reader.text("task_id") };
    let credential = credential(request).ok_or_else(Problem::internal)?;
    let permit = shared.services.events.open_stream(&caller.0).map_err(Problem::from)?;
    let listener = Listener {
        subscription: shared.services.events.subscription(credential, caller.0),
        events: shared.services.events.subscribe(),
        waiting: VecDeque::from([Message::retry(2000)]),
        filter: reader.finish(filter)?,
        shutdown: shared.options.shutdown.clone(),
        ends_at: Instant::now() + MAX_STREAM_TIME,
        _permit: permit,
    };
    // Otherwise nginx buffers events.
    Ok(SSE::new(messages(listener)).keep_alive(HEARTBEAT).with_header("x-accel-buffering", "no").into_response())
}

fn messages(listener: Listener) -> impl Stream<Item = Message> {
    unfold(listener, |mut listener| async move {
        loop {
            if let Some(message) = listener.waiting.pop_front() {
                return Some((message, listener));
            }
            listener.wait().await?;
        }
    })
}

impl Listener {
    /// Waits for the next group of events; `None` ends the stream.
    async fn wait(&mut self) -> Option<()> {
        let received = tokio::select! {
            received = self.events.recv() => received,
            () = self.subscription.revalidation_due() => Ok([].into()),
            () = self.shutdown.cancelled() => return None,
            () = tokio::time::sleep_until(self.ends_at) => return None,
        };
        match received {
            Ok(group) => {
                let group = self.subscription.allows(group).await.unwrap_or_else(|error| {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a stream of events broke off");
                    None
                })?;
                self.waiting.extend(group.iter().flat_map(|event| self.filter.messages(event)));
            }
            Err(RecvError::Lagged(missed)) => self.waiting.push_back(message("lagged", &json!({"missed": missed}))),
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }
}

impl EventFilter {
    fn messages(&self, event: &Event) -> Vec<Message> {
        let fits = |wanted: &Option<String>, id: &str| wanted.as_deref().is_none_or(|wanted| wanted == id);
        match event {
            Event::Task { id, change } if self.execution_id.is_none() && fits(&self.task_id, id) => {
                vec![message("task", &json!({"id": id, "change": change.as_str()}))]
            }
            Event::Execution { id, task_id, status, attempt } if fits(&self.execution_id, id) && fits(&self.task_id, task_id) => {
                let data = json!({"id": id, "task_id": task_id, "status": status.as_str(), "attempt": attempt});
                vec![message("execution", &data)]
            }
            Event::Output { execution_id, chunks } if fits(&self.execution_id, execution_id) && self.wants_output() => {
                let data = chunks.iter().map(|chunk| {
                    json!({"execution_id": execution_id, "attempt": chunk.attempt, "seq": chunk.seq,
                        "stream": chunk.stream.as_str(), "text": raw_output::shown(&chunk.text)})
                });
                data.map(|data| message("output", &data)).collect()
            }
            Event::Resync => vec![message("lagged", &json!({"missed": null}))],
            _ => Vec::new(),
        }
    }

    /// Output events name only their execution, so a listener to a task receives none unless it names the execution too.
    fn wants_output(&self) -> bool {
        self.execution_id.is_some() || self.task_id.is_none()
    }
}

fn message(kind: &str, data: &Value) -> Message {
    Message::message(data.to_string()).event_type(kind)
}
