//! `/notify-channels`: credentials are write-only, and the provider's answer decides.

use poem::http::Method;
use poem::listener::{Acceptor, Listener, TcpListener};
use serde_json::{Value, json};

use crate::app::App;

const TOKEN: &str = "0123456789abcdef0123";
const LIST: &str = "/api/v1/notify-channels";

/// A robot that refuses each message with status 200.
async fn refusing_robot() -> String {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let url = format!("http://{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
    let endpoint = poem::endpoint::make_sync(|_| r#"{"errcode":310000,"errmsg":"sign not match"}"#);
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
    url
}

#[tokio::test]
async fn a_channel_is_created_tested_changed_and_deleted() {
    let app = App::start().await;
    let url = refusing_robot().await;
    let robot = json!({"name": "ops", "type": "dingtalk", "url": url, "token": TOKEN, "mentions": ["all"]});
    let created = app.post(LIST, robot.clone()).await;
    assert_eq!((created.status, created.header("location")), (201, "/api/v1/notify-channels/ops"), "{}", created.text);
    assert_eq!((&created.json["type"], &created.json["managed_by"]), (&json!("dingtalk"), &Value::Null));
    assert_eq!((&created.json["url"], &created.json["credentials"]), (&json!(url), &json!(["url", "token"])));
    assert_eq!((&created.json["health"]["failing"], &created.json["language"]), (&json!(false), &json!("zh-CN")));
    app.post(LIST, robot).await.problem(409);
    let test = app.post("/api/v1/notify-channels/ops/test", json!({})).await;
    let expected = json!({"delivered": false, "provider_status": 200, "provider_code": "310000", "provider_message": "sign not match",
            "template_error": null});
    assert_eq!((test.status, &test.json), (200, &expected), "{}", test.text);
    let deliveries = app.get("/api/v1/notify-channels/ops/deliveries").await;
    let item = &deliveries.json["items"][0];
    assert_eq!(
        (&item["event"], &item["state"], &item["attempts"]),
        (&json!("test"), &json!("failed"), &json!(1)),
        "{}",
        deliveries.text
    );
    let changed = app.send(Method::PUT, "/api/v1/notify-channels/ops", json!({"type": "dingtalk", "language": "en"})).await;
    assert_eq!(
        (changed.status, &changed.json["language"], &changed.json["mentions"]),
        (200, &json!("en"), &json!([])),
        "{}",
        changed.text
    );
    assert_eq!(changed.json["credentials"], json!(["url", "token"]), "left out, they stay");
    let all = app.get(LIST).await;
    assert!([created.text, changed.text, all.text, test.text, deliveries.text].iter().all(|text| !text.contains(TOKEN)));
    assert_eq!(app.delete("/api/v1/notify-channels/ops").await.status, 204);
    app.get("/api/v1/notify-channels/ops").await.problem(404);
    app.delete("/api/v1/notify-channels/ops").await.problem(404);
}

#[tokio::test]
async fn the_reason_of_a_missing_answer_is_told_in_the_language_of_the_caller() {
    let app = App::start().await;
    app.post(LIST, json!({"name": "ops", "type": "slack", "url": "http://127.0.0.1:1/x"})).await;
    let chinese: [(&str, &str); 1] = [("accept-language", "zh-CN")];
    let test = app.call_with(Method::POST, "/api/v1/notify-channels/ops/test", &chinese, b"{}").await;
    let told = |reply: &Value| reply.as_str().expect("a text").to_owned();
    assert!(told(&test.json["provider_message"]).starts_with("没有应答："), "{}", test.text);
    let deliveries = app.call_with(Method::GET, "/api/v1/notify-channels/ops/deliveries", &chinese, b"").await;
    assert!(told(&deliveries.json["items"][0]["provider_message"]).starts_with("没有应答："), "{}", deliveries.text);
    let channel = app.get("/api/v1/notify-channels/ops").await;
    assert!(told(&channel.json["health"]["provider_message"]).starts_with("no answer: "), "{}", channel.text);
}

#[tokio::test]
async fn an_invalid_channel_is_refused_by_field_without_its_credentials() {
    let app = App::start().await;
    let post = async |body: Value| app.post(LIST, body).await;
    post(json!({"name": "ops"})).await.invalid(&["/type"]);
    post(json!({"name": "ops", "type": "pigeon"})).await.invalid(&["/type"]);
    post(json!({"name": "Ops", "type": "dingtalk", "token": "x"})).await.invalid(&["/name"]);
    post(json!({"name": "ops", "type": "dingtalk"})).await.invalid(&["/url"]);
    post(json!({"name": "ops", "type": "slack", "url": "ftp://hunter2"})).await.invalid(&["/url"]);
    post(json!({"name": "ops", "type": "wecom_app"})).await.invalid(&["/corp_id", "/agent_id", "/secret"]);
    post(json!({"name": "ops", "type": "email", "to": ["a@example.com"], "language": "fr"})).await.invalid(&["/language"]);
    post(json!({"name": "ops", "type": "email", "to": [1]})).await.invalid(&["/to/0"]);
    post(json!({"name": "ops", "type": "email", "to": ["a"], "more": 1})).await.invalid(&["/more"]);
    post(json!({"name": "ops", "type": "email", "to": ["a"], "topic": null})).await.invalid(&["/topic"]);
    let reply = post(json!({"name": "ops", "type": "slack", "url": ["hunter2"]})).await;
    reply.invalid(&["/url"]);
    assert!(!reply.text.contains("hunter2"));
}
