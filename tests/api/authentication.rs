//! Authentication and authorisation: tokens, sessions, cross-site requests, roles.

use belfry::domain::user::Role;
use belfry::service::AdminSetup;
use belfry::storage::account;
use poem::http::Method;
use serde_json::json;

use crate::app::{App, HOST, TOKEN, new_task};

#[tokio::test]
async fn every_operation_requires_authentication() {
    let app = App::start().await;
    for (method, path) in [
        (Method::GET, "/api/v1/tasks"),
        (Method::POST, "/api/v1/tasks"),
        (Method::GET, "/api/v1/me"),
        (Method::GET, "/api/v1/stats"),
        (Method::GET, "/api/v1/task-types"),
        (Method::POST, "/api/v1/triggers/preview"),
        (Method::GET, "/api/v1/events"),
        (Method::GET, "/events"),
    ] {
        let refused = app.bare(method.clone(), path, &[], b"{").await;
        refused.problem(401);
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"belfry\"", "{method} {path}");
    }
    app.bare(Method::GET, "/api/v1/me", &[("authorization", "Bearer nonsense")], b"").await.problem(401);
    app.bare(Method::GET, "/api/v1/me", &[("cookie", "belfry_session=nonsense")], b"").await.problem(401);
}

#[tokio::test]
async fn session_cookie_authenticates() {
    let app = App::start().await;
    let cookie = app.cookie();
    let me = app.bare(Method::GET, "/api/v1/me", &[("cookie", &cookie)], b"").await;
    assert_eq!((me.status, me.json), (200, json!({"name": "admin", "role": "admin"})));
}

#[tokio::test]
async fn changing_request_by_cookie_requires_same_origin() {
    let app = App::start().await;
    app.task("a").await;
    let cookie = app.cookie();
    let origin = format!("http://{HOST}");
    let call = async |more: &[(&str, &str)]| {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(more);
        app.bare(Method::POST, "/api/v1/tasks/a/run", &headers, b"").await
    };
    call(&[]).await.problem(403);
    call(&[("sec-fetch-site", "cross-site")]).await.problem(403);
    call(&[("sec-fetch-site", "same-site"), ("origin", &origin)]).await.problem(403);
    call(&[("origin", "http://evil.example")]).await.problem(403);
    assert_eq!(app.get("/api/v1/executions").await.json["total"], 0);
    assert_eq!(call(&[("sec-fetch-site", "same-origin")]).await.status, 202);
    assert_eq!(call(&[("sec-fetch-site", "none")]).await.status, 202);
    assert_eq!(call(&[("origin", &origin)]).await.status, 202);
    let reading = app.bare(Method::GET, "/api/v1/tasks", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], b"").await;
    assert_eq!(reading.status, 200);
}

#[tokio::test]
async fn bearer_token_authenticates_cross_origin() {
    let app = App::start().await;
    let bearer = format!("bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("origin", "http://elsewhere"), ("content-type", "application/json")];
    let created = app.bare(Method::POST, "/api/v1/tasks", &headers, new_task("a").to_string().as_bytes()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let wrong = [("authorization", "Bearer wrong-token-of-nobody"), ("cookie", &app.cookie())];
    app.bare(Method::GET, "/api/v1/me", &wrong, b"").await.problem(401);
    let proxy = [("authorization", "Basic YTpi"), ("cookie", &app.cookie())];
    assert_eq!(app.bare(Method::GET, "/api/v1/me", &proxy, b"").await.status, 200);
}

#[tokio::test]
async fn roles_limit_operations() {
    let app = App::start().await;
    app.task("a").await;
    let token = "token-of-a-viewer";
    let viewer = crate::support::context::user("01VIEWER", "vera", Role::Viewer);
    let mut tx = app.database().write().await.unwrap();
    account::insert(&mut tx, &viewer, None).await.unwrap();
    tx.commit().await.unwrap();
    let setup = AdminSetup { user: Some("vera".to_owned()), password: None, token: Some(token.to_owned()) };
    app.services.setup.bootstrap(&setup).await.unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let call =
        async |method, path: &str, body: serde_json::Value| app.bare(method, path, &headers, body.to_string().as_bytes()).await;
    assert_eq!(call(Method::GET, "/api/v1/me", json!({})).await.json, json!({"name": "vera", "role": "viewer"}));
    assert_eq!(call(Method::GET, "/api/v1/tasks/a", json!({})).await.status, 200);
    let question = json!({"trigger": {"type": "cron", "hour": 8}});
    assert_eq!(call(Method::POST, "/api/v1/triggers/preview", question).await.status, 200);
    call(Method::POST, "/api/v1/tasks", new_task("b")).await.problem(403);
    call(Method::PATCH, "/api/v1/tasks/a", json!({"name": "x"})).await.problem(403);
    call(Method::DELETE, "/api/v1/tasks/a", json!({})).await.problem(403);
    call(Method::POST, "/api/v1/tasks/a/run", json!({})).await.problem(403);
    call(Method::POST, "/api/v1/tasks/a/pause", json!({})).await.problem(403);
}
