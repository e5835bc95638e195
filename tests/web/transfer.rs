//! The page of export and import.

use belfry::domain::user::Role;
use belfry::service::FileStatus;
use belfry::web::csrf;
use poem::http::Method;
use serde_json::json;

use crate::site::{Page, Site};
use crate::support::parts::{admin, echo, start};

const PATH: &str = "/settings/transfer";
const DOCUMENT: &str = "tasks:\n  - {id: a, type: echo, trigger: {type: cron, hour: 9}, params: {message: <b>}}\n";

/// A form with files, as browsers send it.
async fn upload(site: &Site, fields: &[(&str, &str)]) -> Page {
    let token = csrf::token(&site.session);
    let mut body = String::new();
    for (name, value) in [("csrf", token.as_str())].iter().chain(fields) {
        let file = if *name == "file" { "; filename=\"tasks.yaml\"\r\nContent-Type: application/yaml" } else { "" };
        body.push_str(&format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"));
    }
    body.push_str("--x--\r\n");
    let cookie = format!("belfry_session={}", site.session);
    site.bare(Method::POST, PATH, &[("cookie", &cookie), ("content-type", "multipart/form-data; boundary=x")], &body).await
}

/// The value of a hidden field.
fn hidden(page: &Page, name: &str) -> String {
    let start = page.text.find(&format!("name=\"{name}\" value=\"")).expect("is there") + name.len() + 15;
    let value = &page.text[start..];
    let value = &value[..value.find('"').expect("ends")];
    value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#x27;", "'").replace("&amp;", "&")
}

#[tokio::test]
async fn a_document_is_looked_at_and_then_applied() {
    let site = Site::start().await;
    site.get(PATH).await.is(200).shows("Export and import").shows("multipart/form-data").hides("What would change</h2>");
    let shown = upload(&site, &[("file", DOCUMENT), ("document", "")]).await;
    shown.is(200).shows("1 created, 0 changed, 0 deleted");
    assert_eq!(site.get("/tasks/a").await.status, 404, "looking changes nothing");
    let (document, seen) = (hidden(&shown, "document"), hidden(&shown, "seen"));
    upload(&site, &[("document", &document), ("seen", &seen)]).await.leads_to(PATH);
    site.get("/tasks/a").await.is(200);
    upload(&site, &[("document", &document)]).await.is(200).shows("1 tasks are as the document says").hides("name=\"seen\"");
    site.end().await;
}

#[tokio::test]
async fn only_what_was_seen_is_applied() {
    let site = Site::start().await;
    let shown = upload(&site, &[("document", DOCUMENT)]).await;
    let (document, seen) = (hidden(&shown, "document"), hidden(&shown, "seen"));
    site.parts.service.create_task(&admin(), &echo("a", json!({"type": "idle"}))).await.expect("creates");
    upload(&site, &[("document", &document), ("seen", &seen)]).await.is(200).shows("0 created, 1 changed").shows("/trigger/");
    let pruning = upload(&site, &[("document", "tasks: []"), ("prune", "true")]).await;
    pruning.is(200).shows("1 deleted").shows("name=\"prune\" value=\"true\"").shows("btn-danger");
    site.end().await;
}

#[tokio::test]
async fn what_is_not_right_is_shown_and_kept() {
    let mut site = Site::start().await;
    let refused = upload(&site, &[("document", "tasks:\n  - {id: a, type: echo, trigger: {type: cron, hour: 25}}\n")]).await;
    refused.is(422).shows("/tasks/0/trigger/hour").shows("hour: 25 is not between 0 and 23").shows("hour: 25}}");
    upload(&site, &[("document", "tasks: [")]).await.is(422).shows("the document is not YAML");
    site.post(PATH, &[("document", DOCUMENT)]).await.is(200).shows("1 created");
    let cookie = format!("belfry_session={}", site.session);
    let forged = "--x\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\ntasks: []\r\n--x--\r\n";
    site.bare(Method::POST, PATH, &[("cookie", &cookie), ("content-type", "multipart/form-data; boundary=x")], forged)
        .await
        .is(403);
    site.become_one("vera", Role::Viewer).await;
    site.get(PATH).await.is(200).hides("<textarea");
    upload(&site, &[("document", DOCUMENT)]).await.is(403);
    let yaml = site.get(&format!("{PATH}/export?format=yaml")).await;
    assert_eq!((yaml.status, yaml.header("content-disposition")), (200, "attachment; filename=\"tasks.yaml\""));
    assert_eq!(yaml.text, "version: 1\ntasks: []\nsecrets: []\n");
    site.get(&format!("{PATH}/export?format=xml")).await.is(400);
    site.end().await;
}

#[tokio::test]
async fn what_a_file_keeps_is_marked() {
    let site = Site::start().await;
    let service = &site.parts.service;
    service.keep_tasks(&admin(), &json!({"tasks": [echo("a", json!({"type": "idle"}))]}), "tasks.yaml").await.expect("keeps");
    service.set_tasks_file(FileStatus { name: "tasks.yaml".into(), at: start(), error: None });
    site.get("/tasks").await.is(200).shows("Kept by tasks.yaml");
    site.get("/tasks/a").await.is(200).shows("Kept by tasks.yaml");
    site.post("/tasks/a/delete", &[]).await.is(409).shows("is kept by tasks.yaml; change it there");
    site.get(PATH).await.is(200).shows("tasks.yaml says how its tasks are to be").hides("is paused, though");
    service.pause_task(&admin(), "a", None).await.expect("pauses");
    service.set_tasks_file(FileStatus { name: "tasks.yaml".into(), at: start(), error: Some("line 3 <b>".into()) });
    site.get(PATH)
        .await
        .is(200)
        .shows("could not be done")
        .shows("line 3 &lt;b&gt;")
        .shows("is paused, though the file enables it");
    site.end().await;
}

#[tokio::test]
async fn what_a_file_keeps_is_run_and_paused_but_not_changed_here() {
    let site = Site::start().await;
    let document = |name: &str| json!({"tasks": [{"id": "kept", "name": name, "type": "echo", "trigger": {"type": "cron", "hour": 9}, "params": {"message": "a"}}]});
    for name in ["one", "two"] {
        site.parts.service.keep_tasks(&admin(), &document(name), "tasks.yaml").await.expect("keeps");
    }
    for page in ["/tasks", "/tasks/kept"] {
        let shown = site.get(page).await;
        shown.is(200).shows("Kept by tasks.yaml").shows("/tasks/kept/run").shows("/tasks/kept/pause");
        shown.hides("/tasks/kept/edit").hides("/tasks/kept/delete").hides("/tasks/kept/restore");
    }
    site.get("/tasks/kept").await.shows("/tasks/kept/copy");
    for page in ["/tasks/kept/edit", "/tasks/kept/delete", "/tasks/kept/restore?version=1"] {
        site.get(page).await.is(409).shows("is kept by tasks.yaml; change it there");
    }
    site.end().await;
}
