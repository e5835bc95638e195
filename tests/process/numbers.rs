//! Numbers of users keep their digits on the whole way: API, database, request, response, result, template, export and import.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use reqwest::StatusCode;
use serde_json::Value;

use crate::server::{Server, until};
use crate::support::TestDatabase;

const NUMBERS: &str = "[12345678901234567890123,1.10,-0.000,1e-7,0.1234567890123456789,9007199254740993,100.0]";

/// A web service that answers each request with JSON of these numbers. Returns its address and the bodies of the requests.
fn web_service() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = format!("http://{}/", listener.local_addr().expect("an address"));
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let body = read_body(&mut connection);
            let answer = format!("{{\"numbers\": {NUMBERS}, \"one\": 1.10}}");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            let _ = connection.write_all((head + &answer).as_bytes()); // the test sees what is missing
            let _ = sender.send(body); // the test may have ended
        }
    });
    (address, bodies)
}

fn read_body(connection: &mut impl Read) -> String {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or_default() {
                return body.to_owned();
            }
        }
        match connection.read(&mut piece) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return text,
        }
    }
}

fn task(address: &str) -> String {
    format!(
        r#"{{"id": "exact", "type": "http_request", "trigger": {{"type": "interval", "hours": 1}}, "params": {{"method": "POST",
            "url": "{address}", "json": {{"numbers": {NUMBERS}}}, "query": {{"q": 12345678901234567890123}},
            "expect_json": [{{"pointer": "/numbers", "equals": {NUMBERS}}}, {{"pointer": "/one", "equals": 1.1}},
                {{"pointer": "/numbers", "contains": 12345678901234567890123.0}}]}},
            "chain": [{{"on": "success", "task": "next"}}]}}"#
    )
}

async fn post_text(server: &Server, path: &str, kind: &'static str, body: String) -> (StatusCode, String) {
    let request = server.post(path, &Value::Null).body(body);
    let mut request = request.build().expect("a request");
    request.headers_mut().insert("content-type", kind.parse().expect("a header"));
    let answer = reqwest::Client::new().execute(request).await.expect("get a response");
    (answer.status(), answer.text().await.expect("text"))
}

async fn text(server: &Server, path: &str) -> String {
    server.get(path).send().await.expect("get a response").text().await.expect("text")
}

/// The JSON text without blanks.
fn compact(text: &str) -> String {
    text.replace([' ', '\n'], "")
}

async fn numbers_keep_their_digits(variables: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("create a temporary folder");
    let (address, bodies) = web_service();
    let server = Server::start_with(folder.path(), variables);
    let next = r#"{"id": "next", "type": "echo", "trigger": {"type": "interval", "hours": 1},
        "params": {"message": "{{ previous.result.json.numbers | json }} {{ previous.result.json.one + 1 }}"}}"#;
    for task in [next.to_owned(), task(&address)] {
        let (status, answer) = post_text(&server, "/api/v1/tasks", "application/json", task).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    assert!(compact(&text(&server, "/api/v1/tasks/exact").await).contains(&format!("\"json\":{{\"numbers\":{NUMBERS}}}")));
    let (status, run) = post_text(&server, "/api/v1/tasks/exact/run", "application/json", "{}".into()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{run}");
    let run: Value = serde_json::from_str(&run).expect("valid JSON");
    let path = format!("/api/v1/executions/{}", run["id"].as_str().expect("an id"));
    let done = until("the run to end", || async {
        let done = text(&server, &path).await;
        (!done.contains("\"status\":\"queued\"") && !done.contains("\"status\":\"running\"")).then_some(done)
    })
    .await;
    assert!(done.contains("\"status\":\"succeeded\""), "{done}");
    assert_eq!(compact(&bodies.recv().expect("a request")), format!("{{\"numbers\":{NUMBERS}}}"));
    assert!(compact(&done).contains(&format!("\"json\":{{\"numbers\":{NUMBERS},\"one\":1.10}}")), "{done}");
    let echoed = until("the next task", || async {
        let list = server.json("/api/v1/executions?task_id=next&status=succeeded").await;
        let id = list["items"][0]["id"].as_str()?.to_owned();
        server.json(&format!("/api/v1/executions/{id}")).await["result"]["message"].as_str().map(str::to_owned)
    })
    .await;
    assert!(
        echoed.contains("12345678901234567890123") && echoed.contains("0.1234567890123456789") && echoed.trim().ends_with(" 2.1"),
        "{echoed}"
    );
    round_trip(&server, folder.path()).await;
}

/// Exports and imports the tasks in both formats.
async fn round_trip(server: &Server, folder: &Path) {
    let mut exports = Vec::new();
    for (format, kind) in [("json", "application/json"), ("yaml", "application/yaml")] {
        let document = text(server, &format!("/api/v1/export?format={format}")).await;
        let other = folder.join(format);
        std::fs::create_dir(&other).expect("create a folder");
        let second = Server::start(&other);
        let (status, answer) = post_text(&second, "/api/v1/import", kind, document.clone()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(text(&second, &format!("/api/v1/export?format={format}")).await, document);
        let (_, again) = post_text(&second, "/api/v1/import", kind, document).await;
        assert!(again.contains("\"unchanged\":2"), "{again}");
        exports.push(compact(&text(&second, "/api/v1/tasks/exact").await));
    }
    assert!(exports.iter().all(|task| task.contains(&format!("\"numbers\":{NUMBERS}"))), "{exports:?}");
}

#[tokio::test]
async fn numbers_keep_their_digits_on_sqlite() {
    numbers_keep_their_digits(&[]).await;
}

#[tokio::test]
async fn numbers_keep_their_digits_on_postgres() {
    let Some(db) = TestDatabase::postgres().await else { return };
    numbers_keep_their_digits(&[("BELFRY_DATABASE_URL", &db.url())]).await;
    db.remove().await;
}
