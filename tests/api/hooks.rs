//! Hooks: made and revoked with a token, called without one.

use belfry::domain::execution::Cause;
use hmac::{Hmac, KeyInit, Mac};
use poem::http::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::app::{App, Reply, new_task};

/// Seconds since 1970 of the tests' clock.
const NOW: i64 = 1_795_219_200;

async fn hook(app: &App, body: Value) -> (String, Value) {
    let created = app.post("/api/v1/tasks/deploy/hooks", body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let url = created.json["url"].as_str().unwrap();
    let path = url.strip_prefix("https://belfry.example.com").unwrap_or_else(|| panic!("{url}")).to_owned();
    (path, created.json)
}

async fn call(app: &App, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    app.bare(Method::POST, path, headers, body).await
}

fn mac(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

#[tokio::test]
async fn a_call_queues_a_run_with_its_body() {
    let app = App::start().await;
    let mut task = new_task("deploy");
    task["params"] = json!({"message": "{{ hook.json.ref }}"});
    assert_eq!(app.post("/api/v1/tasks", task).await.status, 201);
    let (path, created) = hook(&app, json!({"name": "ci"})).await;
    assert!(path.len() > "/hook/blh_".len() + 40, "at least 128 bits: {path}");
    let headers = [("x-github-event", "push"), ("authorization", "Bearer x"), ("cookie", "a=b")];
    let called = call(&app, &path, &headers, br#"{"ref": "main"}"#).await;
    assert_eq!(called.status, 202, "{}", called.text);
    let run = app.get(&format!("/api/v1/executions/{}", called.json["execution_id"].as_str().unwrap())).await.json;
    assert_eq!((&run["cause"], &run["requested_by"]), (&json!(Cause::Hook.as_str()), &json!("hook ci")));
    assert_eq!(run["hook"], json!({"name": "ci", "headers": {"x-github-event": "push"}, "body": "{\"ref\": \"main\"}"}));
    let listed = app.get("/api/v1/tasks/deploy/hooks").await;
    assert!(listed.json[0]["used_at"].is_string() && listed.json[0]["id"] == created["id"]);
    let secret = path.trim_start_matches("/hook/");
    assert!(!listed.text.contains(secret), "the address is shown once");
    assert!(!app.get("/api/v1/audit").await.text.contains(secret));
    assert_eq!(called.header("set-cookie"), "");
}

#[tokio::test]
async fn a_repeated_call_starts_nothing_new() {
    let app = App::start().await;
    app.task("deploy").await;
    app.allow_overlap("deploy").await;
    let (path, _) = hook(&app, json!({})).await;
    let (other, _) = hook(&app, json!({})).await;
    let id = async |path: &str, name: &str| call(&app, path, &[(name, "one")], b"{}").await.json["execution_id"].clone();
    let first = id(&path, "idempotency-key").await;
    assert!(first.is_string());
    assert_eq!(id(&path, "x-github-delivery").await, first);
    assert_eq!(id(&path, "webhook-id").await, first);
    assert_ne!(id(&other, "webhook-id").await, first, "another hook has ids of its own");
    assert_ne!(call(&app, &path, &[], b"{}").await.json["execution_id"], first);
    call(&app, &path, &[("idempotency-key", "a b")], b"{}").await.problem(422);
}

#[tokio::test]
async fn signed_calls_are_verified() {
    let app = App::start().await;
    app.task("deploy").await;
    app.allow_overlap("deploy").await;
    let body = br#"{"a": 1}"#;
    let (path, created) = hook(&app, json!({"hmac": "github"})).await;
    let key = created["secret"].as_str().expect("the server makes a key").as_bytes().to_vec();
    let right = format!("sha256={}", data_encoding::HEXLOWER.encode(&mac(&key, body)));
    assert_eq!(call(&app, &path, &[("x-hub-signature-256", &right)], body).await.status, 202);
    call(&app, &path, &[("x-hub-signature-256", &right)], b"{}").await.problem(401);
    call(&app, &path, &[], body).await.problem(401);

    let key = b"0123456789abcdef0123456789abcdef";
    let secret = format!("whsec_{}", data_encoding::BASE64.encode(key));
    let (path, created) = hook(&app, json!({"hmac": "standard_webhooks", "secret": secret})).await;
    assert_eq!(created["secret"], Value::Null, "a key of one's own is not repeated");
    let signed = async |at: i64, id: &str| {
        let at = at.to_string();
        let content = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
        let signature = format!("v1,{}", data_encoding::BASE64.encode(&mac(key, &content)));
        call(&app, &path, &[("webhook-id", id), ("webhook-timestamp", &at), ("webhook-signature", &signature)], body).await
    };
    let first = signed(NOW, "msg_1").await;
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(signed(NOW - 100, "msg_1").await.json, first.json, "a replay starts nothing new");
    signed(NOW - 301, "msg_2").await.problem(401);
    signed(NOW + 301, "msg_2").await.problem(401);
    app.post("/api/v1/tasks/deploy/hooks", json!({"hmac": "github", "secret": "short"})).await.invalid(&["/secret"]);
    assert!(!app.get("/api/v1/audit").await.text.contains(&secret));
}

#[tokio::test]
async fn calls_that_cannot_start_a_run_say_why() {
    let app = App::start().await;
    app.task("deploy").await;
    let (path, created) = hook(&app, json!({})).await;
    call(&app, "/hook/blh_nothing", &[], b"{}").await.problem(404);
    call(&app, &format!("/hook/{}", "x".repeat(5000)), &[], b"{}").await.problem(404);
    call(&app, &path, &[], &[b'x'; 256 * 1024 + 1]).await.problem(413);
    call(&app, &path, &[], b"\xff").await.problem(422);
    call(&app, &path, &[], b"a\0b").await.problem(422);
    let got = app.bare(Method::GET, &path, &[], b"").await;
    assert_eq!((got.status, got.header("allow")), (405, "POST"));
    for _ in 0..3 {
        assert_eq!(call(&app, &path, &[], b"").await.status, 202, "an empty body is fine");
    }
    call(&app, &path, &[], b"{}").await.problem(409);
    assert_eq!(app.post("/api/v1/tasks/deploy/pause", json!({})).await.status, 200);
    let paused = call(&app, &path, &[], b"{}").await;
    assert!(paused.problem(409).text.contains("paused"), "{}", paused.text);
    let hook = format!("/api/v1/tasks/deploy/hooks/{}", created["id"].as_str().unwrap());
    assert_eq!(app.delete(&hook).await.status, 204);
    call(&app, &path, &[], b"{}").await.problem(404);
    app.delete(&hook).await.problem(404);
}

#[tokio::test]
async fn rotation_ends_the_former_address() {
    let app = App::start().await;
    app.task("deploy").await;
    app.allow_overlap("deploy").await;
    let (former, created) = hook(&app, json!({})).await;
    let rotate = format!("/api/v1/tasks/deploy/hooks/{}/rotate", created["id"].as_str().unwrap());
    let rotated = app.post(&rotate, json!({})).await;
    let path = rotated.json["url"].as_str().unwrap().trim_start_matches("https://belfry.example.com").to_owned();
    assert_eq!((rotated.status, &rotated.json["id"]), (200, &created["id"]));
    call(&app, &former, &[], b"{}").await.problem(404);
    assert_eq!(call(&app, &path, &[], b"{}").await.status, 202);
}

#[tokio::test]
async fn hooks_die_with_their_task() {
    let app = App::start().await;
    app.task("deploy").await;
    let (path, _) = hook(&app, json!({})).await;
    assert_eq!(app.delete("/api/v1/tasks/deploy").await.status, 204);
    app.task("deploy").await;
    call(&app, &path, &[], b"{}").await.problem(404);
    assert_eq!(app.get("/api/v1/tasks/deploy/hooks").await.json, json!([]));
}

#[tokio::test]
async fn hooks_are_limited_in_number_and_rate() {
    let app = App::start().await;
    app.task("deploy").await;
    app.allow_overlap("deploy").await;
    let (path, _) = hook(&app, json!({})).await;
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(call(&app, &path, &[("idempotency-key", "same")], b"{}").await.status);
    }
    assert!(statuses.starts_with(&[202; 60]) && statuses.contains(&429), "{statuses:?}");
    for _ in 1..20 {
        hook(&app, json!({})).await;
    }
    app.post("/api/v1/tasks/deploy/hooks", json!({})).await.problem(409);
}
