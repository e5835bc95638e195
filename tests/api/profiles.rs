//! `/smtp`, `/sms`, `/datasources` and `/http-profiles`: profiles that administrators store; secrets are write-only.

use poem::http::Method;
use serde_json::{Value, json};

use crate::app::App;

const SECRET: &str = "hunter2-hunter2";

#[tokio::test]
async fn each_kind_of_profile_is_created_read_replaced_and_deleted() {
    let app = App::start().await;
    let kinds = [
        ("smtp", json!({"host": "mail.example.com", "user": "b@example.com", "password": SECRET}), "password"),
        ("sms", json!({"provider": "aliyun", "access_key": "k", "secret_key": SECRET}), "secret_key"),
        ("datasources", json!({"url": "postgres://db.example.com/sales", "user": "b", "password": SECRET}), "password"),
        ("http-profiles", json!({"base_url": "https://crm.example.com/api/", "bearer": SECRET}), "bearer"),
    ];
    for (path, settings, secret) in kinds {
        let list = format!("/api/v1/{path}");
        let mut new = settings.clone();
        new["name"] = "office".into();
        let created = app.post(&list, new.clone()).await;
        let one = format!("{list}/office");
        assert_eq!(
            (created.status, created.header("location"), created.header("etag")),
            (201, one.as_str(), "\"1\""),
            "{}",
            created.text
        );
        let secrets: Vec<&str> = created.json["secrets"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(secrets.contains(&secret), "{}", created.text);
        app.post(&list, new).await.problem(409);
        let read = app.get(&one).await;
        assert_eq!((read.header("etag"), &read.json), ("\"1\"", &created.json));
        let listed = app.get(&list).await;
        assert_eq!((&listed.json[0]["name"], &listed.json[0]["managed_by"]), (&json!("office"), &Value::Null), "{}", listed.text);
        let mut change = settings.clone();
        change.as_object_mut().unwrap().remove(secret);
        let changed = app.send(Method::PUT, &one, change.clone()).await;
        assert_eq!((changed.status, &changed.json["version"]), (200, &json!(2)), "{}", changed.text);
        assert_eq!(changed.json["secrets"], created.json["secrets"], "left out, they stay");
        let stale = [("if-match", "\"1\""), ("content-type", "application/json")];
        app.call_with(Method::PUT, &one, &stale, change.to_string().as_bytes()).await.problem(412);
        app.call_with(Method::DELETE, &one, &stale[..1], b"").await.problem(412);
        assert!([created.text, read.text, listed.text, changed.text].iter().all(|text| !text.contains(SECRET)));
        assert_eq!(app.delete(&one).await.status, 204);
        app.get(&one).await.problem(404);
        app.delete(&one).await.problem(404);
    }
}

#[tokio::test]
async fn an_invalid_profile_is_refused_by_field_without_its_secrets() {
    let app = App::start().await;
    let post = async |path: &str, body: Value| app.post(&format!("/api/v1/{path}"), body).await;
    post("smtp", json!({"host": "h"})).await.invalid(&["/name"]);
    post("smtp", json!({"name": "a", "host": "h", "port": 0})).await.invalid(&["/port"]);
    post("smtp", json!({"name": "a", "host": "h", "hots": "x"})).await.invalid(&["/hots"]);
    post("smtp", json!({"name": "a", "host": null})).await.invalid(&["/host"]);
    post("smtp", json!([])).await.invalid(&[""]);
    post("sms", json!({"name": "a"})).await.invalid(&["/provider"]);
    post("http-profiles", json!({"name": "a", "base_url": "https://h/", "verify_tls": "perhaps"}))
        .await
        .invalid(&["/verify_tls"]);
    let reply = post("datasources", json!({"name": "a", "url": ["hunter2"]})).await;
    reply.invalid(&["/url"]);
    assert!(!reply.text.contains("hunter2"));
    app.send(Method::PUT, "/api/v1/smtp/none", json!({"host": "h"})).await.problem(404);
}

#[tokio::test]
async fn http_profile_test_needs_the_task_type() {
    let app = App::start().await;
    app.post("/api/v1/http-profiles", json!({"name": "crm", "base_url": "http://127.0.0.1:1/"})).await;
    app.post("/api/v1/http-profiles/none/test", json!({})).await.problem(404);
    app.post("/api/v1/http-profiles/crm/test", json!({})).await.problem(409);
}
