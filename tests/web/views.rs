//! Saved views, nodes page, chain in the task form, and bulk progress.

use belfry::domain::node::NodeIdentity;
use belfry::domain::saved_view::ListKind;
use belfry::domain::user::{Actor, Role};
use belfry::storage::node;
use serde_json::json;

use crate::site::Site;
use crate::support::context::{admin, echo};

#[tokio::test]
async fn save_and_open_a_view() {
    let mut site = Site::start().await;
    site.get("/tasks").await.has_status(200).shows("No saved views yet").shows("Set a filter first");
    site.get("/views").await.has_status(200).shows("No saved views yet");
    let saved = site.post("/views/tasks?search=tag%3Areport&status=failed&cursor=x&evil=1", &[("name", " Reports <1> ")]).await;
    saved.redirects_to("/tasks?search=tag%3Areport&status=failed");
    let list = site.get("/tasks?search=tag%3Areport&status=failed").await;
    list.has_status(200).shows("href=\"/tasks?search=tag%3Areport&amp;status=failed\" aria-current=\"true\">Reports &lt;1&gt;");
    let runs = site.post("/views/executions?status=failed&status=timed_out&range=today", &[("name", "Bad")]).await;
    runs.redirects_to("/executions?range=today&zone=Asia%2FShanghai&status=failed&status=timed_out");
    site.get("/executions").await.has_status(200).shows("Bad").hides("Reports");
    // Saving under the same name replaces the filter.
    site.post("/views/tasks?type=echo", &[("name", "Reports <1>")]).await.redirects_to("/tasks?type=echo");
    let views = site.context.services.saved_views.list(&me()).await.expect("reads");
    assert_eq!(views.iter().map(|view| view.query.as_str()).collect::<Vec<_>>(), [views[0].query.as_str(), "type=echo"]);
    site.post("/views/tasks?type=echo", &[("name", "  ")]).await.has_status(422).shows("must have 1 to 60 characters");
    site.sign_in_as("vera", Role::Viewer).await;
    site.get("/views").await.has_status(200).hides("Reports").hides("Bad");
    for path in [format!("/views/{}/rename", views[0].id), format!("/views/{}/delete", views[0].id)] {
        let field = format!("/{}", views[0].id);
        site.post(&path, &[(field.as_str(), "mine")]).await.has_status(404);
    }
    site.post("/views/tasks?type=echo", &[("name", "Mine")]).await.redirects_to("/tasks?type=echo");
    assert_eq!(site.context.services.saved_views.list(&me()).await.expect("reads").len(), 2, "views of other accounts are kept");
    site.close().await;
}

