//! `/secrets`: values are write-only.

use poem::http::Method;
use serde_json::json;

use crate::app::App;

const VALUE: &str = "hunter2-and-more";

#[tokio::test]
async fn secret_values_are_write_only() {
    let app = App::start().await;
    let kept = app.send(Method::PUT, "/api/v1/secrets/api-token", json!({"value": VALUE})).await;
    assert_eq!((kept.status, kept.json["name"].as_str()), (200, Some("api-token")), "{}", kept.text);
    assert_eq!(kept.json["updated_by"], "admin");
    let list = app.get("/api/v1/secrets").await;
    assert_eq!(list.json.as_array().map(Vec::len), Some(1));
    assert!(!kept.text.contains(VALUE) && !list.text.contains(VALUE));
    assert_eq!(app.delete("/api/v1/secrets/api-token").await.status, 204);
    app.delete("/api/v1/secrets/api-token").await.problem(404);
}

#[tokio::test]
async fn invalid_secret_is_rejected_without_showing_its_value() {
    let app = App::start().await;
    let put = async |name: &str, body| app.send(Method::PUT, &format!("/api/v1/secrets/{name}"), body).await;
    put("a", json!({})).await.invalid(&["/value"]);
    put("a", json!({"value": "x", "more": 1})).await.invalid(&["/more"]);
    put("a", json!({"value": ""})).await.invalid(&["/value"]);
    put("a%20b", json!({"value": "x"})).await.invalid(&["/name"]);
    let reply = put("a", json!({"value": ["hunter2"]})).await;
    reply.invalid(&["/value"]);
    assert!(!reply.text.contains("hunter2"));
    app.bare(Method::GET, "/api/v1/secrets", &[("host", "x")], b"").await.problem(401);
}
