//! Saved views, the page of nodes, and the chain in the form.

use belfry::domain::node::NodeIdentity;
use belfry::domain::saved_view::ListKind;
use belfry::domain::user::{Actor, Role};
use belfry::storage::node;
use serde_json::json;

use crate::site::Site;
use crate::support::parts::{admin, echo};

#[tokio::test]
async fn a_filter_is_saved_under_a_name_and_opened_by_it() {
    let mut site = Site::start().await;
    site.get("/tasks").await.is(200).shows("No saved views yet").shows("Set a filter to save it");
    site.get("/views").await.is(200).shows("No saved views yet");
    let saved = site.post("/views/tasks?search=tag%3Areport&status=failed&cursor=x&evil=1", &[("name", " Reports <1> ")]).await;
    saved.leads_to("/tasks?search=tag%3Areport&status=failed");
    let list = site.get("/tasks?search=tag%3Areport&status=failed").await;
    list.is(200).shows("href=\"/tasks?search=tag%3Areport&amp;status=failed\" aria-current=\"true\">Reports &lt;1&gt;");
    let runs = site.post("/views/executions?status=failed&status=timed_out&range=today", &[("name", "Bad")]).await;
    runs.leads_to("/executions?range=today&zone=Asia%2FShanghai&status=failed&status=timed_out");
    site.get("/executions").await.is(200).shows("Bad").hides("Reports");
    // The same name again takes the new filter.
    site.post("/views/tasks?type=echo", &[("name", "Reports <1>")]).await.leads_to("/tasks?type=echo");
    let views = site.parts.service.saved_views(&me()).await.expect("reads");
    assert_eq!(views.iter().map(|view| view.query.as_str()).collect::<Vec<_>>(), [views[0].query.as_str(), "type=echo"]);
    site.post("/views/tasks?type=echo", &[("name", "  ")]).await.is(422).shows("must have 1 to 60 characters");
    site.become_one("vera", Role::Viewer).await;
    site.get("/views").await.is(200).hides("Reports").hides("Bad");
    for path in [format!("/views/{}/rename", views[0].id), format!("/views/{}/delete", views[0].id)] {
        let field = format!("/{}", views[0].id);
        site.post(&path, &[(field.as_str(), "mine")]).await.is(404);
    }
    site.post("/views/tasks?type=echo", &[("name", "Mine")]).await.leads_to("/tasks?type=echo");
    assert_eq!(site.parts.service.saved_views(&me()).await.expect("reads").len(), 2, "those of others stay");
    site.end().await;
}

#[tokio::test]
async fn views_are_renamed_and_deleted() {
    let site = Site::start().await;
    for name in ["one", "two"] {
        site.post("/views/tasks?type=echo", &[("name", name)]).await.leads_to("/tasks?type=echo");
    }
    let views = site.parts.service.saved_views(&me()).await.expect("reads");
    let (rename, field) = (format!("/views/{}/rename", views[0].id), format!("/{}", views[0].id));
    site.post(&rename, &[(field.as_str(), "two")]).await.is(409).shows("a saved view of this name").shows("value=\"two\"");
    site.post(&rename, &[(field.as_str(), &"x".repeat(61))]).await.is(422).shows("must have 1 to 60 characters, not 61");
    site.post(&rename, &[(field.as_str(), "three")]).await.leads_to("/views");
    site.get("/views").await.shows("three").hides(">one<");
    let delete = format!("/views/{}/delete", views[0].id);
    site.post(&delete, &[]).await.leads_to("/views");
    site.post(&delete, &[]).await.is(404);
    site.end().await;
}

#[tokio::test]
async fn views_are_bounded() {
    let site = Site::start().await;
    for number in 0..50 {
        let name = number.to_string();
        site.parts.service.save_view(&me(), ListKind::Tasks, &name, "").await.expect("saves");
    }
    site.post("/views/tasks?type=echo", &[("name", "one more")]).await.is(409).shows("50 saved views");
    site.post("/views/tasks?type=echo", &[("name", "49")]).await.leads_to("/tasks?type=echo");
    site.post("/views/executions?status=failed", &[("name", "of another list")]).await;
    let long = format!("/views/executions?search={}", "x".repeat(2100));
    site.post(&long, &[("name", "long")]).await.is(422).shows("at most 2000 bytes");
    let told = site.post_with("/views/tasks?type=echo", &[("name", "x")], &[("hx-request", "true")]).await;
    assert_eq!(told.status, 204);
    assert!(told.header("hx-trigger").contains("50 saved views"), "{}", told.header("hx-trigger"));
    site.end().await;
}

#[tokio::test]
async fn nodes_are_shown_with_what_they_run() {
    let mut site = Site::start().await;
    site.get("/nodes").await.is(200).shows("No node is on record").shows("<code class=\"cell-title\">slow</code>");
    site.parts.create("busy", json!({"type": "cron", "hour": 8})).await;
    let run = site.parts.service.run_task(&admin(), "busy", None, None).await.expect("queues");
    let waiting = site.get("/nodes").await;
    waiting.shows("<code class=\"cell-title\">default</code></th><td class=\"num\" data-label=\"Waiting\">1</td>");
    let (node, now) =
        (NodeIdentity { id: "01NODE".into(), name: "host-<1>".into() }, belfry::clock::Clock::now(&*site.parts.clock));
    let mut tx = site.parts.database.write().await.expect("begins");
    node::seen(&mut tx, &node, 8, now, now).await.expect("writes");
    let claim =
        belfry::storage::execution::Claim { execution_id: run.id.clone(), attempt: 1, started_at: now, filled_params: None };
    belfry::storage::execution::claim(&mut tx, &node, &[claim]).await.expect("claims");
    tx.commit().await.expect("commits");
    let shown = site.get("/nodes").await;
    shown
        .is(200)
        .shows("host-&lt;1&gt;")
        .shows("1 of 8 workers busy")
        .shows(&format!("/executions/{}", run.id))
        .hides("no sign of life");
    site.parts.clock.advance(chrono::Duration::seconds(31));
    site.get("/nodes").await.shows("no sign of life");
    site.become_one("vera", Role::Viewer).await;
    site.get("/nodes").await.is(200).shows("host-&lt;1&gt;");
    site.end().await;
}

