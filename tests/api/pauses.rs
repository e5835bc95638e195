//! Pauses with an end and a reason, occurrences, backfills and explanations.

use poem::http::Method;
use serde_json::{Value, json};

use crate::app::App;

/// An app with a daily task since January.
async fn daily() -> App {
    let app = App::start().await;
    let trigger = json!({"type": "interval", "days": 1, "start_date": "2026-01-01 08:00", "timezone": "Asia/Shanghai"});
    let created = app.post("/api/v1/tasks", json!({"id": "a", "type": "note", "trigger": trigger})).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json["paused"], Value::Null);
    app
}

#[tokio::test]
async fn pause_has_an_end_and_a_reason() {
    let app = daily().await;
    let paused = app.post("/api/v1/tasks/a/pause", json!({"until": "2026-12-01 08:00", "reason": "stocktaking"})).await;
    let pause = &paused.json["paused"];
    assert_eq!((paused.status, &paused.json["enabled"]), (200, &json!(false)));
    assert_eq!((&pause["until"], &pause["reason"]), (&json!("2026-12-01T08:00:00.000+08:00"), &json!("stocktaking")));
    assert_eq!(pause["since"], "2026-11-21T08:00:00.000+08:00");
    app.post("/api/v1/tasks/a/pause", json!({"until": "2026-11-21 08:00"})).await.invalid(&["/until"]);
    app.post("/api/v1/tasks/a/pause", json!({"until": "2046-11-21"})).await.invalid(&["/until"]);
    app.post("/api/v1/tasks/a/pause", json!({"until": null, "reason": "x".repeat(501), "for": 1}))
        .await
        .invalid(&["/until", "/reason", "/for"]);
    let plain = app.call_with(Method::POST, "/api/v1/tasks/a/pause", &[], b"").await;
    assert_eq!(plain.json["paused"]["reason"], "stocktaking", "a plain request changes nothing");
    let resumed = app.post("/api/v1/tasks/a/resume", json!({})).await;
    assert_eq!(resumed.json["paused"], Value::Null);
    let disabled = app.send(Method::PATCH, "/api/v1/tasks/a", json!({"enabled": false})).await;
    assert_eq!((&disabled.json["paused"]["until"], &disabled.json["paused"]["reason"]), (&Value::Null, &json!("")));
}

#[tokio::test]
async fn bulk_pause_has_an_end_and_a_reason() {
    let app = daily().await;
    let body = json!({"action": "pause", "ids": ["a"], "until": "2026-12-01", "reason": "moving"});
    assert_eq!(app.post("/api/v1/tasks/bulk", body).await.json["done"], 1);
    assert_eq!(app.get("/api/v1/tasks/a").await.json["paused"]["reason"], "moving");
    app.post("/api/v1/tasks/bulk", json!({"action": "pause", "ids": ["a"], "until": "2020-01-01"})).await.invalid(&["/until"]);
    app.post("/api/v1/tasks/bulk", json!({"action": "run", "ids": ["a"], "until": "2030-01-01"})).await.invalid(&["/until"]);
}

