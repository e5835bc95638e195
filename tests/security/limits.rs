//! Limits of connections, requests, event streams and password guesses.

use std::net::Ipv4Addr;
use std::time::Duration;

use belfry::net::{self, Limits, ServerOptions};
use belfry::service::MAX_STREAMS;
use poem::{EndpointExt, endpoint};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::rig::{Belfry, PASSWORD, TOKEN, client, rest, status};

/// A server whose limits also apply to loopback addresses.
struct LimitedServer {
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl LimitedServer {
    async fn start(limits: Limits) -> LimitedServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("listens");
        let (address, shutdown) = (listener.local_addr().expect("an address"), CancellationToken::new());
        let answers = endpoint::make_sync(|_| "well").map_to_response();
        let options = ServerOptions { limits: Limits { exempt_loopback: false, ..limits }, ..ServerOptions::default() };
        let stop = shutdown.clone();
        let running = tokio::spawn(async move { net::serve(listener, options, answers, stop).await.expect("serves") });
        LimitedServer { address, shutdown, running }
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.running.await.expect("ends");
    }
}

async fn ask(stream: &mut TcpStream) -> u16 {
    let _refused = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut head = [0; 12];
    match stream.read_exact(&mut head).await {
        Ok(_) => status(&String::from_utf8_lossy(&head)),
        Err(_) => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_get_503_until_one_closes() {
    for limits in [Limits { connections: 3, ..Limits::default() }, Limits { connections_per_address: 3, ..Limits::default() }] {
        let server = LimitedServer::start(limits).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(server.address).await.expect("connects");
            assert_eq!(ask(&mut stream).await, 200);
            held.push(stream);
        }
        let mut refused = TcpStream::connect(server.address).await.expect("connects");
        let response = rest(&mut refused).await;
        assert!(status(&response) == 503 && response.contains("retry-after"), "{response}");
        drop(held);
        crate::server::until("a free connection", || async {
            let mut stream = TcpStream::connect(server.address).await.ok()?;
            (ask(&mut stream).await == 200).then_some(())
        })
        .await;
        server.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_rate_get_429_with_retry_after() {
    let server = LimitedServer::start(Limits { requests_per_second: 1, ..Limits::default() }).await;
    let (client, url) = (client(), format!("http://{}/", server.address));
    let mut refused = None;
    for _ in 0..100 {
        let answer = client.get(&url).send().await.expect("answers");
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a rejection within a hundred requests");
    let wait: u64 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=2).contains(&wait));
    let call = client.get(format!("{url}api/v1/tasks")).send().await.expect("answers");
    assert_eq!(call.headers()["content-type"], "application/problem+json");
    let problem: serde_json::Value = call.json().await.expect("JSON");
    assert_eq!(problem["status"], 429);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_closes_open_connections() {
    let server = LimitedServer::start(Limits { head_timeout: Duration::from_secs(3600), ..Limits::default() }).await;
    let mut stuck = TcpStream::connect(server.address).await.expect("connects");
    stuck.write_all(b"GET / HTTP/1.1\r\nhost: ").await.expect("writes");
    server.end().await;
    assert_eq!(rest(&mut stuck).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_streams_per_account_are_limited() {
    let belfry = Belfry::start().await;
    let mut held = Vec::new();
    for _ in 0..MAX_STREAMS {
        let answer = belfry.anonymous(Method::GET, "/events").bearer_auth(TOKEN).send().await.expect("answers");
        assert_eq!(answer.status(), 200);
        held.push(answer);
    }
    assert_eq!(belfry.call(Method::GET, "/api/v1/events", None).await.status(), 429);
    let session = belfry.sign_in("admin", PASSWORD).await;
    assert_eq!(belfry.page(&session, "/live").await.status(), 429);
    assert_eq!(belfry.page(&session, "/tasks").await.status(), 200, "pages still work");
    drop(held);
    crate::server::until("a free connection", || async { (belfry.page(&session, "/live").await.status() == 200).then_some(()) })
        .await;
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_password_guesses_are_slowed() {
    let belfry = Belfry::start().await;
    let guess = |number: usize| {
        let password = format!("wrong password {number}");
        let request = belfry.anonymous(Method::POST, "/login").form(&[("name", "admin"), ("password", password.as_str())]);
        async move { request.send().await.expect("answers").status().as_u16() }
    };
    let answers = futures_util::future::join_all((0..40).map(guess)).await;
    let tried = answers.iter().filter(|status| **status == 401).count();
    // Five are free, and then one a minute.
    assert!(tried <= 8, "{tried} of 40 were tried");
    // 503: password hashing took too long on a busy machine.
    assert!(answers.iter().all(|status| matches!(status, 401 | 429 | 503)), "{answers:?}");
    belfry.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_password_guesses_in_a_session_are_slowed() {
    let belfry = Belfry::start().await;
    let session = belfry.sign_in("admin", PASSWORD).await;
    let new = "another good password";
    let mut answers = Vec::new();
    for number in 0..8 {
        let present = format!("wrong {number}");
        let fields = [("/present", present.as_str()), ("/password", new), ("/repeat", new)];
        answers.push(belfry.form(&session, "/account", &fields).await.status().as_u16());
    }
    assert!(answers.contains(&429), "{answers:?}");
    let body = serde_json::json!({"present": "wrong", "password": new});
    for _ in 0..8 {
        answers.push(belfry.call(Method::PUT, "/api/v1/me/password", Some(&body)).await.status().as_u16());
    }
    assert!(answers[8..].contains(&429) && answers.iter().all(|status| matches!(status, 422 | 429)), "{answers:?}");
    belfry.end().await;
}
