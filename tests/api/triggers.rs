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

#[tokio::test]
async fn preview_of_a_calendar_marks_what_moves() {
    let app = App::start().await;
    let question = json!({"trigger": {"type": "cron", "expression": "0 9 1-3 * *", "timezone": "Asia/Shanghai"}, "calendar": "cn",
        "on_closed": "next_working_day", "after": "2026-10-01T00:00:00+08:00", "count": 2});
    let shown = app.post(PREVIEW, question).await;
    assert_eq!(
        shown.json["fire_times"],
        json!(["2026-10-08T09:00:00.000+08:00", "2026-11-02T09:00:00.000+08:00"]),
        "{}",
        shown.text
    );
    let moved = json!({"at": "2026-10-08T09:00:00.000+08:00", "scheduled_at": "2026-10-03T09:00:00.000+08:00", "note": "moved"});
    assert_eq!(shown.json["occurrences"][0], moved);
    let skipped = json!({"trigger": {"type": "cron", "expression": "08:00", "timezone": "Asia/Shanghai"}, "calendar": ["cn"],
        "after": "2026-11-28T00:00:00+08:00", "count": 1});
    let shown = app.post(PREVIEW, skipped).await;
    assert_eq!(shown.json["fire_times"], json!(["2026-11-30T08:00:00.000+08:00"]));
    assert!(shown.json["notes"][0].as_str().is_some_and(|note| note.contains("2026-11-28")), "{}", shown.text);
    let never = json!({"trigger": {"type": "cron", "expression": "* * * * sat"}, "calendar": "weekdays"});
    let refused = app.post(PREVIEW, never).await;
    assert_eq!((refused.status, &refused.json["errors"][0]["pointer"]), (422, &json!("/calendar")), "{}", refused.text);
}

#[tokio::test]
async fn task_with_several_rules_answers_the_first_as_its_trigger() {
    let app = App::start().await;
    let rule = |time: &str| json!({"trigger": {"type": "cron", "expression": time}, "name": time});
    let task = json!({"id": "several", "type": "note", "params": {"message": "x"}, "triggers": [rule("08:00"), rule("20:00")], "calendar": "cn"});
    let created = app.post("/api/v1/tasks", task).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json["trigger"]["expression"], "08:00");
    assert_eq!(
        created.json["triggers"][1],
        json!({"trigger": {"type": "cron", "expression": "20:00"}, "name": "20:00", "enabled": true})
    );
    assert_eq!((&created.json["calendar"], &created.json["calendar_rule"]), (&json!(["cn"]), &json!("only")));
    assert_eq!(
        app.get("/api/v1/export").await.json["tasks"][0]["calendar"],
        json!(["cn"]),
        "as documented, although given as a text"
    );
    let simple = app
        .post(
            "/api/v1/tasks",
            json!({"id": "simple", "type": "note", "params": {"message": "x"}, "trigger": {"type": "cron", "hour": 8}}),
        )
        .await;
    assert!(["triggers", "calendar", "on_closed"].iter().all(|name| simple.json.get(name).is_none()), "{}", simple.text);
    for (field, value) in [("triggers", json!(null)), ("calendar", json!(null)), ("nth_working_day", json!(30))] {
        let mut body = json!({"id": "x", "type": "note", "params": {"message": "x"}, "trigger": {"type": "cron", "hour": 8}, "calendar": "cn"});
        body[field] = value;
        let refused = app.post("/api/v1/tasks", body).await;
        assert_eq!((refused.status, refused.json["errors"][0]["pointer"].as_str()), (422, Some(format!("/{field}").as_str())));
    }
}
