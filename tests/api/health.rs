//! Health and metrics.

use belfry::api::{self, Options};
use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{NewToken, NewUser};
use chrono::Duration;
use poem::http::Method;
use poem::listener::{Acceptor, Listener, TcpListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::App;

#[tokio::test]
async fn health_endpoints_are_public() {
    let app = App::start().await;
    let alive = app.bare(Method::GET, "/healthz", &[], b"").await;
    assert_eq!((alive.status, alive.text.as_str()), (200, r#"{"status":"ok"}"#));
    let ready = app.bare(Method::GET, "/readyz", &[], b"").await;
    ready.problem(503);
    assert!(ready.json["detail"].as_str().unwrap().contains("scheduler"), "{}", ready.text);
    let now = app.services.clock.now();
    app.heartbeat.beat(now);
    app.heartbeat.succeeded(now);
    let ready = app.bare(Method::GET, "/readyz", &[], b"").await;
    assert_eq!((ready.status, ready.text.as_str()), (200, r#"{"status":"ready"}"#));
}

#[tokio::test]
async fn readiness_fails_while_planning_or_writing_fails() {
    let app = App::start().await;
    let now = app.services.clock.now();
    let detail = async || {
        let ready = app.bare(Method::GET, "/readyz", &[], b"").await;
        ready.problem(503);
        ready.json["detail"].as_str().unwrap().to_owned()
    };
    app.heartbeat.beat(now);
    app.heartbeat.succeeded(now - Duration::seconds(11));
    let failing = detail().await;
    assert!(failing.contains("scheduling has failed for 11"), "{failing}");
    app.heartbeat.succeeded(now);
    app.writes.set_failure(Some("disk full".to_owned()));
    let failing = detail().await;
    assert!(failing.contains("takes no writes") && !failing.contains("disk full"), "{failing}");
    let signed_in = app.get("/readyz").await;
    assert!(signed_in.json["detail"].as_str().unwrap().ends_with("takes no writes: disk full"), "{}", signed_in.text);
    app.writes.set_failure(None);
    app.heartbeat.succeeded(now - Duration::seconds(11));
    app.heartbeat.failed(&"no such table");
    assert!(app.get("/readyz").await.json["detail"].as_str().unwrap().ends_with(": no such table"));
    app.heartbeat.succeeded(now);
    assert_eq!(app.bare(Method::GET, "/readyz", &[], b"").await.status, 200);
}

#[tokio::test]
async fn metrics_are_in_the_format_of_prometheus() {
    let app = App::start().await;
    app.task("a").await;
    app.post("/api/v1/tasks/a/run", serde_json::json!({})).await;
    app.bare(Method::GET, "/metrics", &[], b"").await.problem(401);
    let metrics = app.get("/metrics").await;
    assert_eq!(metrics.status, 200, "{}", metrics.text);
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in
        ["belfry_tasks{state=\"enabled\"} 1", "belfry_executions_last_hour{status=\"failed\"} 0", "belfry_uptime_seconds 0"]
    {
        assert!(metrics.text.lines().any(|given| given == line), "{line} is missing:\n{}", metrics.text);
    }
    for family in metrics.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = family.split(' ').next().unwrap();
        assert!(metrics.text.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[tokio::test]
async fn metrics_require_a_grant_even_from_this_machine() {
    let app = App::start().await;
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    let server = poem::Server::new_with_acceptor(acceptor).run(api::routes(app.services.clone(), Options::default()));
    let server = tokio::spawn(server);
    let ask = async |more: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let admin = Actor::new("ada", Role::Admin, Via::Api);
    let token = async |name: &str, role: Role, grants: &[&str], tags: &[&str]| {
        let list = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let new = NewUser { name: name.into(), role, password: None, grants: list(grants), tags: list(tags) };
        app.services.users.create(&admin, &new).await.unwrap();
        let new = NewToken { name: "scrape".into(), role: None, tags: Vec::new(), expires_at: None };
        let actor = Actor { scope: TagScope::from_tags(&list(tags)), ..Actor::new(name, role, Via::Page) };
        format!("Authorization: Bearer {}\r\n", app.services.tokens.create(&actor, &new).await.unwrap().1)
    };
    let (plain, editor) = (token("vera", Role::Viewer, &[], &[]).await, token("eddie", Role::Editor, &["danger"], &[]).await);
    let scraper = token("prometheus", Role::Viewer, &["metrics"], &["nothing"]).await;
    assert!(ask("").await.starts_with("HTTP/1.1 401"));
    for without in [plain, editor] {
        assert!(ask(&without).await.starts_with("HTTP/1.1 403"));
    }
    assert!(ask(&scraper).await.starts_with("HTTP/1.1 200"), "the grant is enough, whatever tasks the account sees");
    server.abort();
}
