//! Event streams: limited to the caller's scope, and ended with its session or token.

use std::time::Duration;

use belfry::domain::event::Event;
use belfry::domain::execution::{OutputChunk, Status, Stream};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};

use crate::fixture::{Caller, Fixture, root};
use crate::support::context::start;

type Reading = Lines<BufReader<std::pin::Pin<Box<dyn AsyncRead + Send>>>>;

async fn listen(fixture: &Fixture, path: &str, header: (&str, String)) -> Reading {
    let response = fixture.client.get(path).header(header.0, header.1).send().await.0;
    assert_eq!(response.status(), 200);
    let reader: std::pin::Pin<Box<dyn AsyncRead + Send>> = Box::pin(response.into_body().into_async_read());
    BufReader::new(reader).lines()
}

/// The next data line; `None` at the end of the stream.
async fn data(lines: &mut Reading) -> Option<String> {
    loop {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.expect("in time").expect("reads")?;
        if let Some(data) = line.strip_prefix("data: ") {
            return Some(data.to_owned());
        }
    }
}

fn output(execution: &str) -> Event {
    let chunk = OutputChunk { attempt: 1, seq: 0, stream: Stream::Stdout, at: start(), text: format!("of {execution}") };
    Event::Output { execution_id: execution.to_owned(), chunks: vec![chunk] }
}

fn moved(execution: &str, task: &str) -> Event {
    Event::Execution { id: execution.to_owned(), task_id: task.to_owned(), status: Status::Running, attempt: 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_contain_only_events_in_the_scope() {
    let fixture = Fixture::open().await;
    let (red, blue) = (fixture.execution("red").await, fixture.execution("blue").await);
    let mut program = listen(&fixture, "/events", ("authorization", format!("Bearer {}", fixture.token(Caller::Viewer)))).await;
    let mut page = listen(&fixture, "/live", ("cookie", format!("belfry_session={}", fixture.session(Caller::Viewer)))).await;
    let greeting = data(&mut page).await.unwrap();
    assert!(greeting.starts_with("{\"now\":"), "{greeting}: the server's clock alone");
    let events = vec![
        moved(&blue, "blue-2"),
        output(&blue),
        Event::Task { id: "blue-2".into(), change: belfry::domain::event::TaskChange::Updated },
        output(&red),
        moved(&red, "red-1"),
    ];
    fixture.context.events.publish(events);
    let (first, second) = (data(&mut program).await.expect("output"), data(&mut program).await.expect("a change"));
    assert!(first.contains(&format!("of {red}")) && second.contains("\"red-1\""), "{first} {second}");
    let changes = data(&mut page).await.expect("changes");
    assert!(changes.contains("red-1") && !changes.contains("blue") && !changes.contains(&blue), "{changes}");
    fixture.context.services.tasks.delete(&root(), "red-1", None).await.expect("deletes");
    let gone = data(&mut program).await.expect("the deletion");
    assert!(gone.contains("deleted") && gone.contains("red-1"), "{gone}");
    fixture.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_after_their_token() {
    let fixture = Fixture::open().await;
    let services = &fixture.context.services;
    let red = fixture.execution("red").await;
    let mut program = listen(&fixture, "/events", ("authorization", format!("Bearer {}", fixture.token(Caller::Viewer)))).await;
    fixture.context.events.publish(vec![moved(&red, "red-1")]);
    assert!(data(&mut program).await.is_some());
    services.users.delete(&root(), "vera").await.expect("deletes");
    // Events continue until the stream revalidates its token.
    let events = fixture.context.events.clone();
    let going_on = tokio::spawn(async move {
        loop {
            events.publish(vec![moved(&red, "red-1")]);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    while data(&mut program).await.is_some() {}
    going_on.abort();
    fixture.close().await;
}
