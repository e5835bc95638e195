//! `/task-types` and `/stats`.

use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn task_types_include_schema_example_and_policy() {
    let app = App::start().await;
    let types = app.get("/api/v1/task-types").await;
    assert_eq!(types.status, 200, "{}", types.text);
    let [danger, note] = types.json.as_array().unwrap().as_slice() else { panic!("{}", types.text) };
    assert_eq!((&danger["type"], &danger["dangerous"]), (&json!("danger"), &json!(true)));
    assert_eq!((&note["type"], &note["title"]), (&json!("note"), &json!({"en": "Note", "zh": "便笺"})));
    assert_eq!(note["params_schema"]["properties"]["message"]["type"], "string");
    assert_eq!(note["example"], json!({"message": "hello"}));
    assert_eq!(
        note["default_policy"],
        json!({"max_instances": 3, "on_overlap": "skip", "misfire_grace_seconds": 3600, "coalesce": true, "timeout_seconds": 3600,
            "priority": 0, "queue": "default", "retry": {"max_attempts": 1, "delay_seconds": 10, "backoff": "exponential",
            "max_delay_seconds": 600, "jitter_seconds": 0, "on_interruption": true},
            "retention": {"max_age_days": null, "max_executions": null}, "alert": {"late_seconds": null,
            "running_longer_than_seconds": null, "no_success_for_seconds": null, "failures_in_a_row": null}})
    );
}

#[tokio::test]
async fn stats_count_executions() {
    let app = App::start().await;
    app.task("a").await;
    app.post("/api/v1/tasks/a/run", json!({})).await;
    let stats = app.get("/api/v1/stats").await;
    assert_eq!(stats.status, 200, "{}", stats.text);
    let stats = stats.json;
    assert_eq!((&stats["window_seconds"], &stats["by_status"]["queued"]), (&json!(86_400), &json!(1)));
    assert_eq!((&stats["by_type"], &stats["success_rate"]), (&json!({"note": 1}), &json!(null)));
    assert_eq!(stats["tasks"], json!({"total": 1, "enabled": 1, "failing": 0}));
    assert_eq!(stats["due_next"], json!([{"task_id": "a", "name": "a", "next_run_at": "2026-11-21T09:00:00.000+08:00"}]));
    assert_eq!(stats["from"], "2026-11-20T00:00:00.000+00:00");
    assert_eq!(app.get("/api/v1/stats?window_seconds=60").await.json["window_seconds"], 60);
}
