//! `/triggers/preview`.

use poem::http::Method;
use serde_json::json;

use crate::app::App;

const PREVIEW: &str = "/api/v1/triggers/preview";

#[tokio::test]
async fn preview_returns_times_and_text_in_both_languages() {
    let app = App::start().await;
    let trigger = json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "timezone": "Asia/Shanghai"});
    let shown = app.post(PREVIEW, json!({"trigger": trigger, "count": 2})).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(shown.json["fire_times"], json!(["2026-11-23T08:00:00.000+08:00", "2026-11-24T08:00:00.000+08:00"]));
    assert!(shown.json["description"]["en"].as_str().unwrap().is_ascii());
    assert!(!shown.json["description"]["zh"].as_str().unwrap().is_ascii());
    assert!(!shown.json["text"].as_str().unwrap().is_empty());
    assert!(shown.json["notes"].is_array());
    let later = json!({"trigger": trigger, "after": "2027-01-01", "count": 1});
    assert_eq!(app.post(PREVIEW, later).await.json["fire_times"], json!(["2027-01-01T08:00:00.000+08:00"]));
}

#[tokio::test]
async fn preview_returns_five_times_by_default() {
    let app = App::start().await;
    let shown = app.post(PREVIEW, json!({"trigger": {"type": "interval", "minutes": 5}})).await;
    assert_eq!(shown.json["fire_times"].as_array().map(Vec::len), Some(5), "{}", shown.text);
    let past = app.post(PREVIEW, json!({"trigger": {"type": "date", "run_date": "2020-01-01"}})).await;
    assert_eq!((past.status, &past.json["fire_times"]), (200, &json!([])), "{}", past.text);
    let never = app.post(PREVIEW, json!({"trigger": {"type": "cron", "month": 2, "day": 30}})).await;
    assert_eq!((never.status, &never.json["fire_times"]), (200, &json!([])), "{}", never.text);
    let many = app.post(PREVIEW, json!({"trigger": {"type": "cron", "minute": "*"}, "count": 1000})).await;
    assert_eq!(many.json["fire_times"].as_array().map(Vec::len), Some(1000));
}

#[tokio::test]
async fn preview_faults_have_pointers() {
    let app = App::start().await;
    let refuse = async |body| app.post(PREVIEW, body).await;
    refuse(json!({})).await.invalid(&["/trigger"]);
    refuse(json!({"trigger": {"type": "cron", "hour": 25}})).await.invalid(&["/trigger/hour"]);
    refuse(json!({"trigger": {"type": "moon"}})).await.invalid(&["/trigger/type"]);
    let trigger = json!({"type": "cron", "hour": 8});
    refuse(json!({"trigger": trigger, "after": "soon"})).await.invalid(&["/after"]);
    refuse(json!({"trigger": trigger, "after": 5})).await.invalid(&["/after"]);
    for count in [json!(0), json!(1001), json!("5"), json!(1.5)] {
        refuse(json!({"trigger": trigger, "count": count})).await.invalid(&["/count"]);
    }
    refuse(json!({"trigger": trigger, "colour": 1})).await.invalid(&["/colour"]);
}

#[tokio::test]
async fn preview_notes_follow_accept_language() {
    let app = App::start().await;
    let body = json!({"trigger": {"type": "cron", "day": 31, "hour": 8}, "count": 5}).to_string();
    let notes = async |language: &str| {
        let headers = [("content-type", "application/json"), ("accept-language", language)];
        app.call_with(Method::POST, PREVIEW, &headers, body.as_bytes()).await.json["notes"].clone()
    };
    let (english, chinese) = (notes("en").await, notes("zh-CN").await);
    assert_eq!(english.as_array().map(Vec::len), chinese.as_array().map(Vec::len));
    assert_ne!(english, json!(null));
}
