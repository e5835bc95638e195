//! `/tasks`: created, read, changed, run, paused, deleted, with every error.

use poem::http::Method;
use serde_json::{Value, json};

use crate::app::{App, new_task};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn created_task_is_returned_with_all_fields() {
    let app = App::start().await;
    let created = app.post("/api/v1/tasks", new_task("日报")).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.header("location"), "/api/v1/tasks/%E6%97%A5%E6%8A%A5");
    assert_eq!(created.header("etag"), "\"1\"");
    let task = &created.json;
    assert_eq!(task["name"], "日报");
    assert_eq!((&task["description"], &task["tags"], &task["params"]), (&json!(""), &json!([]), &json!({})));
    assert_eq!(task["trigger"], json!({"type": "cron", "hour": 9, "timezone": "Asia/Shanghai"}));
    assert_eq!((&task["enabled"], &task["version"]), (&json!(true), &json!(1)));
    assert_eq!(task["policy"]["max_instances"], 3, "from the type's default policy");
    assert_eq!(task["policy"]["retry"]["backoff"], "exponential");
    assert_eq!(task["created_at"], "2026-11-21T08:00:00.000+08:00");
    assert_eq!(task["schedule"]["next_run_at"], "2026-11-21T09:00:00.000+08:00");
    assert!(!task["schedule"]["text"].as_str().unwrap().is_empty());
    assert_eq!(
        task["stats"],
        json!({"executed": false, "run_count": 0, "success_count": 0, "failure_count": 0, "last_run_at": null,
            "last_status": null, "last_duration_ms": null})
    );
    let read = app.get(created.header("location")).await;
    assert_eq!((read.status, &read.json, read.header("etag")), (200, task, "\"1\""));
    assert_eq!(read.header("cache-control"), "no-store");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn schedule_description_follows_accept_language() {
    let app = App::start().await;
    app.task("a").await;
    let text = async |language: &str| {
        let reply = app.call_with(Method::GET, "/api/v1/tasks/a", &[("accept-language", language)], b"").await;
        reply.json["schedule"]["description"].as_str().unwrap().to_owned()
    };
    let (english, chinese) = (text("en-GB,en;q=0.9").await, text("zh-CN,zh;q=0.9,en;q=0.8").await);
    assert!(english.is_ascii() && !english.is_empty(), "{english}");
    assert!(!chinese.is_ascii(), "{chinese}");
}

#[tokio::test]
async fn errors_follow_accept_language() {
    let app = App::start().await;
    let answer = async |language: &str| {
        let headers = [("content-type", "application/json"), ("accept-language", language)];
        let body = br#"{"id": "a", "type": "note", "trigger": {"type": "cron", "hour": 25}}"#;
        app.call_with(Method::POST, "/api/v1/tasks", &headers, body).await
    };
    let (english, chinese) = (answer("de").await, answer("zh-CN").await);
    assert_eq!(english.json["errors"][0], json!({"pointer": "/trigger/hour", "message": "hour: 25 is not between 0 and 23"}));
    assert_eq!(chinese.json["errors"][0], json!({"pointer": "/trigger/hour", "message": "hour: 25 不在 0 到 23 之间"}));
    assert_eq!(chinese.json["detail"], "hour: 25 不在 0 到 23 之间");
    for name in ["type", "title", "status"] {
        assert_eq!(english.json[name], chinese.json[name]);
    }
    let missing = app.call_with(Method::GET, "/api/v1/tasks/x", &[("accept-language", "zh")], b"").await;
    assert_eq!((missing.status, &missing.json["detail"]), (404, &json!("没有任务“x”")));
}

#[tokio::test]
async fn invalid_task_is_rejected_with_every_pointer() {
    let app = App::start().await;
    let body = json!({"id": "-a", "type": "note", "trigger": {"type": "cron", "hour": 25}, "policy": {"max_instances": 0},
        "extra": 1});
    let refused = app.post("/api/v1/tasks", body).await;
    refused.invalid(&["/id", "/trigger/hour", "/policy/max_instances", "/extra"]);
    app.post("/api/v1/tasks", json!({})).await.invalid(&["/id", "/type", "/trigger"]);
    app.post("/api/v1/tasks", json!([1])).await.problem(422);
    let mut body = new_task("a");
    body["params"] = json!({"message": 5, "colour": "red"});
    app.post("/api/v1/tasks", body).await.problem(422);
    app.task("a").await;
    app.post("/api/v1/tasks", new_task("a")).await.problem(409);
}

