//! `/events`: changes as they happen, as server-sent events. Not part of the described document, which has no form for
//! streams: `event: task` `{"id", "change"}`, `event: execution` `{"id", "task_id", "status", "attempt"}`, `event: output`
//! `{"execution_id", "attempt", "seq", "stream", "text"}`, and `event: lagged` `{"missed"}` where the listener fell behind
//! (null: nobody knows by how much).

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
use super::{Shared, params};
use crate::domain::event::Event;
use crate::service::{Ear, OpenStream};

/// How often a quiet stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this long; the listener comes back by itself, and is asked anew who it is.
const LONGEST: Duration = Duration::from_secs(3600);

/// Which events a listener wants.
struct Wanted {
    execution_id: Option<String>,
    task_id: Option<String>,
}

struct Listener {
    ear: Ear,
    events: Receiver<Arc<[Event]>>,
    waiting: VecDeque<Message>,
    wanted: Wanted,
    shutdown: CancellationToken,
    ends_at: Instant,
    _place: OpenStream,
}

/// The stream of events: of tasks within the caller's reach, as long as their session or token lasts.
#[handler]
pub fn stream(caller: Caller, request: &Request, query: QueryString, shared: Data<&Arc<Shared>>) -> poem::Result<Response> {
    let mut reader = query.by(&[params::EVENTS]);
    let wanted = Wanted { execution_id: reader.text("execution_id"), task_id: reader.text("task_id") };
    let credential = credential(request).ok_or_else(Problem::internal)?;
    let place = shared.service.open_stream(&caller.0).map_err(Problem::from)?;
    let listener = Listener {
        ear: Ear::new(&shared.service, credential, caller.0),
        events: shared.service.events().subscribe(),
        waiting: VecDeque::from([Message::retry(2000)]),
        wanted: reader.finish(wanted)?,
        shutdown: shared.options.shutdown.clone(),
        ends_at: Instant::now() + LONGEST,
        _place: place,
    };
    // nginx would hold events back until there are many.
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
            () = self.ear.due() => Ok([].into()),
            () = self.shutdown.cancelled() => return None,
            () = tokio::time::sleep_until(self.ends_at) => return None,
        };
        match received {
            Ok(group) => {
                let group = self.ear.hears(group).await.unwrap_or_else(|error| {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a stream of events broke off");
                    None
                })?;
                self.waiting.extend(group.iter().flat_map(|event| self.wanted.messages(event)));
            }
            Err(RecvError::Lagged(missed)) => self.waiting.push_back(message("lagged", &json!({"missed": missed}))),
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }
}

impl Wanted {
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
                        "stream": chunk.stream.as_str(), "text": chunk.text})
                });
                data.map(|data| message("output", &data)).collect()
            }
            Event::Missed => vec![message("lagged", &json!({"missed": null}))],
            _ => Vec::new(),
        }
    }

    /// Output names only its execution, so a listener to one task gets none unless it names the execution too.
    fn wants_output(&self) -> bool {
        self.execution_id.is_some() || self.task_id.is_none()
    }
}

fn message(kind: &str, data: &Value) -> Message {
    Message::message(data.to_string()).event_type(kind)
}
