//! Forms that are submitted twice, and answers to a deletion.

use belfry::domain::page::{ExecutionFilter, PageRequest};
use serde_json::json;

use crate::site::{HOST, Page, Site};
use crate::support::context::admin;

async fn runs(site: &Site) -> usize {
    let page = PageRequest { size: 10, cursor: None };
    site.context.services.executions.list(&admin(), &ExecutionFilter::default(), &page).await.expect("runs").items.len()
}

/// The value of a hidden field.
fn hidden<'a>(page: &'a Page, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.text.split_once(&start).expect("the field");
    rest.split('"').next().expect("its value")
}

#[tokio::test]
async fn run_form_submitted_twice_starts_one_run() {
    let site = Site::start().await;
    site.context.create("daily", json!({"type": "cron", "hour": 8})).await;
    let allow = json!({"policy": {"on_overlap": "allow"}});
    site.context.services.tasks.patch(&admin(), "daily", &allow, None).await.expect("changes");
    let dialog = site.get("/tasks/daily/run").await;
    let fields = [("key", hidden(&dialog, "key"))];
    let first = site.post("/tasks/daily/run", &fields).await;
    site.post("/tasks/daily/run", &fields).await.redirects_to(first.header("location"));
    assert_eq!(runs(&site).await, 1);
    let again = site.get("/tasks/daily/run").await;
    site.post("/tasks/daily/run", &[("key", hidden(&again, "key"))]).await;
    assert_eq!(runs(&site).await, 2, "another form starts another run");
    site.close().await;
}

#[tokio::test]
async fn rerun_form_submitted_twice_starts_one_run() {
    let site = Site::start().await;
    site.context.create("daily", json!({"type": "cron", "hour": 8})).await;
    let allow = json!({"policy": {"on_overlap": "allow"}});
    site.context.services.tasks.patch(&admin(), "daily", &allow, None).await.expect("changes");
    let run = site.context.services.executions.run(&admin(), "daily", None, None).await.expect("a run");
    let path = format!("/executions/{}/rerun", run.id);
    let dialog = site.get(&path).await;
    let fields = [("key", hidden(&dialog, "key"))];
    let first = site.post(&path, &fields).await;
    site.post(&path, &fields).await.redirects_to(first.header("location"));
    assert_eq!(runs(&site).await, 2);
    site.close().await;
}

#[tokio::test]
async fn bulk_run_form_submitted_twice_starts_one_run_a_task() {
    let site = Site::start().await;
    for id in ["a", "b"] {
        site.context.create(id, json!({"type": "cron", "hour": 8})).await;
    }
    let dialog = site.get("/tasks/-/bulk?action=run&id=a&id=b").await;
    let fields = [("action", "run"), ("id", "a"), ("id", "b"), ("key", hidden(&dialog, "key"))];
    for _ in 0..2 {
        site.post("/tasks/-/bulk", &fields).await;
    }
    assert_eq!(runs(&site).await, 2);
    site.close().await;
}

#[tokio::test]
async fn deletion_on_the_task_page_redirects_to_the_list() {
    let site = Site::start().await;
    for id in ["a", "b"] {
        site.context.create(id, json!({"type": "cron", "hour": 8})).await;
    }
    let delete = async |id: &str, from: &str| {
        let referer = format!("http://{HOST}{from}");
        site.post_with(&format!("/tasks/{id}/delete"), &[], &[("hx-request", "true"), ("referer", referer.as_str())]).await
    };
    let here = delete("a", "/tasks/a?x=1").await;
    assert_eq!((here.header("hx-redirect"), here.header("hx-trigger")), ("/tasks", ""));
    assert!(here.cookies()[0].starts_with("belfry_flash="), "{:?}", here.cookies());
    let listed = delete("b", "/tasks").await;
    assert!(listed.header("hx-redirect").is_empty() && listed.header("hx-trigger").contains("belfry:done"));
    site.close().await;
}
