//! Denial of service: slow clients and large requests.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Belfry, TOKEN, rest, status};

/// A short timeout of the server, so that the tests can wait for it.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_heads_are_closed_and_do_not_block_others() {
    let belfry = Belfry::start_with(|s| s.server.http.header_timeout = SHORT).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = belfry.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await.expect("writes");
        slow.push(stream);
    }
    belfry.assert_healthy().await;
    for mut stream in slow {
        assert_eq!(rest(&mut stream).await, "", "closed without a response");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_timeout_is_not_extended_by_single_bytes() {
    let belfry = Belfry::start_with(|s| s.server.http.header_timeout = SHORT).await;
    let (mut reader, mut writer) = belfry.connect().await.into_split();
    let drip = tokio::spawn(async move {
        let _ = writer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").await;
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = reader.read_to_end(&mut bytes).await; // an error is a reset
    drip.await.expect("the writer ends");
    assert!(bytes.is_empty(), "{}", String::from_utf8_lossy(&bytes));
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_closed_and_active_ones_kept() {
    let belfry = Belfry::start_with(|s| s.server.http.keep_alive = SHORT).await;
    let mut stream = belfry.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("writes");
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
async fn incomplete_bodies_are_answered_after_the_request_timeout() {
    let belfry = Belfry::start_with(|s| s.server.http.request_timeout = SHORT).await;
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
async fn connections_that_do_not_read_the_response_are_closed() {
    let belfry = Belfry::start_with(|s| s.server.http.stall_timeout = SHORT).await;
    let mut stream = belfry.connect().await;
    // Requests more than the buffers can hold, and reads nothing.
    let mut written = Ok(());
    while written.is_ok() {
        written = stream.write_all("GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(200).as_bytes()).await;
    }
    belfry.assert_healthy().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_limit_get_413() {
    let belfry = Belfry::start().await;
    let large = "a".repeat(10 << 20);
    for (path, kind) in [("/login", "application/x-www-form-urlencoded"), ("/api/v1/tasks", "application/json")] {
        let declared = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            large.len()
        );
        // With a declared length the response comes before the body is sent completely.
        let mut stream = belfry.connect().await;
        stream.write_all(format!("{declared}{}", "a".repeat(2 << 20)).as_bytes()).await.expect("writes");
        let mut code = [0; 12];
        stream.read_exact(&mut code).await.expect("answers");
        assert_eq!(&code, b"HTTP/1.1 413", "{path}");
        drop(stream);
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "a".repeat(1 << 16));
        let chunked = declared.split("content-length").next().expect("a head").to_owned() + "transfer-encoding: chunked\r\n\r\n";
        let mut stream = belfry.connect().await;
        stream.write_all(format!("{chunked}{}", chunk.repeat(20)).as_bytes()).await.expect("writes");
        stream.read_exact(&mut code).await.expect("answers");
        assert_eq!(&code, b"HTTP/1.1 413", "{path} in chunks");
    }
    belfry.assert_healthy().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deeply_nested_json_is_rejected() {
    let belfry = Belfry::start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for body in [nested.clone(), open.repeat(100_000), format!("{{\"params\":{nested}}}")] {
            let answer =
                belfry.anonymous(Method::POST, "/api/v1/tasks").bearer_auth(TOKEN).header("content-type", "application/json");
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
    belfry.assert_healthy().await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_beyond_the_limit_get_431() {
    let belfry = Belfry::start().await;
    let large = belfry.raw(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(200_000))).await;
    assert_eq!(status(&large), 431, "{large}");
    let many = (0..1000).map(|number| format!("x-{number}: a\r\n")).collect::<String>();
    assert_eq!(status(&belfry.raw(format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n")).await), 431);
    let long = belfry.raw(format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(200_000))).await;
    assert!(matches!(status(&long), 414 | 431), "{long}");
    belfry.assert_healthy().await;
    belfry.end().await;
}
