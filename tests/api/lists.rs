//! Lists: pagination, filters, and rejected parameters.

use serde_json::{Value, json};

use crate::app::{App, new_task};

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn task_list_is_paginated_both_ways() {
    let app = App::start().await;
    let all: Vec<String> = (0..95).map(|n| format!("t{n:03}")).collect();
    for id in &all {
        app.task(id).await;
    }
    let first = app.get("/api/v1/tasks").await.json;
    assert_eq!(ids(&first), all[..40]);
    assert_eq!((&first["total"], &first["total_is_exact"], &first["prev_cursor"]), (&json!(95), &json!(true), &json!(null)));
    let second = app.get(&format!("/api/v1/tasks?cursor={}", first["next_cursor"].as_str().unwrap())).await.json;
    assert_eq!(ids(&second), all[40..80]);
    let third = app.get(&format!("/api/v1/tasks?cursor={}", second["next_cursor"].as_str().unwrap())).await.json;
    assert_eq!(ids(&third), all[80..]);
    assert_eq!(third["next_cursor"], json!(null));
    let back = app.get(&format!("/api/v1/tasks?cursor={}", third["prev_cursor"].as_str().unwrap())).await.json;
    assert_eq!(ids(&back), ids(&second));
    let small = app.get("/api/v1/tasks?page_size=3&sort=-id").await.json;
    assert_eq!(ids(&small), ["t094", "t093", "t092"]);
}

#[tokio::test]
async fn execution_list_is_paginated_both_ways() {
    let app = App::start().await;
    app.task("a").await;
    app.allow_overlap("a").await;
    for _ in 0..45 {
        assert_eq!(app.post("/api/v1/tasks/a/run", json!({})).await.status, 202);
    }
    let first = app.get("/api/v1/executions").await.json;
    let second = app.get(&format!("/api/v1/executions?cursor={}", first["next_cursor"].as_str().unwrap())).await.json;
    let mut seen = ids(&first);
    seen.extend(ids(&second));
    assert_eq!(seen.len(), 45);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
    let back = app.get(&format!("/api/v1/executions?cursor={}", second["prev_cursor"].as_str().unwrap())).await.json;
    assert_eq!(ids(&back), ids(&first));
    assert_eq!(ids(&app.get("/api/v1/tasks/a/executions").await.json), ids(&first));
}

#[tokio::test]
async fn task_list_filters() {
    let app = App::start().await;
    for (id, tag) in [("alpha", "x"), ("beta", "y")] {
        let mut body = new_task(id);
        body["tags"] = json!([tag]);
        body["enabled"] = json!(id == "alpha");
        assert_eq!(app.post("/api/v1/tasks", body).await.status, 201);
    }
    for (query, found) in [
        ("search=ALPH", vec!["alpha"]),
        ("tag=y", vec!["beta"]),
        ("enabled=false", vec!["beta"]),
        ("type=note&sort=-id", vec!["beta", "alpha"]),
        ("type=danger", vec![]),
        ("status=failed", vec![]),
        ("search=&type=&status=&tag=&enabled=&sort=", vec!["alpha", "beta"]),
    ] {
        let list = app.get(&format!("/api/v1/tasks?{query}")).await;
        assert_eq!(ids(&list.json), found, "{query}: {}", list.text);
    }
}

#[tokio::test]
async fn execution_list_filters() {
    let app = App::start().await;
    app.task("a").await;
    app.task("b").await;
    let id = app.post("/api/v1/tasks/a/run", json!({})).await.json["id"].as_str().unwrap().to_owned();
    app.post("/api/v1/tasks/b/run", json!({})).await;
    assert_eq!(app.post(&format!("/api/v1/executions/{id}/cancel"), json!({})).await.status, 200);
    for (query, found) in [
        ("task_id=a", 1),
        ("task_type=note", 2),
        ("task_type=danger", 0),
        ("status=queued", 1),
        ("status=queued,cancelled", 2),
        ("status=queued&status=cancelled", 2),
        ("cause=api", 2),
        ("cause=schedule", 0),
        ("search=ADMIN", 1),
        ("from=2026-11-21", 0),
    ] {
        let list = app.get(&format!("/api/v1/executions?{query}")).await;
        assert_eq!(list.json["items"].as_array().map(Vec::len), Some(found), "{query}: {}", list.text);
    }
}

#[tokio::test]
async fn invalid_query_parameters_are_rejected_by_name() {
    let app = App::start().await;
    app.task("a").await;
    for (path, pointers) in [
        ("tasks?page_size=0", vec!["/page_size"]),
        ("tasks?page_size=501", vec!["/page_size"]),
        ("tasks?page_size=", vec!["/page_size"]),
        ("tasks?page_size=x&cursor=zz", vec!["/page_size", "/cursor"]),
        ("tasks?colour=red", vec!["/colour"]),
        ("tasks?tag=a&tag=b", vec!["/tag"]),
        ("tasks?sort=size", vec!["/sort"]),
        ("tasks?enabled=maybe&status=done", vec!["/status", "/enabled"]),
        ("tasks?search=a%00", vec!["/search"]),
        ("executions?from=yesterday&to=32", vec!["/from", "/to"]),
        ("executions?status=queued,done&cause=luck", vec!["/status", "/cause"]),
        ("executions?cursor=5b5d", vec!["/cursor"]),
        ("tasks/a/executions?task_id=b", vec!["/task_id"]),
        ("stats?window_seconds=0", vec!["/window_seconds"]),
    ] {
        let refused = app.get(&format!("/api/v1/{path}")).await;
        assert_eq!(refused.status, 422, "{path}: {}", refused.text);
        refused.invalid(&pointers);
    }
    let refused = app.get("/api/v1/tasks?page_size=0").await;
    assert_eq!(refused.json["errors"][0]["message"], "page_size: 0 is not between 1 and 500");
}
