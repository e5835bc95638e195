//! Server errors: problem documents without details of the cause.

use std::time::Duration;

use belfry::api::Options;
use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn unavailable_database_is_a_503_without_details() {
    let app = App::start().await;
    let bearer = format!("Bearer {}", crate::app::TOKEN);
    app.database().close().await;
    let refused = app.bare(poem::http::Method::GET, "/api/v1/tasks", &[("authorization", &bearer)], b"").await;
    refused.problem(503);
    assert!(refused.text.contains("the database is not available now"), "{}", refused.text);
    for word in ["sql", "pool", "select", "sqlite", ".rs"] {
        assert!(!refused.text.to_lowercase().contains(word), "{}", refused.text);
    }
    app.bare(poem::http::Method::GET, "/readyz", &[], b"").await.problem(503);
    assert_eq!(app.bare(poem::http::Method::GET, "/healthz", &[], b"").await.status, 200);
}

#[tokio::test]
async fn slow_request_times_out_with_503() {
    let app = App::start_with(Options { request_timeout: Duration::ZERO, ..Options::default() }).await;
    let _writing = app.database().write().await.unwrap();
    app.post("/api/v1/tasks", crate::app::new_task("a")).await.problem(503);
}

#[tokio::test]
async fn event_streams_end_on_shutdown() {
    let options = Options::default();
    let app = App::start_with(options.clone()).await;
    let response = app.client.get("/events").header("cookie", app.cookie()).send().await.0;
    options.shutdown.cancel();
    let text = tokio::time::timeout(Duration::from_secs(10), response.into_body().into_string()).await;
    assert_eq!(text.expect("ends").unwrap(), "retry: 2000\n\n");
}

#[tokio::test]
async fn panic_is_a_500_and_the_server_continues() {
    let app = App::start().await;
    let mut body = crate::app::new_task("a");
    body["type"] = json!("danger");
    body["params"] = json!({"message": "panic"});
    let refused = app.post("/api/v1/tasks", body).await;
    refused.problem(500);
    assert!(!refused.text.contains("fault of the program"), "{}", refused.text);
    assert_eq!(app.get("/api/v1/tasks").await.json["total"], 0);
}
