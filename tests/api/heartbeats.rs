//! Heartbeats: managed with a token, pinged without one.

use poem::http::Method;
use serde_json::{Value, json};

use crate::app::{App, Reply};

async fn create(app: &App, body: Value) -> (String, Value) {
    let created = app.post("/api/v1/heartbeats", body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    (created.json["url"].as_str().unwrap().trim_start_matches("https://belfry.example.com").to_owned(), created.json)
}

async fn ping(app: &App, method: Method, path: &str, body: &[u8]) -> Reply {
    app.bare(method, path, &[], body).await
}

async fn pings(app: &App) -> Value {
    app.get("/api/v1/heartbeats/backup/pings").await.json
}

#[tokio::test]
async fn pings_are_recorded_without_a_token() {
    let app = App::start().await;
    let (path, created) = create(&app, json!({"id": "backup", "period_seconds": 600, "tags": ["ops"]})).await;
    assert_eq!((&created["status"], &created["grace_seconds"], &created["version"]), (&json!("new"), &json!(300), &json!(1)));
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let reply = ping(&app, method.clone(), &path, b"").await;
        assert_eq!((reply.status, reply.header("set-cookie")), (200, ""), "{method}");
        assert!(method == Method::HEAD || reply.text == "OK");
    }
    assert_eq!(app.get("/api/v1/heartbeats/backup").await.json["status"], "up");
    assert_eq!(ping(&app, Method::GET, &format!("{path}/start"), b"").await.status, 200);
    assert_eq!(ping(&app, Method::POST, &format!("{path}/3"), b"disk full\0").await.status, 200);
    let rows = pings(&app).await;
    assert_eq!((&rows[0]["status"], &rows[0]["exit_code"], &rows[0]["duration_ms"]), (&json!("failed"), &json!(3), &json!(0)));
    assert_eq!(rows[0]["body"], "disk full\u{fffd}");
    assert_eq!(app.get("/api/v1/heartbeats/backup").await.json["status"], "down");
    ping(&app, Method::GET, &format!("{path}/fail"), b"").await;
    assert_eq!(ping(&app, Method::GET, &format!("{path}/0"), b"").await.status, 200);
    assert_eq!(app.get("/api/v1/heartbeats/backup").await.json["status"], "up");
    assert_eq!(app.get("/api/v1/heartbeats").await.json[0]["url"], Value::Null, "lists have no addresses");
}

#[tokio::test]
async fn long_bodies_are_cut() {
    let app = App::start().await;
    let (path, _) = create(&app, json!({"id": "backup", "period_seconds": 600})).await;
    assert_eq!(ping(&app, Method::POST, &path, &vec![b'x'; 200 * 1024]).await.status, 200);
    let body = pings(&app).await[0]["body"].as_str().unwrap().to_owned();
    assert!(body.len() == 100 * 1024 + "…".len() && body.ends_with('…'), "{}", body.len());
    ping(&app, Method::POST, &path, &vec![b'x'; (1 << 20) + 1]).await.problem(413);
}

#[tokio::test]
async fn unknown_addresses_and_parts_answer_404() {
    let app = App::start().await;
    let (path, _) = create(&app, json!({"id": "backup", "period_seconds": 600})).await;
    for wrong in ["/ping/none".to_owned(), format!("/ping/{}", "x".repeat(9000)), format!("{path}/stop"), format!("{path}/1.5")] {
        ping(&app, Method::GET, &wrong, b"").await.problem(404);
    }
    let put = ping(&app, Method::PUT, &path, b"").await;
    assert_eq!((put.status, put.header("allow")), (405, "GET, HEAD, POST"));
    let rotated = app.post("/api/v1/heartbeats/backup/rotate", json!({})).await;
    ping(&app, Method::GET, &path, b"").await.problem(404);
    let path = rotated.json["url"].as_str().unwrap().trim_start_matches("https://belfry.example.com").to_owned();
    assert_eq!(ping(&app, Method::GET, &path, b"").await.status, 200);
    assert_eq!(app.delete("/api/v1/heartbeats/backup").await.status, 204);
    ping(&app, Method::GET, &path, b"").await.problem(404);
}

#[tokio::test]
async fn pings_are_limited_in_rate() {
    let app = App::start().await;
    let (path, _) = create(&app, json!({"id": "backup", "period_seconds": 600})).await;
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(ping(&app, Method::GET, &path, b"").await.status);
    }
    assert!(statuses.starts_with(&[200; 60]) && statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn heartbeats_are_checked_and_versioned() {
    let app = App::start().await;
    app.post("/api/v1/heartbeats", json!({"id": "-", "cron": "0 25 * * *"})).await.invalid(&["/id", "/cron"]);
    app.post("/api/v1/heartbeats", json!({"id": "a"})).await.invalid(&["/cron"]);
    create(&app, json!({"id": "a", "cron": "0 3 * * *"})).await;
    app.post("/api/v1/heartbeats", json!({"id": "a", "cron": "0 3 * * *"})).await.problem(409);
    let found = app.get("/api/v1/heartbeats/a").await;
    assert_eq!((found.header("etag"), &found.json["timezone"]), ("\"1\"", &json!("Asia/Shanghai")));
    assert_eq!(found.json["expected_at"], "2026-11-22T03:00:00.000+08:00");
    let replace = async |tag: &str, body: Value| {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        app.call_with(Method::PUT, "/api/v1/heartbeats/a", &headers, body.to_string().as_bytes()).await
    };
    let off = replace("\"1\"", json!({"id": "a", "cron": "0 3 * * *", "enabled": false})).await;
    assert_eq!((off.status, &off.json["status"], &off.json["expected_at"]), (200, &json!("off"), &Value::Null), "{}", off.text);
    replace("\"1\"", json!({"id": "a", "cron": "0 3 * * *"})).await.problem(412);
    replace("\"2\"", json!({"id": "b", "cron": "0 3 * * *"})).await.invalid(&["/id"]);
    app.get("/api/v1/heartbeats/none").await.problem(404);
}
