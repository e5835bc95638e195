//! `/tasks/bulk`: actions on many tasks.

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
    assert!(!done.json["errors"][0]["message"].as_str().unwrap().is_empty());
    assert_eq!(app.get("/api/v1/tasks?enabled=false").await.json["total"], 2);
    let run = app.post("/api/v1/tasks/bulk", json!({"action": "run", "ids": ["a"]})).await;
    assert_eq!((&run.json["matched"], &run.json["done"], &run.json["errors"]), (&json!(1), &json!(1), &json!([])));
    assert_eq!(app.get("/api/v1/executions").await.json["total"], 1);
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
    let done = app.post("/api/v1/tasks/bulk", json!({"action": "pause", "filter": {"enabled": true, "search": null}})).await;
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
