//! Request smuggling: requests that a proxy and the server could parse differently.

use crate::rig::{Belfry, TOKEN, status};

/// A second request hidden behind the first.
const HIDDEN: &str = "GET /api/v1/tasks HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn request_hidden_behind_a_chunked_body_is_not_answered() {
    let belfry = Belfry::start().await;
    let length = HIDDEN.len() + 5;
    for lengths in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        "transfer-encoding: chunked\r\n".to_owned(),
    ] {
        let head = format!("POST /api/v1/me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n{lengths}");
        let answer = belfry.raw(format!("{head}\r\n0\r\n\r\n{HIDDEN}")).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lengths}: {answer}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_lengths_are_rejected() {
    let belfry = Belfry::start().await;
    for lengths in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: 5, 6\r\n",
        "content-length: -1\r\n",
        "content-length: 99999999999999999999999\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length : 5\r\n",
    ] {
        let answer = belfry.raw(format!("POST /login HTTP/1.1\r\nhost: a\r\n{lengths}\r\n0\r\n\r\n{HIDDEN}")).await;
        assert_eq!(status(&answer), 400, "{lengths}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lengths}: {answer}");
    }
    let old = belfry.raw(format!("POST /login HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}")).await;
    assert!(!old.contains("200 OK"), "{old}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_must_have_exactly_one_host() {
    let belfry = Belfry::start().await;
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let answer = belfry.raw(format!("GET /healthz HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), 400, "{hosts}: {answer}");
    }
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_http_is_rejected() {
    let belfry = Belfry::start().await;
    for request in [
        "GET /healthz HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\n folded: yes\r\n\r\n",
        "GET /health\u{1}z HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /healthz HTTP/9.9\r\nhost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\0\0\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let answer = belfry.raw(request).await;
        assert!(matches!(status(&answer), 0 | 400), "{request:?}: {answer}");
    }
    belfry.assert_healthy().await;
    belfry.end().await;
}
