//! Export and import page.

use belfry::domain::user::Role;
use belfry::i18n::Message;
use belfry::service::FileStatus;
use belfry::web::csrf;
use poem::http::Method;
use serde_json::json;

use crate::site::{Page, Site};
use crate::support::context::{admin, echo, start};

const PATH: &str = "/settings/transfer";
const DOCUMENT: &str = "tasks:\n  - {id: a, type: echo, trigger: {type: cron, hour: 9}, params: {message: <b>}}\n";

/// Submits a multipart form.
async fn upload(site: &Site, fields: &[(&str, &str)]) -> Page {
    let token = csrf::token(&site.session);
    let mut body = String::new();
    for (name, value) in [("csrf", token.as_str())].iter().chain(fields) {
        let file = if *name == "file" { "; filename=\"tasks.yaml\"\r\nContent-Type: application/yaml" } else { "" };
        body.push_str(&format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"));
    }
    body.push_str("--x--\r\n");
    let cookie = format!("belfry_session={}", site.session);
    site.request(Method::POST, PATH, &[("cookie", &cookie), ("content-type", "multipart/form-data; boundary=x")], &body).await
}

/// Returns the value of a hidden field.
fn hidden(page: &Page, name: &str) -> String {
    let start = page.text.find(&format!("name=\"{name}\" value=\"")).expect("is there") + name.len() + 15;
    let value = &page.text[start..];
    let value = &value[..value.find('"').expect("ends")];
    value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#x27;", "'").replace("&amp;", "&")
}

#[tokio::test]
async fn import_is_previewed_and_applied() {
    let site = Site::start().await;
    site.get(PATH).await.has_status(200).shows("Export and import").shows("multipart/form-data").hides("Preview of changes</h2>");
    let shown = upload(&site, &[("file", DOCUMENT), ("document", "")]).await;
    shown.has_status(200).shows("1 to create, 0 to change, 0 to delete");
    assert_eq!(site.get("/tasks/a").await.status, 404, "a preview changes nothing");
    let (document, seen) = (hidden(&shown, "document"), hidden(&shown, "seen"));
    upload(&site, &[("document", &document), ("seen", &seen)]).await.redirects_to(PATH);
    site.get("/tasks/a").await.has_status(200);
    upload(&site, &[("document", &document)]).await.has_status(200).shows("1 tasks match the document").hides("name=\"seen\"");
    site.close().await;
}

#[tokio::test]
async fn only_the_previewed_plan_is_applied() {
    let site = Site::start().await;
    let shown = upload(&site, &[("document", DOCUMENT)]).await;
    let (document, seen) = (hidden(&shown, "document"), hidden(&shown, "seen"));
    site.context.services.tasks.create(&admin(), &echo("a", json!({"type": "idle"}))).await.expect("creates");
    upload(&site, &[("document", &document), ("seen", &seen)])
        .await
        .has_status(200)
        .shows("0 to create, 1 to change")
        .shows("/trigger/");
    let pruning = upload(&site, &[("document", "tasks: []"), ("prune", "true")]).await;
    pruning.has_status(200).shows("1 to delete").shows("name=\"prune\" value=\"true\"").shows("btn-danger");
    site.close().await;
}

#[tokio::test]
async fn invalid_document_shows_faults_and_keeps_input() {
    let mut site = Site::start().await;
    let rejected = upload(&site, &[("document", "tasks:\n  - {id: a, type: echo, trigger: {type: cron, hour: 25}}\n")]).await;
    rejected.has_status(422).shows("/tasks/0/trigger/hour").shows("hour: 25 is not between 0 and 23").shows("hour: 25}}");
    upload(&site, &[("document", "tasks: [")]).await.has_status(422).shows("the document is not valid YAML");
    site.post(PATH, &[("document", DOCUMENT)]).await.has_status(200).shows("1 to create");
    let cookie = format!("belfry_session={}", site.session);
    let forged = "--x\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\ntasks: []\r\n--x--\r\n";
    site.request(Method::POST, PATH, &[("cookie", &cookie), ("content-type", "multipart/form-data; boundary=x")], forged)
        .await
        .has_status(403);
    site.sign_in_as("vera", Role::Viewer).await;
    site.get(PATH).await.has_status(200).hides("<textarea");
    upload(&site, &[("document", DOCUMENT)]).await.has_status(403);
    let yaml = site.get(&format!("{PATH}/export?format=yaml")).await;
    assert_eq!((yaml.status, yaml.header("content-disposition")), (200, "attachment; filename=\"tasks.yaml\""));
    assert_eq!(yaml.text, "version: 1\ntasks: []\nsecrets: []\n");
    site.get(&format!("{PATH}/export?format=xml")).await.has_status(400);
    site.close().await;
}

#[tokio::test]
async fn tasks_managed_by_a_file_are_marked() {
    let site = Site::start().await;
    let services = &site.context.services;
    services
        .tasks_file
        .apply(&admin(), &json!({"tasks": [echo("a", json!({"type": "idle"}))]}), "tasks.yaml")
        .await
        .expect("keeps");
    services.tasks_file.set_status(FileStatus { name: "tasks.yaml".into(), at: start(), errors: Vec::new() });
    site.get("/tasks").await.has_status(200).shows("Managed by tasks.yaml");
    site.get("/tasks/a").await.has_status(200).shows("Managed by tasks.yaml");
    site.post("/tasks/a/delete", &[]).await.has_status(409).shows("is managed by tasks.yaml; change it there");
    site.get(PATH)
        .await
        .has_status(200)
        .shows("Tasks in tasks.yaml can be changed only in that file")
        .hides("paused, but enabled");
    services.tasks.pause(&admin(), "a", None).await.expect("pauses");
    let errors = vec![Message::verbatim("line 3 <b>"), Message::new("tasks_file.more_faults").with("more", 7)];
    services.tasks_file.set_status(FileStatus { name: "tasks.yaml".into(), at: start(), errors });
    site.get(PATH)
        .await
        .has_status(200)
        .shows("could not be applied")
        .shows("line 3 &lt;b&gt;\nand 7 more")
        .shows("paused, but enabled in the file");
    site.get_with(PATH, &[("accept-language", "zh-CN")], "").await.shows("line 3 &lt;b&gt;\n另有 7 处");
    site.close().await;
}

#[tokio::test]
async fn tasks_managed_by_a_file_can_be_run_and_paused_only() {
    let site = Site::start().await;
    let document = |name: &str| json!({"tasks": [{"id": "kept", "name": name, "type": "echo", "trigger": {"type": "cron", "hour": 9}, "params": {"message": "a"}}]});
    for name in ["one", "two"] {
        site.context.services.tasks_file.apply(&admin(), &document(name), "tasks.yaml").await.expect("keeps");
    }
    for page in ["/tasks", "/tasks/kept"] {
        let shown = site.get(page).await;
        shown.has_status(200).shows("Managed by tasks.yaml").shows("/tasks/kept/run");
        shown.hides("/tasks/kept/edit").hides("/tasks/kept/delete").hides("/tasks/kept/restore");
    }
    site.get("/tasks/kept").await.shows("/tasks/kept/pause").shows("/tasks/kept/copy");
    for page in ["/tasks/kept/edit", "/tasks/kept/delete", "/tasks/kept/restore?version=1"] {
        site.get(page).await.has_status(409).shows("is managed by tasks.yaml; change it there");
    }
    site.close().await;
}
