//! Clients that are slow on purpose, and requests that are large on purpose.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Belfry, TOKEN, rest, status};

/// Short, so that tests see the end of it; what ends a connection in these tests is the server alone.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_never_end_are_cut_off_and_hold_nobody_up() {
    let belfry = Belfry::start_with(|s| s.server.gate.header_timeout = SHORT).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = belfry.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await.expect("is taken");
        slow.push(stream);
    }
    belfry.is_well().await;
    for mut stream in slow {
        assert_eq!(rest(&mut stream).await, "", "closed without an answer");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_byte_by_byte_gets_no_more_time() {
    let belfry = Belfry::start_with(|s| s.server.gate.header_timeout = SHORT).await;
    let (mut reader, mut writer) = belfry.connect().await.into_split();
    let drip = tokio::spawn(async move {
        let _ = writer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").await;
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut bytes = Vec::new();
    let _reset = reader.read_to_end(&mut bytes).await;
    drip.await.expect("was refused in the end");
    assert!(bytes.is_empty(), "{}", String::from_utf8_lossy(&bytes));
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_requests_is_closed_and_one_with_requests_goes_on() {
    let belfry = Belfry::start_with(|s| s.server.gate.keep_alive = SHORT).await;
    let mut stream = belfry.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("is taken");
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.expect("answers on the same connection");
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        let mut text = Vec::new();
        while !text.ends_with(b"}") {
            text.push(stream.read_u8().await.expect("the rest"));
        }
    }
    assert_eq!(rest(&mut stream).await, "", "closed by the server");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_end_are_answered_in_time() {
    let belfry = Belfry::start_with(|s| s.server.gate.request_timeout = SHORT).await;
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nname=a";
    let call = "content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":";
    for (path, body) in [("/login", form), ("/api/v1/tasks", call)] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n");
        let answer = belfry.raw(format!("{head}{body}")).await;
        assert_eq!(status(&answer), 503, "{path}: {answer}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_is_given_up() {
    let belfry = Belfry::start_with(|s| s.server.gate.stall_timeout = SHORT).await;
    let mut stream = belfry.connect().await;
    // Far more is asked for than the buffers between the two hold; nothing is read.
    let mut asked = Ok(());
    while asked.is_ok() {
        asked = stream.write_all("GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(200).as_bytes()).await;
    }
    belfry.is_well().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_too_large_everywhere() {
    let belfry = Belfry::start().await;
    let large = "a".repeat(10 << 20);
    for (path, kind) in [("/login", "application/x-www-form-urlencoded"), ("/api/v1/tasks", "application/json")] {
        let declared = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            large.len()
        );
        // Told before it is sent: the answer is there although nothing of the body came.
        let mut stream = belfry.connect().await;
        stream.write_all(format!("{declared}{}", "a".repeat(2 << 20)).as_bytes()).await.expect("is taken");
        let mut code = [0; 12];
        stream.read_exact(&mut code).await.expect("answers");
        assert_eq!(&code, b"HTTP/1.1 413", "{path}");
        drop(stream);
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "a".repeat(1 << 16));
        let chunked = declared.split("content-length").next().expect("a head").to_owned() + "transfer-encoding: chunked\r\n\r\n";
        let mut stream = belfry.connect().await;
        stream.write_all(format!("{chunked}{}", chunk.repeat(20)).as_bytes()).await.expect("is taken");
        stream.read_exact(&mut code).await.expect("answers");
        assert_eq!(&code, b"HTTP/1.1 413", "{path} in chunks");
    }
    belfry.is_well().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_brackets_are_refused_and_not_followed() {
    let belfry = Belfry::start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for body in [nested.clone(), open.repeat(100_000), format!("{{\"params\":{nested}}}")] {
            let answer = belfry.bare(Method::POST, "/api/v1/tasks").bearer_auth(TOKEN).header("content-type", "application/json");
            let answer = answer.body(body).send().await.expect("answers");
            assert_eq!(answer.status(), 400);
        }
    }
    let nested = "[".repeat(100_000);
    let session = belfry.sign_in("admin", crate::rig::PASSWORD).await;
    let fields = [("id", "a"), ("type", "echo"), ("mode", "json"), ("params", nested.as_str()), ("/params", nested.as_str())];
    let answer = belfry.form(&session, "/tasks/new", &fields).await;
    assert_eq!(answer.status(), 422);
    let deep = json!({"trigger": {"type": "cron", "expression": "(".repeat(100_000)}});
    assert_eq!(belfry.call(Method::POST, "/api/v1/triggers/preview", Some(&deep)).await.status(), 422);
    belfry.is_well().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded() {
    let belfry = Belfry::start().await;
    let large = belfry.raw(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(200_000))).await;
    assert_eq!(status(&large), 431, "{large}");
    let many = (0..1000).map(|number| format!("x-{number}: a\r\n")).collect::<String>();
    assert_eq!(status(&belfry.raw(format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n")).await), 431);
    let long = belfry.raw(format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(200_000))).await;
    assert!(matches!(status(&long), 414 | 431), "{long}");
    belfry.is_well().await;
    belfry.end().await;
}