#[tokio::test]
async fn rename_and_delete_views() {
    let site = Site::start().await;
    for name in ["one", "two"] {
        site.post("/views/tasks?type=echo", &[("name", name)]).await.redirects_to("/tasks?type=echo");
    }
    let views = site.context.services.saved_views.list(&me()).await.expect("reads");
    let (rename, field) = (format!("/views/{}/rename", views[0].id), format!("/{}", views[0].id));
    site.post(&rename, &[(field.as_str(), "two")])
        .await
        .has_status(409)
        .shows("a saved view of this name")
        .shows("value=\"two\"");
    site.post(&rename, &[(field.as_str(), &"x".repeat(61))]).await.has_status(422).shows("must have 1 to 60 characters, not 61");
    site.post(&rename, &[(field.as_str(), "three")]).await.redirects_to("/views");
    site.get("/views").await.shows("three").hides(">one<");
    let delete = format!("/views/{}/delete", views[0].id);
    site.post(&delete, &[]).await.redirects_to("/views");
    site.post(&delete, &[]).await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn views_have_limits() {
    let site = Site::start().await;
    for number in 0..50 {
        let name = number.to_string();
        site.context.services.saved_views.save(&me(), ListKind::Tasks, &name, "").await.expect("saves");
    }
    site.post("/views/tasks?type=echo", &[("name", "one more")]).await.has_status(409).shows("50 saved views");
    site.post("/views/tasks?type=echo", &[("name", "49")]).await.redirects_to("/tasks?type=echo");
    site.post("/views/executions?status=failed", &[("name", "of another list")]).await;
    let long = format!("/views/executions?search={}", "x".repeat(2100));
    site.post(&long, &[("name", "long")]).await.has_status(422).shows("at most 2000 bytes");
    let response = site.post_with("/views/tasks?type=echo", &[("name", "x")], &[("hx-request", "true")]).await;
    assert_eq!(response.status, 204);
    assert!(response.header("hx-trigger").contains("50 saved views"), "{}", response.header("hx-trigger"));
    site.close().await;
}

#[tokio::test]
async fn nodes_page_shows_runs_and_heartbeat() {
    let mut site = Site::start().await;
    site.get("/nodes").await.has_status(200).shows("No nodes").shows("<code class=\"cell-title\">slow</code>");
    site.context.create("busy", json!({"type": "cron", "hour": 8})).await;
    let run = site.context.services.executions.run(&admin(), "busy", None, None).await.expect("queues");
    let waiting = site.get("/nodes").await;
    waiting.shows("<code class=\"cell-title\">default</code></th><td class=\"num\" data-label=\"Waiting\">1</td>");
    let (node, now) =
        (NodeIdentity { id: "01NODE".into(), name: "host-<1>".into() }, belfry::clock::Clock::now(&*site.context.clock));
    let mut tx = site.context.database.write().await.expect("begins");
    node::heartbeat(&mut tx, &node, 8, now, now, None).await.expect("writes");
    let claim = belfry::storage::execution::Claim { execution_id: run.id.clone(), attempt: 1, started_at: now };
    let claims = [claim];
    belfry::storage::execution::claim(&mut tx, &node, &claims).await.expect("claims");
    belfry::storage::execution::mark_running(&mut tx, &node.id, &claims).await.expect("marks");
    tx.commit().await.expect("commits");
    let shown = site.get("/nodes").await;
    shown
        .has_status(200)
        .shows("host-&lt;1&gt;")
        .shows("1 of 8 workers busy")
        .shows(&format!("/executions/{}", run.id))
        .hides("not responding");
    site.context.clock.advance(chrono::Duration::seconds(31));
    site.get("/nodes").await.shows("not responding");
    site.sign_in_as("vera", Role::Viewer).await;
    site.get("/nodes").await.has_status(200).shows("host-&lt;1&gt;");
    site.close().await;
}

/// The signed-in user.
fn me() -> Actor {
    Actor::local("admin")
}

const FORM: [(&str, &str); 5] = [
    ("/id", "first"),
    ("/type", "echo"),
    ("/trigger/type", "cron"),
    ("/trigger/expression", "0 8 * * *"),
    ("/params", "{\"message\": \"hi\"}"),
];

#[tokio::test]
async fn chain_in_the_task_form() {
    let site = Site::start().await;
    site.context.create("after", json!({"type": "cron", "hour": 8})).await;
    site.get("/tasks/new").await.has_status(200).shows("name=\"/chain/0/task\"").shows("name=\"/chain/1/task\"");
    let with = |more: &[(&'static str, &'static str)]| FORM.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let blank = ("/chain/0/on", "failure");
    let row = [
        blank,
        ("/chain/0/task", ""),
        ("/chain/1/on", "failure"),
        ("/chain/1/task", "after"),
        ("/chain/1/params", "{\"message\": \"x\"}"),
    ];
    site.post("/tasks/new", &with(&row)).await.redirects_to("/tasks/first");
    let task = site.context.services.tasks.get(&admin(), "first").await.expect("reads");
    assert_eq!(task.chain.len(), 1);
    assert_eq!(task.chain[0].to_json(), json!({"on": "failure", "task": "after", "params": {"message": "x"}}));
    site.get("/tasks/first").await.shows("failure → <a href=\"/tasks/after\">after</a>").shows("message=x");
    let edit = site.get("/tasks/first/edit").await;
    edit.shows("<option value=\"failure\" selected>").shows("value=\"after\"").shows("id=\"chain\" open");
    // Faults are shown at their fields; blank rows are removed.
    let wrong = [("/chain/3/task", "nobody"), ("/chain/4/task", "after"), ("/chain/4/params", "{"), ("version", "1")];
    let rejected = site.post("/tasks/first/edit", &with(&wrong)).await;
    rejected.has_status(422).shows("href=\"#field-chain-1-params\"").shows("line 1, column").shows("value=\"nobody\"");
    let unknown = site.post("/tasks/first/edit", &with(&[("/chain/3/task", "nobody"), ("version", "1")])).await;
    unknown.has_status(422).shows("href=\"#field-chain-0-task\"").shows("there is no task");
    let looped = [("/chain/0/task", "first"), ("version", "1")];
    site.post("/tasks/first/edit", &with(&looped)).await.has_status(422).shows("first → first");
    // Blank rows remove the chain.
    site.post("/tasks/first/edit", &with(&[("/chain/0/on", "success"), ("/chain/0/task", ""), ("version", "1")]))
        .await
        .redirects_to("/tasks/first");
    assert!(site.context.services.tasks.get(&admin(), "first").await.expect("reads").chain.is_empty());
    site.close().await;
}

#[tokio::test]
async fn chain_field_suggests_tasks() {
    let site = Site::start().await;
    for id in ["alpha", "beta"] {
        site.context.services.tasks.create(&admin(), &echo(id, json!({"type": "cron", "hour": 8}))).await.expect("creates");
    }
    let found = site.get("/tasks/-/names?%2Fchain%2F0%2Ftask=alp").await;
    assert_eq!((found.status, found.text.trim()), (200, "<option value=\"alpha\">alpha</option>"));
    site.get("/tasks/-/names?%2Fchain%2F1%2Ftask=").await.shows("beta");
    site.close().await;
}

#[tokio::test]
async fn bulk_action_continues_after_its_request() {
    let site = Site::start().await;
    for number in 0..700 {
        let task = echo(&format!("many-{number:03}"), json!({"type": "cron", "hour": 8}));
        site.context.services.tasks.create(&admin(), &task).await.expect("creates");
    }
    let mut answer = site.post("/tasks/-/bulk", &[("action", "pause"), ("all", "true"), ("sort", "name")]).await;
    while answer.status == 200 {
        answer.shows("<progress").shows("Continue").shows("/stop?sort=name");
        let href = answer.text.split("hx-get=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an address").to_owned();
        answer = site.get(&href).await;
    }
    answer.redirects_to("/tasks?sort=name");
    let flash = answer.cookies()[0].split(';').next().expect("a cookie").to_owned();
    site.get_with("/tasks", &[], &format!("; {flash}")).await.shows("Done: 700 tasks.");
    site.get("/tasks?enabled=false").await.shows("700 total");
    site.close().await;
}
