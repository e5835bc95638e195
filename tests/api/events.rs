//! `/events`: the event stream.

use std::time::Duration;

use belfry::domain::event::Event;
use belfry::domain::execution::{OutputChunk, Stream};
use poem::Body;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};

use crate::app::App;
use crate::support::at;

type Reading = Lines<BufReader<std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>>>>;

async fn listen(app: &App, path: &str) -> Reading {
    let response = app.client.get(path).header("cookie", app.cookie()).send().await.0;
    assert_eq!(response.status(), 200);
    assert_eq!(response.content_type(), Some("text/event-stream"));
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let body: Body = response.into_body();
    let reader: std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>> = Box::pin(body.into_async_read());
    BufReader::new(reader).lines()
}

/// The next event's name and data; skips comments and the reconnection time.
async fn next(lines: &mut Reading) -> (String, Value) {
    let mut name = String::new();
    loop {
        let line =
            tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await.expect("in time").unwrap().expect("a line");
        if let Some(kind) = line.strip_prefix("event: ") {
            name = kind.to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            return (name, serde_json::from_str(data).unwrap());
        }
    }
}

/// The next event of a kind.
async fn next_of(lines: &mut Reading, wanted: &str) -> Value {
    loop {
        let (name, data) = next(lines).await;
        if name == wanted {
            return data;
        }
    }
}

fn output(id: &str) -> Event {
    let chunk =
        OutputChunk { attempt: 1, seq: 0, stream: Stream::Stderr, at: at("2026-11-21T00:00:00Z"), text: "a\nb".to_owned() };
    Event::Output { execution_id: id.to_owned(), chunks: vec![chunk] }
}

#[tokio::test]
async fn task_change_is_streamed() {
    let app = App::start().await;
    let mut lines = listen(&app, "/events").await;
    app.task("a").await;
    assert_eq!(next(&mut lines).await, ("task".to_owned(), json!({"id": "a", "change": "created"})));
    let run = app.post("/api/v1/tasks/a/run", json!({})).await.json;
    let data = next_of(&mut lines, "execution").await;
    assert_eq!(data, json!({"id": run["id"], "task_id": "a", "status": "queued", "attempt": 1}));
    app.events.publish(vec![output("x")]);
    let expected = json!({"execution_id": "x", "attempt": 1, "seq": 0, "stream": "stderr", "text": "a\nb"});
    assert_eq!(next_of(&mut lines, "output").await, expected);
}

#[tokio::test]
async fn event_stream_filters_by_execution_and_task() {
    let app = App::start().await;
    let mut one = listen(&app, "/api/v1/events?execution_id=x").await;
    let mut task = listen(&app, "/api/v1/events?task_id=b").await;
    app.task("a").await;
    app.task("b").await;
    app.events.publish(vec![output("y"), output("x")]);
    assert_eq!(next(&mut one).await.1["execution_id"], "x");
    assert_eq!(next(&mut task).await.1, json!({"id": "b", "change": "created"}));
    app.get("/events?colour=red").await.invalid(&["/colour"]);
}

#[tokio::test]
async fn slow_listener_receives_lagged_event() {
    let app = App::start().await;
    let mut lines = listen(&app, "/events").await;
    for _ in 0..3000 {
        app.events.publish(vec![output("x")]);
    }
    let (name, data) = next(&mut lines).await;
    assert_eq!(name, "lagged");
    assert!(data["missed"].as_u64().unwrap() > 0);
    assert_eq!(next(&mut lines).await.0, "output");
}
