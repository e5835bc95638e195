//! `/export` and `/import`: all tasks as one document, and past executions.

use poem::http::Method;
use serde_json::{Value, json};

use crate::app::{App, new_task};

const YAML: (&str, &str) = ("content-type", "application/yaml");

#[tokio::test]
async fn export_and_import_round_trip_as_json_and_yaml() {
    let app = App::start().await;
    app.task("b").await;
    app.task("a").await;
    let json = app.get("/api/v1/export").await;
    assert_eq!((json.status, json.header("content-type")), (200, "application/json"));
    assert_eq!(json.header("content-disposition"), "attachment; filename=\"tasks.json\"");
    let expected = json!({"id": "a", "type": "note", "trigger": {"type": "cron", "hour": 9, "timezone": "Asia/Shanghai"}});
    assert_eq!((&json.json["version"], &json.json["tasks"][0], &json.json["secrets"]), (&json!(1), &expected, &json!([])));
    let accepted = app.call_with(Method::GET, "/api/v1/export", &[("accept", "application/yaml")], b"").await;
    let yaml = app.get("/api/v1/export?format=yaml").await;
    assert_eq!((yaml.header("content-type"), &yaml.text), ("application/yaml", &accepted.text));
    assert!(yaml.text.starts_with("version: 1\ntasks:\n  - id: a\n    type: note\n"), "{}", yaml.text);
    for (kind, body) in
        [("application/json", &json.text), ("application/yaml; charset=utf-8", &yaml.text), ("text/yaml", &yaml.text)]
    {
        let reply = app.call_with(Method::POST, "/api/v1/import?prune=true", &[("content-type", kind)], body.as_bytes()).await;
        assert_eq!(
            (reply.status, &reply.json["unchanged"], &reply.json["changes"]),
            (200, &json!(2), &json!([])),
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn import_reports_its_changes() {
    let app = App::start().await;
    app.task("a").await;
    app.task("gone").await;
    let body = b"tasks:\n  - {id: a, type: note, trigger: {type: cron, hour: 10, timezone: Asia/Shanghai}}\n  - {id: n, type: note, trigger: {type: idle}}\n";
    let dry = app.call_with(Method::POST, "/api/v1/import?dry_run=true&prune=true", &[YAML], body).await;
    assert_eq!(dry.json["applied"], false);
    let changes: Vec<_> = dry.json["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["action"].as_str().unwrap(), one["id"].as_str().unwrap()))
        .collect();
    assert_eq!(changes, [("update", "a"), ("create", "n"), ("delete", "gone")]);
    assert_eq!(dry.json["changes"][0]["differences"], json!([{"pointer": "/trigger/hour", "before": 9, "after": 10}]));
    assert_eq!(dry.json["changes"][0]["firings_after"][0], "2026-11-21T10:00:00.000+08:00");
    assert_eq!(app.get("/api/v1/tasks/n").await.status, 404);
    let done = app.call_with(Method::POST, "/api/v1/import?prune=true", &[YAML], body).await;
    assert_eq!((&done.json["applied"], &done.json["changes"]), (&json!(true), &dry.json["changes"]));
    assert_eq!(app.get("/api/v1/tasks").await.json["total"], 2);
    assert_eq!(app.get("/api/v1/tasks/n").await.json["managed_by"], Value::Null);
}

#[tokio::test]
async fn import_faults_have_pointers() {
    let app = App::start().await;
    let send = async |path: &str, kind: &str, body: &str| {
        app.call_with(Method::POST, path, &[("content-type", kind)], body.as_bytes()).await
    };
    send("/api/v1/import", "application/yaml", "tasks: [").await.problem(400);
    send("/api/v1/import", "application/json", "{").await.problem(400);
    send("/api/v1/import", "application/yaml", "").await.invalid(&[""]);
    send("/api/v1/import", "application/yaml", "task: []").await.invalid(&["/tasks", "/task"]);
    send("/api/v1/import", "application/yaml", "tasks: [{id: a, type: note, trigger: {type: cron, hour: 25}}, {id: b}]")
        .await
        .invalid(&["/tasks/0/trigger/hour", "/tasks/1/type", "/tasks/1/trigger"]);
    send("/api/v1/import", "text/plain", "tasks: []").await.problem(415);
    send("/api/v1/import?prune=maybe", "application/yaml", "tasks: []").await.invalid(&["/prune"]);
    send("/api/v1/import", "application/yaml", &" ".repeat((16 << 20) + 1)).await.problem(413);
    app.get("/api/v1/export?format=xml").await.invalid(&["/format"]);
    app.bare(Method::GET, "/api/v1/export", &[], b"").await.problem(401);
    assert_eq!(app.get("/api/v1/tasks").await.json["total"], 0);
}

#[tokio::test]
async fn import_accepts_large_documents() {
    let app = App::start().await;
    let tasks: Vec<Value> = (0..3000)
        .map(|n| {
            let mut task = new_task(&format!("t{n}"));
            task["description"] = json!("x".repeat(500));
            task
        })
        .collect();
    let reply = app.post("/api/v1/import", json!({"tasks": tasks})).await;
    assert_eq!((reply.status, reply.json["changes"].as_array().map(Vec::len)), (200, Some(3000)));
}

#[tokio::test]
async fn past_executions_are_imported_once() {
    let app = App::start().await;
    app.task("a").await;
    let body = json!({"executions": [{"task_id": "a", "task_type": "note", "status": "succeeded",
        "started_at": "2026-10-01T08:00:00.120+08:00", "duration_ms": 850}]});
    assert_eq!(app.post("/api/v1/import/executions", body.clone()).await.json, json!({"inserted": 1, "known": 0}));
    assert_eq!(app.post("/api/v1/import/executions", body).await.json, json!({"inserted": 0, "known": 1}));
    let list = app.get("/api/v1/executions?cause=import").await.json;
    let run = &list["items"][0];
    assert_eq!(
        (&run["task_id"], &run["duration_ms"], &run["requested_by"]),
        (&json!("a"), &json!(850), &json!("admin")),
        "{run}"
    );
    assert_eq!(app.get("/api/v1/tasks/a").await.json["stats"]["run_count"], 1);
    app.post("/api/v1/import/executions", json!({"executions": [{"task_id": "a"}]})).await.invalid(&["/executions/0/started_at"]);
}
