//! `/users`, `/tokens`, `/me/password`, `/audit` and `/tasks/{id}/versions`.

use belfry::domain::node::NodeIdentity;
use belfry::storage::execution::{self, Claim};
use belfry::storage::node;
use poem::http::Method;
use serde_json::{Value, json};

use crate::app::App;

async fn as_bearer(app: &App, token: &str, method: Method, path: &str) -> u16 {
    app.bare(method, path, &[("authorization", &format!("Bearer {token}"))], b"").await.status
}

#[tokio::test]
async fn account_lifecycle() {
    let app = App::start().await;
    let created = app.post("/api/v1/users", json!({"name": "bob", "role": "editor", "password": "correct battery"})).await;
    assert_eq!((created.status, created.header("location")), (201, "/api/v1/users/bob"), "{}", created.text);
    assert!(!created.text.contains("battery"));
    app.post("/api/v1/users", json!({"name": "BOB"})).await.problem(409);
    app.post("/api/v1/users", json!({"name": "a b", "password": "short"})).await.invalid(&["/name", "/password"]);
    app.post("/api/v1/users", json!({"role": "king", "more": 1})).await.invalid(&["/name", "/role", "/more"]);
    let reply = app.post("/api/v1/users", json!({"name": "x", "password": ["hunter2"]})).await;
    reply.invalid(&["/password"]);
    assert!(!reply.text.contains("hunter2"));
    let changed = app.send(Method::PUT, "/api/v1/users/bob", json!({"grants": ["danger"], "disabled": true})).await;
    assert_eq!(
        (&changed.json["role"], &changed.json["grants"], &changed.json["disabled"]),
        (&json!("editor"), &json!(["danger"]), &json!(true))
    );
    app.send(Method::PUT, "/api/v1/users/bob", json!({"grants": ["nothing"]})).await.invalid(&["/grants/0"]);
    app.send(Method::PUT, "/api/v1/users/admin", json!({"role": "viewer"})).await.problem(409);
    assert_eq!(app.get("/api/v1/users").await.json.as_array().map(Vec::len), Some(2));
    assert_eq!(app.delete("/api/v1/users/bob").await.status, 204);
    app.get("/api/v1/users/bob").await.problem(404);
}

#[tokio::test]
async fn token_text_is_shown_once() {
    let app = App::start().await;
    app.post("/api/v1/tokens", json!({"name": "x", "expires_at": "2020-01-01"})).await.invalid(&["/expires_at"]);
    app.post("/api/v1/tokens", json!({"name": "x", "expires_at": "soon"})).await.invalid(&["/expires_at"]);
    let created = app.post("/api/v1/tokens", json!({"name": "deploy", "role": "viewer"})).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let text = created.json["token"].as_str().expect("its text").to_owned();
    assert!(!app.get("/api/v1/tokens").await.text.contains(&text));
    assert_eq!(as_bearer(&app, &text, Method::GET, "/api/v1/tasks").await, 200);
    assert_eq!(as_bearer(&app, &text, Method::GET, "/api/v1/users").await, 403);
    assert_eq!(as_bearer(&app, &text, Method::POST, "/api/v1/tokens").await, 400, "a body is needed, the role would do");
    let path = format!("/api/v1/tokens/{}", created.json["id"].as_str().expect("an id"));
    assert_eq!(app.delete(&path).await.status, 204);
    assert_eq!(as_bearer(&app, &text, Method::GET, "/api/v1/tasks").await, 401, "revoked at once");
    app.delete(&path).await.problem(404);
}

#[tokio::test]
async fn changing_own_password_requires_the_current_one() {
    let app = App::start().await;
    let put = async |body: Value| app.send(Method::PUT, "/api/v1/me/password", body).await;
    put(json!({})).await.invalid(&["/present", "/password"]);
    put(json!({"present": "wrong", "password": "staple of another kind"})).await.invalid(&["/present"]);
    put(json!({"present": "correct horse", "password": "admin"})).await.invalid(&["/password"]);
    assert_eq!(put(json!({"present": "correct horse", "password": "staple of another kind"})).await.status, 204);
    app.get("/api/v1/me").await.problem(401);
}

#[tokio::test]
async fn versions_and_audit_record_changes() {
    let app = App::start().await;
    app.task("a").await;
    assert_eq!(app.send(Method::PATCH, "/api/v1/tasks/a", json!({"name": "Other"})).await.status, 200);
    let versions = app.get("/api/v1/tasks/a/versions").await;
    let version_and_name = |place: usize| (versions.json[place]["version"].clone(), versions.json[place]["task"]["name"].clone());
    assert_eq!(
        (version_and_name(0), version_and_name(1)),
        ((json!(2), json!("Other")), (json!(1), json!("a"))),
        "{}",
        versions.text
    );
    let restored = app.post("/api/v1/tasks/a/versions/1/restore", Value::Null).await;
    assert_eq!(
        (restored.status, &restored.json["name"], &restored.json["version"]),
        (200, &json!("a"), &json!(3)),
        "{}",
        restored.text
    );
    app.post("/api/v1/tasks/a/versions/7/restore", Value::Null).await.problem(404);
    app.get("/api/v1/tasks/b/versions").await.problem(404);
    let audit = app.get("/api/v1/audit?target=task:a&action=task.update&page_size=1").await;
    assert_eq!((&audit.json["total"], &audit.json["items"][0]["after"]["name"]), (&json!(2), &json!("a")), "{}", audit.text);
    let next = audit.json["next_cursor"].as_str().expect("another page");
    let next = app.get(&format!("/api/v1/audit?target=task:a&action=task.update&page_size=1&cursor={next}")).await;
    assert_eq!(next.json["items"][0]["after"]["name"], "Other");
    app.get("/api/v1/audit?action=task.dance&more=1").await.invalid(&["/more", "/action"]);
}

#[tokio::test]
async fn nodes_list_queues_and_current_runs() {
    let app = App::start().await;
    let (node, now) = (NodeIdentity { id: "01NODE".into(), name: "host-1".into() }, app.services.clock.now());
    app.task("a").await;
    let run = app.post("/api/v1/tasks/a/run", json!({})).await;
    let id = run.json["id"].as_str().expect("an id").to_owned();
    assert_eq!(app.get("/api/v1/nodes").await.json["queues"], json!([{"name": "default", "waiting": 1}]));
    let mut tx = app.database().write().await.unwrap();
    node::heartbeat(&mut tx, &node, 8, now, now, None).await.unwrap();
    let claim = Claim { execution_id: id.clone(), attempt: 1, started_at: now };
    execution::claim(&mut tx, &node, std::slice::from_ref(&claim)).await.unwrap();
    execution::mark_running(&mut tx, &node.id, &[claim]).await.unwrap();
    tx.commit().await.unwrap();
    let found = app.get("/api/v1/nodes").await.json;
    assert_eq!(
        (&found["nodes"][0]["name"], &found["nodes"][0]["workers"], &found["nodes"][0]["running"][0]["execution_id"]),
        (&json!("host-1"), &json!(8), &json!(id)),
        "{found}"
    );
}