#[tokio::test]
async fn missing_task_is_404_for_every_operation() {
    let app = App::start().await;
    app.get("/api/v1/tasks/none").await.problem(404);
    app.send(Method::PUT, "/api/v1/tasks/none", new_task("none")).await.problem(404);
    app.send(Method::PATCH, "/api/v1/tasks/none", json!({"name": "x"})).await.problem(404);
    app.delete("/api/v1/tasks/none").await.problem(404);
    app.post("/api/v1/tasks/none/run", json!({})).await.problem(404);
    app.post("/api/v1/tasks/none/pause", json!({})).await.problem(404);
    app.post("/api/v1/tasks/none/resume", json!({})).await.problem(404);
    app.get("/api/v1/tasks/none/executions").await.problem(404);
    app.get("/api/v1/executions/none").await.problem(404);
    app.get("/api/v1/executions/none/output").await.problem(404);
    app.post("/api/v1/executions/none/cancel", json!({})).await.problem(404);
    app.post("/api/v1/executions/none/rerun", json!({})).await.problem(404);
    app.get("/api/v1/nothing").await.problem(404);
    app.get("/api/v1").await.problem(404);
    app.get("/api/v2/tasks").await.problem(404);
    app.get("/api/v1/").await.problem(404);
    app.get("/api/v1/tasks/a/b/c").await.problem(404);
}

#[tokio::test]
async fn put_replaces_all_fields_except_id_and_type() {
    let app = App::start().await;
    let mut body = new_task("a");
    body["description"] = json!("before");
    body["tags"] = json!(["x"]);
    assert_eq!(app.post("/api/v1/tasks", body).await.status, 201);
    let mut body = new_task("a");
    body["name"] = json!("After");
    let replaced = app.send(Method::PUT, "/api/v1/tasks/a", body.clone()).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    assert_eq!((&replaced.json["name"], &replaced.json["description"]), (&json!("After"), &json!("")));
    assert_eq!((&replaced.json["tags"], &replaced.json["version"]), (&json!([]), &json!(2)));
    assert_eq!(replaced.header("etag"), "\"2\"");
    body["id"] = json!("b");
    app.send(Method::PUT, "/api/v1/tasks/a", body.clone()).await.invalid(&["/id"]);
    body["id"] = json!("a");
    body["type"] = json!("danger");
    app.send(Method::PUT, "/api/v1/tasks/a", body).await.invalid(&["/type"]);
}

#[tokio::test]
async fn patch_merges_and_accepts_both_media_types() {
    let app = App::start().await;
    app.task("a").await;
    let patch = json!({"policy": {"retry": {"max_attempts": 4}}, "params": {"message": "hi"}});
    let changed = app.send(Method::PATCH, "/api/v1/tasks/a", patch).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.json["policy"]["retry"]["max_attempts"], 4);
    assert_eq!(changed.json["policy"]["max_instances"], 3, "the rest stays");
    let headers = [("content-type", "application/merge-patch+json")];
    let changed = app.call_with(Method::PATCH, "/api/v1/tasks/a", &headers, br#"{"params":{"message":null}}"#).await;
    assert_eq!((changed.status, &changed.json["params"]), (200, &json!({})));
    app.call_with(Method::PUT, "/api/v1/tasks/a", &headers, b"{}").await.problem(415);
    app.send(Method::PATCH, "/api/v1/tasks/a", json!({"colour": 1})).await.invalid(&["/colour"]);
    app.send(Method::PATCH, "/api/v1/tasks/a", json!({"id": "b"})).await.invalid(&["/id"]);
}

