//! `/tasks/bulk`: actions on many tasks.

use poem::http::Method;
use serde_json::json;

use crate::app::{App, new_task};

#[tokio::test]
async fn bulk_action_by_ids_reports_failures() {
    let app = App::start().await;
    app.task("a").await;
    app.task("b").await;
    let done = app.post("/api/v1/tasks/bulk", json!({"action": "pause", "ids": ["a", "none", "b"]})).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json["done"], 2);
    assert_eq!(done.json["errors"][0]["id"], "none");
    assert_eq!(done.json["errors"][0]["message"], "there is no task 'none'");
    assert_eq!(app.get("/api/v1/tasks?enabled=false").await.json["total"], 2);
    let run = app.post("/api/v1/tasks/bulk", json!({"action": "run", "ids": ["a"]})).await;
    assert_eq!((&run.json["matched"], &run.json["done"], &run.json["errors"]), (&json!(1), &json!(1), &json!([])));
    assert_eq!(app.get("/api/v1/executions").await.json["total"], 1);
}

#[tokio::test]
async fn failures_of_a_bulk_action_are_in_the_callers_language() {
    let app = App::start().await;
    let headers = [("content-type", "application/json"), ("accept-language", "zh-CN")];
    let body = json!({"action": "pause", "ids": ["none"]}).to_string();
    let done = app.call_with(Method::POST, "/api/v1/tasks/bulk", &headers, body.as_bytes()).await;
    let message = done.json["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("none") && !message.is_ascii(), "{message}");
}

#[tokio::test]
async fn bulk_action_by_filter() {
    let app = App::start().await;
    for (id, tag) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut body = new_task(id);
        body["tags"] = json!([tag]);
        assert_eq!(app.post("/api/v1/tasks", body).await.status, 201);
    }
    let done = app.post("/api/v1/tasks/bulk", json!({"action": "delete", "filter": {"tag": "x"}})).await;
    assert_eq!(done.json, json!({"matched": 2, "done": 2, "errors": []}), "{}", done.text);
    assert_eq!(app.get("/api/v1/tasks").await.json["items"][0]["id"], "b");
    let done = app.post("/api/v1/tasks/bulk", json!({"action": "pause", "filter": {"enabled": true}})).await;
    assert_eq!(done.json["done"], 1);
}

#[tokio::test]
async fn invalid_bulk_request_is_rejected() {
    let app = App::start().await;
    let refuse = async |body| app.post("/api/v1/tasks/bulk", body).await;
    refuse(json!({})).await.invalid(&["/action", "/ids"]);
    refuse(json!({"action": "explode", "ids": []})).await.invalid(&["/action"]);
    refuse(json!({"action": "run", "ids": ["a"], "filter": {}})).await.invalid(&["/filter"]);
    refuse(json!({"action": "run", "ids": [1]})).await.invalid(&["/ids/0"]);
    refuse(json!({"action": "run", "filter": {"colour": 1, "status": "x"}})).await.invalid(&["/filter/status", "/filter/colour"]);
    refuse(json!({"action": "run", "ids": [], "force": true})).await.invalid(&["/force"]);
}

#[tokio::test]
async fn bulk_action_beyond_the_wait_is_an_operation() {
    let app = App::start().await;
    let ids: Vec<String> = (0..30).map(|n| format!("t{n:02}")).collect();
    for id in &ids {
        app.task(id).await;
    }
    let done = app.post("/api/v1/tasks/bulk", json!({"action": "pause", "ids": ids})).await;
    assert_eq!((done.status, &done.json), (200, &json!({"matched": 30, "done": 30, "errors": []})), "{}", done.text);
    app.get("/api/v1/operations/none").await.problem(404);
    app.post("/api/v1/operations/none/cancel", serde_json::Value::Null).await.problem(404);
}