/// The account of the site's reader.
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
async fn a_chain_is_set_up_in_the_form() {
    let site = Site::start().await;
    site.parts.create("after", json!({"type": "cron", "hour": 8})).await;
    site.get("/tasks/new").await.is(200).shows("name=\"/chain/0/task\"").shows("name=\"/chain/1/task\"");
    let with = |more: &[(&'static str, &'static str)]| FORM.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let blank = ("/chain/0/on", "failure");
    let row = [
        blank,
        ("/chain/0/task", ""),
        ("/chain/1/on", "failure"),
        ("/chain/1/task", "after"),
        ("/chain/1/params", "{\"message\": \"x\"}"),
    ];
    site.post("/tasks/new", &with(&row)).await.leads_to("/tasks/first");
    let task = site.parts.service.task(&admin(), "first").await.expect("reads");
    assert_eq!(task.chain.len(), 1);
    assert_eq!(task.chain[0].to_json(), json!({"on": "failure", "task": "after", "params": {"message": "x"}}));
    site.get("/tasks/first").await.shows("failure → <a href=\"/tasks/after\">after</a>").shows("message=x");
    let edit = site.get("/tasks/first/edit").await;
    edit.shows("<option value=\"failure\" selected>").shows("value=\"after\"").shows("id=\"chain\" open");
    // What is wrong stands at its field; the blank rows before it are gone.
    let wrong = [("/chain/3/task", "nobody"), ("/chain/4/task", "after"), ("/chain/4/params", "{"), ("version", "1")];
    let refused = site.post("/tasks/first/edit", &with(&wrong)).await;
    refused.is(422).shows("href=\"#field-chain-1-params\"").shows("line 1 column").shows("value=\"nobody\"");
    let unknown = site.post("/tasks/first/edit", &with(&[("/chain/3/task", "nobody"), ("version", "1")])).await;
    unknown.is(422).shows("href=\"#field-chain-0-task\"").shows("there is no task");
    let looped = [("/chain/0/task", "first"), ("version", "1")];
    site.post("/tasks/first/edit", &with(&looped)).await.is(422).shows("first → first");
    // With its rows left blank the chain is gone.
    site.post("/tasks/first/edit", &with(&[("/chain/0/on", "success"), ("/chain/0/task", ""), ("version", "1")]))
        .await
        .leads_to("/tasks/first");
    assert!(site.parts.service.task(&admin(), "first").await.expect("reads").chain.is_empty());
    site.end().await;
}

#[tokio::test]
async fn tasks_are_offered_for_a_chain() {
    let site = Site::start().await;
    for id in ["alpha", "beta"] {
        site.parts.service.create_task(&admin(), &echo(id, json!({"type": "cron", "hour": 8}))).await.expect("creates");
    }
    let found = site.get("/tasks/-/names?%2Fchain%2F0%2Ftask=alp").await;
    assert_eq!((found.status, found.text.trim()), (200, "<option value=\"alpha\">alpha</option>"));
    site.get("/tasks/-/names?%2Fchain%2F1%2Ftask=").await.shows("beta");
    site.end().await;
}

#[tokio::test]
async fn many_tasks_are_done_part_by_part() {
    let site = Site::start().await;
    for number in 0..700 {
        let task = echo(&format!("many-{number:03}"), json!({"type": "cron", "hour": 8}));
        site.parts.service.create_task(&admin(), &task).await.expect("creates");
    }
    let mut fields: Vec<(String, String)> = vec![("action".into(), "pause".into()), ("all".into(), "true".into())];
    fields.push(("of".into(), "700".into()));
    let mut parts = 0;
    let end = loop {
        let sent: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = site.post("/tasks/-/bulk", &sent).await;
        parts += 1;
        if answer.status != 200 {
            break answer;
        }
        answer.shows("<progress").shows("Go on");
        fields = hidden(&answer.text);
    };
    end.leads_to("/tasks");
    assert!(parts > 1, "no request works for long");
    let flash = end.cookies()[0].split(';').next().expect("a cookie").to_owned();
    site.get_with("/tasks", &[], &format!("; {flash}")).await.shows("Done: 700 tasks.");
    let paused = site.get("/tasks?enabled=false").await;
    paused.shows("700 in all");
    site.end().await;
}

/// The hidden fields of the form in `main`, but for the token.
fn hidden(html: &str) -> Vec<(String, String)> {
    let main = html.split("data-progress").nth(1).expect("the form");
    let fields = main.split("<input type=\"hidden\" name=\"").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"")?;
        Some((name.to_owned(), rest.split_once('"')?.0.to_owned()))
    });
    fields.filter(|(name, _)| name != "csrf").collect()
}