#[tokio::test]
async fn null_is_refused_in_every_field_where_it_has_no_meaning() {
    let app = App::start().await;
    let mut whole = new_task("a");
    whole["chain"] = json!([{"task": "b"}]);
    let fields = [
        "/name",
        "/description",
        "/tags",
        "/params",
        "/enabled",
        "/allow_past",
        "/policy",
        "/policy/max_instances",
        "/policy/on_overlap",
        "/policy/coalesce",
        "/policy/retry",
        "/policy/retry/backoff",
        "/policy/retention",
        "/chain",
        "/chain/0/on",
        "/chain/0/params",
        "/trigger/timezone",
        "/trigger/hour",
    ];
    for pointer in fields {
        let mut task = whole.clone();
        task["policy"] = json!({"retry": {"max_attempts": 1}});
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        task.pointer_mut(parent).unwrap()[name] = Value::Null;
        let refused = app.post("/api/v1/tasks", task).await;
        refused.invalid(&[pointer]);
        let message = refused.json["errors"][0]["message"].as_str().unwrap();
        assert_eq!(message, format!("{name}: null is not allowed; leave it out or give a value"));
    }
    let mut task = new_task("a");
    task["policy"] = json!({"timeout_seconds": null, "misfire_grace_seconds": null, "retention": {"max_age_days": null}});
    assert_eq!(app.post("/api/v1/tasks", task).await.status, 201, "null has a meaning here");
    app.post("/api/v1/tasks/a/run", json!({"params": null})).await.invalid(&["/params"]);
    app.post("/api/v1/tasks/bulk", json!({"action": "pause", "filter": {"search": null}})).await.invalid(&["/filter/search"]);
}