#[tokio::test]
async fn occurrences_are_listed_in_pages() {
    let app = daily().await;
    let page = app.get("/api/v1/tasks/a/occurrences?from=2026-11-01&to=2026-11-23&limit=20").await;
    let items = page.json["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["status"]), (20, &json!("unrecorded")));
    assert_eq!(items[0]["reason"], "before the task existed");
    let next = page.json["next"].as_str().unwrap().replace('+', "%2B");
    let rest = app.get(&format!("/api/v1/tasks/a/occurrences?from={next}&to=2026-11-23")).await;
    let rest = rest.json["items"].as_array().unwrap();
    assert_eq!((rest.len(), &rest[1]["status"]), (2, &json!("planned")));
    app.get("/api/v1/tasks/a/occurrences?from=2020-01-01").await.invalid(&["/to"]);
    app.get("/api/v1/tasks/a/occurrences?from=2026-11-02&to=2026-11-01").await.invalid(&["/from"]);
    app.get("/api/v1/tasks/a/occurrences?limit=0").await.invalid(&["/limit"]);
    app.get("/api/v1/tasks/b/occurrences").await.problem(404);
}

#[tokio::test]
async fn backfill_is_accepted_shown_and_cancelled() {
    let app = daily().await;
    let span = json!({"from": "2026-11-01", "to": "2026-11-08", "only": "all", "concurrency": 2});
    let started = app.post("/api/v1/tasks/a/backfill", span.clone()).await;
    assert_eq!((started.status, &started.json["planned"]), (202, &json!(7)));
    let shown = app.get(started.header("location")).await;
    assert_eq!(
        (&shown.json["status"], &shown.json["waiting"], &shown.json["only"]),
        (&json!("running"), &json!(7), &json!("all"))
    );
    app.post("/api/v1/tasks/a/backfill", span).await.problem(409);
    let listed = app.get("/api/v1/backfills?task_id=a").await;
    assert_eq!(listed.json[0]["id"], started.json["id"]);
    let cancel = format!("{}/cancel", started.header("location"));
    assert_eq!(app.post(&cancel, json!({})).await.json["status"], "cancelled");
    app.post(&cancel, json!({})).await.problem(409);
    app.get("/api/v1/backfills").await.invalid(&["/task_id"]);
    app.get("/api/v1/backfills/none").await.problem(404);
    app.get("/api/v1/backfills?task_id=b").await.problem(404);
    app.post("/api/v1/tasks/a/backfill", json!({"from": "2026-11-02", "to": "2026-11-01"})).await.invalid(&["/to"]);
    app.post("/api/v1/tasks/a/backfill", json!({"only": "some", "concurrency": 101})).await.invalid(&[
        "/from",
        "/to",
        "/only",
        "/concurrency",
    ]);
    let chosen = json!({"times": ["2026-11-03 08:00", "2026-11-05 08:00"]});
    let started = app.post("/api/v1/tasks/a/backfill", chosen).await;
    assert_eq!((started.status, &started.json["planned"]), (202, &json!(2)));
    assert_eq!(app.get(started.header("location")).await.json["only"], "chosen");
    app.post(&format!("{}/cancel", started.header("location")), json!({})).await;
    app.post("/api/v1/tasks/a/backfill", json!({"times": ["2026-11-03 08:01"]})).await.invalid(&["/times/0"]);
    app.post("/api/v1/tasks/a/backfill", json!({"times": [], "only": "all"})).await.invalid(&["/times", "/only"]);
    let audit = app.get("/api/v1/audit?target=task:a&action=task.cancel_backfill").await;
    assert_eq!(audit.json["total"], 2);
}

#[tokio::test]
async fn explanation_names_each_condition() {
    let app = daily().await;
    let found = app.get("/api/v1/tasks/a/why?at=2026-11-22%2008:00").await;
    assert_eq!((found.status, &found.json["due"], &found.json["decided"]), (200, &json!(true), &Value::Null));
    let other = app.get("/api/v1/tasks/a/why?at=2026-11-22%2009:00").await;
    assert_eq!(other.json["due"], false);
    let reasons = other.json["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|one| one["what"] == "interval" && one["holds"] == false), "{reasons:?}");
    let chinese = app.call_with(Method::GET, "/api/v1/tasks/a/why?at=2026-11-22", &[("accept-language", "zh")], b"").await;
    assert!(!chinese.json["reasons"][0]["detail"].as_str().unwrap().is_ascii());
    app.get("/api/v1/tasks/a/why?at=soon").await.invalid(&["/at"]);
    app.get("/api/v1/tasks/b/why?at=2026-11-22").await.problem(404);
}

#[tokio::test]
async fn backfills_and_runs_refuse_what_the_document_does_not_allow() {
    let app = App::start().await;
    app.post(
        "/api/v1/tasks",
        json!({"id": "a", "type": "note", "params": {"message": "x"}, "trigger": {"type": "cron", "hour": 8}}),
    )
    .await;
    app.post("/api/v1/tasks/a/backfill", json!({"from": "2026-11-01", "to": "2026-11-08", "times": null}))
        .await
        .invalid(&["/times"]);
    let inputs: serde_json::Map<String, serde_json::Value> = (0..31).map(|number| (format!("input{number}"), json!(1))).collect();
    app.post("/api/v1/tasks/a/run", json!({"inputs": inputs})).await.invalid(&["/inputs"]);
}
