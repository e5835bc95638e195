//! Malformed bodies, wrong methods and invalid paths.

use belfry::api::Options;
use poem::http::Method;
use serde_json::json;

use crate::app::{App, new_task};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn malformed_json_is_reported_with_line_and_column() {
    let app = App::start().await;
    let refused = app.call_with(Method::POST, "/api/v1/tasks", &[JSON], b"{\n  \"id\": ,\n}").await;
    refused.problem(400);
    assert!(refused.json["detail"].as_str().unwrap().contains("line 2, column 9"), "{}", refused.text);
    app.call_with(Method::POST, "/api/v1/tasks", &[JSON], b"").await.problem(400);
    app.call_with(Method::POST, "/api/v1/tasks", &[JSON], b"{\"id\": \"\xff\"}").await.problem(400);
    app.call_with(Method::POST, "/api/v1/tasks", &[JSON], "[".repeat(5000).as_bytes()).await.problem(400);
    let nul = app.post("/api/v1/tasks", json!({"id": "a", "params": {"x": ["\u{0}"]}})).await;
    nul.invalid(&["/params/x/0"]);
}

#[tokio::test]
async fn duplicate_keys_are_refused_by_name() {
    let app = App::start().await;
    let body = r#"{"id": "a", "type": "echo", "trigger": {"type": "interval", "hours": 1, "hours": 2}}"#;
    for path in ["/api/v1/tasks", "/api/v1/import"] {
        let refused = app.call_with(Method::POST, path, &[JSON], body.as_bytes()).await;
        refused.problem(400);
        assert!(
            refused.json["detail"].as_str().unwrap().contains("the key \"hours\" is given twice at line 1"),
            "{}",
            refused.text
        );
    }
}

#[tokio::test]
async fn run_without_parameters_takes_any_empty_body() {
    let app = App::start().await;
    assert_eq!(app.post("/api/v1/tasks", new_task("a")).await.status, 201);
    app.allow_overlap("a").await;
    for (headers, body) in [(&[][..], ""), (&[JSON][..], ""), (&[JSON][..], "{}"), (&[JSON][..], "null")] {
        let run = app.call_with(Method::POST, "/api/v1/tasks/a/run", headers, body.as_bytes()).await;
        assert_eq!(run.status, 202, "{body}: {}", run.text);
    }
    app.call_with(Method::POST, "/api/v1/tasks/a/run", &[JSON], b"[]").await.problem(422);
}

#[tokio::test]
async fn other_content_types_are_rejected() {
    let app = App::start().await;
    let body = new_task("a").to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "json"] {
        app.call_with(Method::POST, "/api/v1/tasks", &[("content-type", kind)], body.as_bytes()).await.problem(415);
    }
    app.call_with(Method::POST, "/api/v1/tasks", &[], body.as_bytes()).await.problem(415);
    let kind = [("content-type", "Application/JSON; charset=UTF-8")];
    assert_eq!(app.call_with(Method::POST, "/api/v1/tasks", &kind, body.as_bytes()).await.status, 201);
}

#[tokio::test]
async fn oversized_body_is_rejected_with_or_without_content_length() {
    let app = App::start_with(Options { body_limit: 1000, ..Options::default() }).await;
    let body = format!("{{\"id\": \"{}\"}}", "x".repeat(2000));
    let length = body.len().to_string();
    app.call_with(Method::POST, "/api/v1/tasks", &[JSON, ("content-length", &length)], body.as_bytes()).await.problem(413);
    app.call_with(Method::POST, "/api/v1/tasks", &[JSON], body.as_bytes()).await.problem(413);
    assert_eq!(app.post("/api/v1/tasks", new_task("a")).await.status, 201);
}

#[tokio::test]
async fn wrong_method_is_405_with_allow_header() {
    let app = App::start().await;
    for (method, path, allow) in [
        (Method::PUT, "/api/v1/tasks", "GET, HEAD, POST"),
        (Method::POST, "/api/v1/tasks/a", "DELETE, GET, HEAD, PATCH, PUT"),
        (Method::GET, "/api/v1/tasks/a/run", "POST"),
        (Method::DELETE, "/api/v1/stats", "GET, HEAD"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::POST, "/openapi.json", "GET, HEAD"),
    ] {
        let refused = app.call_with(method.clone(), path, &[], b"").await;
        refused.problem(405);
        assert_eq!(refused.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn head_returns_get_headers_without_body() {
    let app = App::start().await;
    app.task("a").await;
    for path in ["/api/v1/tasks", "/api/v1/tasks/a", "/healthz", "/openapi.json", "/docs"] {
        let head = app.call_with(Method::HEAD, path, &[], b"").await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), app.get(path).await.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn paths_must_be_utf8_without_nul() {
    let app = App::start().await;
    app.get("/api/v1/tasks/%ff").await.problem(400);
    app.get("/api/v1/tasks/a%00b").await.problem(400);
    app.get("/api/v1/tasks/%").await.problem(404);
}