#[tokio::test]
async fn stale_if_match_is_412_for_every_change() {
    let app = App::start().await;
    app.task("a").await;
    assert_eq!(app.send(Method::PATCH, "/api/v1/tasks/a", json!({"name": "b"})).await.json["version"], 2);
    let body = new_task("a").to_string();
    for (method, path, body) in [
        (Method::PUT, "/api/v1/tasks/a", body.as_str()),
        (Method::PATCH, "/api/v1/tasks/a", "{}"),
        (Method::POST, "/api/v1/tasks/a/pause", ""),
        (Method::POST, "/api/v1/tasks/a/resume", ""),
        (Method::DELETE, "/api/v1/tasks/a", ""),
    ] {
        let stale = app.call_with(method.clone(), path, &[JSON, ("if-match", "\"1\"")], body.as_bytes()).await;
        stale.problem(412);
        let nonsense = app.call_with(method, path, &[JSON, ("if-match", "one")], body.as_bytes()).await;
        nonsense.problem(400);
    }
    let any = app.call_with(Method::PATCH, "/api/v1/tasks/a", &[JSON, ("if-match", "*")], br#"{"name":"c"}"#).await;
    assert_eq!((any.status, any.header("etag")), (200, "\"3\""));
    let gone = app.call_with(Method::DELETE, "/api/v1/tasks/a", &[("if-match", "\"3\"")], b"").await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
}

#[tokio::test]
async fn task_pauses_and_resumes() {
    let app = App::start().await;
    app.task("a").await;
    let paused = app.post("/api/v1/tasks/a/pause", json!({})).await;
    assert_eq!((paused.status, &paused.json["enabled"]), (200, &json!(false)), "{}", paused.text);
    assert_eq!(paused.json["schedule"]["next_run_at"], json!(null));
    let resumed = app.call_with(Method::POST, "/api/v1/tasks/a/resume", &[], b"").await;
    assert_eq!((resumed.status, &resumed.json["enabled"]), (200, &json!(true)));
    assert_eq!(resumed.json["schedule"]["next_run_at"], "2026-11-21T09:00:00.000+08:00");
}

#[tokio::test]
async fn run_overrides_parameters() {
    let app = App::start().await;
    app.task("a").await;
    app.allow_overlap("a").await;
    let run = app.post("/api/v1/tasks/a/run", json!({"params": {"message": "now"}})).await;
    assert_eq!(run.status, 202, "{}", run.text);
    assert_eq!((&run.json["status"], &run.json["task_id"]), (&json!("queued"), &json!("a")));
    assert_eq!((&run.json["params"], &run.json["cause"]), (&json!({"message": "now"}), &json!("api")));
    assert_eq!((&run.json["requested_by"], &run.json["started_at"]), (&json!("admin"), &json!(null)));
    assert_eq!(run.json["queued_at"], "2026-11-21T08:00:00.000+08:00");
    assert_eq!(run.header("location"), format!("/api/v1/executions/{}", run.json["id"].as_str().unwrap()));
    assert_eq!(app.get(run.header("location")).await.json["id"], run.json["id"]);
    let bare = app.call_with(Method::POST, "/api/v1/tasks/a/run", &[], b"").await;
    assert_eq!(bare.status, 202, "no body at all is {{}}: {}", bare.text);
    app.post("/api/v1/tasks/a/run", json!({"params": [1]})).await.invalid(&["/params"]);
    app.post("/api/v1/tasks/a/run", json!({"parameters": {}})).await.invalid(&["/parameters"]);
    app.post("/api/v1/tasks/a/run", json!({"params": {"message": 1}})).await.problem(422);
}

#[tokio::test]
async fn idempotency_key_queues_once() {
    let app = App::start().await;
    app.task("a").await;
    app.allow_overlap("a").await;
    let run = async |key: &str| app.call_with(Method::POST, "/api/v1/tasks/a/run", &[("idempotency-key", key)], b"").await;
    let (first, again, other) = (run("k-1").await, run("k-1").await, run("k-2").await);
    assert_eq!((first.status, again.status, other.status), (202, 202, 202));
    assert_eq!(first.json["id"], again.json["id"]);
    assert_ne!(first.json["id"], other.json["id"]);
    assert_eq!(app.get("/api/v1/tasks/a/executions").await.json["total"], 2);
    run("two words").await.problem(422);
    run("schlüssel").await.problem(422);
    run(&"x".repeat(256)).await.problem(422);
}

#[tokio::test]
async fn run_at_the_limit_of_concurrent_runs_is_a_conflict() {
    let app = App::start().await;
    app.task("a").await;
    app.send(Method::PATCH, "/api/v1/tasks/a", json!({"policy": {"max_instances": 1}})).await;
    let first = app.post("/api/v1/tasks/a/run", json!({})).await;
    let refused = app.post("/api/v1/tasks/a/run", json!({})).await;
    let detail = refused.problem(409).json["detail"].as_str().unwrap();
    assert!(detail.contains(first.json["id"].as_str().unwrap()), "{detail}");
    app.send(Method::PATCH, "/api/v1/tasks/a", json!({"policy": {"on_overlap": "queue"}})).await;
    let queued = app.post("/api/v1/tasks/a/run", json!({})).await;
    assert_eq!((queued.status, &queued.json["waits"]), (202, &json!(true)));
}

#[tokio::test]
async fn date_in_the_past_is_refused_unless_it_is_allowed() {
    let app = App::start().await;
    let mut task = json!({"id": "a", "type": "note", "trigger": {"type": "date", "run_date": "2026-11-20 08:00"}});
    app.post("/api/v1/tasks", task.clone()).await.invalid(&["/trigger/run_date"]);
    task["allow_past"] = json!(true);
    assert_eq!(app.post("/api/v1/tasks", task).await.status, 201);
    let recorded = app.get("/api/v1/executions?task_id=a").await;
    assert_eq!(recorded.json["items"][0]["status"], "missed", "{}", recorded.text);
}

#[tokio::test]
async fn deleting_a_task_keeps_its_executions() {
    let app = App::start().await;
    app.task("a").await;
    app.post("/api/v1/tasks/a/run", json!({})).await;
    assert_eq!(app.delete("/api/v1/tasks/a").await.status, 204);
    app.get("/api/v1/tasks/a").await.problem(404);
    let left = app.get("/api/v1/executions?task_id=a").await;
    assert_eq!((&left.json["total"], &left.json["items"][0]["status"]), (&json!(1), &json!("cancelled")), "{}", left.text);
    assert_eq!(left.json["items"][0]["queued_at"], "2026-11-21T00:00:00.000+00:00", "in UTC without a task");
}

#[tokio::test]
async fn task_id_bulk_is_reachable() {
    let app = App::start().await;
    app.task("bulk").await;
    assert_eq!(app.get("/api/v1/tasks/bulk").await.json["id"], "bulk");
    assert_eq!(app.send(Method::PATCH, "/api/v1/tasks/bulk", json!({"name": "b"})).await.json["name"], "b");
    assert_eq!(app.post("/api/v1/tasks/bulk/run", json!({})).await.status, 202);
    assert_eq!(app.delete("/api/v1/tasks/bulk").await.status, 204);
}
