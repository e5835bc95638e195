//! `/executions`: read with output and attempts, cancelled, rerun.

use belfry::domain::execution::{OutputChunk, Status, Stream};
use belfry::domain::node::NodeIdentity;
use belfry::storage::execution::{self, Claim, Finish, NewOutput};
use serde_json::{Value, json};

use crate::app::App;
use crate::support::at;

/// Queues a run of task `a`.
async fn queue(app: &App) -> String {
    let run = app.post("/api/v1/tasks/a/run", json!({"params": {"message": "hi"}})).await;
    assert_eq!(run.status, 202, "{}", run.text);
    run.json["id"].as_str().unwrap().to_owned()
}

fn chunk(attempt: i64, seq: i64, text: &str) -> OutputChunk {
    OutputChunk { attempt, seq, stream: Stream::Stdout, at: at("2026-11-21T00:00:01Z"), text: text.to_owned() }
}

/// Acts as a worker: claims the run, writes output, records the result.
async fn work(app: &App, id: &str, status: Status, result: Option<Value>) {
    let node = NodeIdentity { id: "01NODE".to_owned(), name: "host-1".to_owned() };
    let mut tx = app.database().write().await.unwrap();
    let claim = Claim { execution_id: id.to_owned(), attempt: 1, started_at: at("2026-11-21T00:00:01Z") };
    assert_eq!(execution::claim(&mut tx, &node, &[claim]).await.unwrap().len(), 1);
    let output = ["one\n", "two\n"].iter().enumerate();
    let output: Vec<_> =
        output.map(|(seq, text)| NewOutput { execution_id: id.to_owned(), chunk: chunk(1, seq as i64, text) }).collect();
    execution::append_output(&mut tx, &output).await.unwrap();
    let finish = Finish {
        execution_id: id.to_owned(),
        attempt: 1,
        status,
        retry_at: None,
        started_at: at("2026-11-21T00:00:01Z"),
        finished_at: at("2026-11-21T00:00:02Z"),
        duration_ms: 1000,
        error: (status == Status::Failed).then(|| belfry::i18n::Message::verbatim("exit code 3")),
        result,
    };
    assert_eq!(execution::finish(&mut tx, &node.id, &[finish]).await.unwrap().executions.len(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn execution_shows_output_result_and_attempts() {
    let app = App::start().await;
    app.task("a").await;
    let id = queue(&app).await;
    work(&app, &id, Status::Succeeded, Some(json!({"exit_code": 0}))).await;
    let shown = app.get(&format!("/api/v1/executions/{id}")).await.json;
    assert_eq!((&shown["status"], &shown["output"]), (&json!("succeeded"), &json!("one\ntwo\n")));
    assert_eq!((&shown["result"], &shown["error"]), (&json!({"exit_code": 0}), &json!(null)));
    assert_eq!((&shown["duration_ms"], &shown["lateness_ms"]), (&json!(1000), &json!(1000)));
    assert_eq!((&shown["node"], &shown["finished_at"]), (&json!("host-1"), &json!("2026-11-21T08:00:02.000+08:00")));
    assert_eq!(shown["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["attempts"][0]["status"], "succeeded");
    let text = app.get(&format!("/api/v1/executions/{id}/output")).await;
    assert_eq!((text.status, text.text.as_str()), (200, "one\ntwo\n"));
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(app.get(&format!("/api/v1/executions/{id}/output?attempt=2")).await.text, "");
    app.get(&format!("/api/v1/executions/{id}/output?attempt=0")).await.invalid(&["/attempt"]);
    assert_eq!(text.header("belfry-execution-status"), "succeeded");
    let place = text.header("belfry-output-place");
    let rest = app.get(&format!("/api/v1/executions/{id}/output?after={place}")).await;
    assert_eq!((rest.text.as_str(), rest.header("belfry-output-place")), ("", place));
    assert_eq!(app.get(&format!("/api/v1/executions/{id}/output?after=1.0")).await.text, "two\n");
    app.get(&format!("/api/v1/executions/{id}/output?after=x")).await.invalid(&["/after"]);
    let task = app.get("/api/v1/tasks/a").await.json;
    assert_eq!((&task["stats"]["executed"], &task["stats"]["last_status"]), (&json!(true), &json!("succeeded")));
    assert_eq!(task["stats"]["last_run_at"], "2026-11-21T08:00:01.000+08:00");
}

#[tokio::test]
async fn output_is_shown_as_text_and_returned_as_bytes() {
    let app = App::start().await;
    app.task("a").await;
    let id = queue(&app).await;
    work(&app, &id, Status::Succeeded, None).await;
    let mut tx = app.database().write().await.unwrap();
    let byte = belfry::domain::raw_output::from_byte;
    let more = [chunk(1, 2, &format!("caf{}\n10%", byte(0xe9))), chunk(1, 3, "\r50%"), chunk(1, 4, "\r100%\n")];
    let more: Vec<_> = more.into_iter().map(|chunk| NewOutput { execution_id: id.clone(), chunk }).collect();
    execution::append_output(&mut tx, &more).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/api/v1/executions/{id}");
    assert_eq!(app.get(&format!("{path}/output")).await.text, "one\ntwo\ncaf\u{fffd}\n100%\n");
    assert_eq!(app.get(&path).await.json["output"], "one\ntwo\ncaf\u{fffd}\n100%\n");
    let raw = app.get(&format!("{path}/output/raw")).await;
    assert_eq!((raw.status, raw.bytes.as_slice()), (200, b"one\ntwo\ncaf\xe9\n10%\r50%\r100%\n".as_slice()));
    assert_eq!(raw.header("content-type"), "application/octet-stream");
    assert_eq!(app.get(&format!("{path}/output/raw?attempt=2")).await.bytes, b"");
    app.get(&format!("{path}/output/raw?after=1.0")).await.invalid(&["/after"]);
    app.get("/api/v1/executions/none/output/raw").await.problem(404);
}

#[tokio::test]
async fn failed_execution_is_returned_with_200() {
    let app = App::start().await;
    app.task("a").await;
    let id = queue(&app).await;
    work(&app, &id, Status::Failed, None).await;
    let shown = app.get(&format!("/api/v1/executions/{id}")).await;
    assert_eq!(shown.status, 200);
    assert_eq!((&shown.json["error"], &shown.json["result"]), (&json!("exit code 3"), &json!(null)));
    assert_eq!(app.get("/api/v1/executions?from=2026-11-21&to=2026-11-22&status=failed").await.json["total"], 1);
    app.post(&format!("/api/v1/executions/{id}/cancel"), json!({})).await.problem(409);
}

#[tokio::test]
async fn cancelling_twice_is_a_conflict() {
    let app = App::start().await;
    app.task("a").await;
    let id = queue(&app).await;
    let cancelled = app.post(&format!("/api/v1/executions/{id}/cancel"), json!({})).await;
    assert_eq!((cancelled.status, &cancelled.json["status"]), (200, &json!("cancelled")), "{}", cancelled.text);
    app.post(&format!("/api/v1/executions/{id}/cancel"), json!({})).await.problem(409);
}

#[tokio::test]
async fn rerun_keeps_or_overrides_parameters() {
    let app = App::start().await;
    app.task("a").await;
    let id = queue(&app).await;
    let path = format!("/api/v1/executions/{id}/rerun");
    let again = app.post(&path, json!({})).await;
    assert_eq!((again.status, &again.json["params"]), (202, &json!({"message": "hi"})), "{}", again.text);
    assert_ne!(again.json["id"], id.as_str());
    assert!(again.header("location").starts_with("/api/v1/executions/"));
    let other = app.post(&path, json!({"params": {"message": "ho"}})).await;
    assert_eq!(other.json["params"], json!({"message": "ho"}));
    app.post(&path, json!({"params": 1})).await.invalid(&["/params"]);
}
