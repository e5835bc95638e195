//! Audit log page.

use belfry::domain::user::Role;
use serde_json::json;

use crate::site::Site;
use crate::support::context::{admin, echo};

#[tokio::test]
async fn audit_page_shows_entries_with_before_and_after() {
    let site = Site::start().await;
    let mut task = echo("x", json!({"type": "cron", "hour": 8}));
    task["name"] = "<script>alert(1)</script>".into();
    site.context.services.tasks.create(&admin(), &task).await.expect("creates");
    site.context.services.tasks.patch(&admin(), "x", &json!({"description": "\"><img src=x>"}), None).await.expect("changes");
    let page = site.get("/audit").await;
    page.has_status(200)
        .shows("Task created")
        .shows("Task changed")
        .shows("Signed in")
        .shows("<code>task:x</code>")
        .shows("alice");
    page.shows("&lt;script&gt;alert(1)").shows("<details class=\"collapsible\">").hides("<script>alert").hides("<img src=x");
    site.get_with("/audit", &[], "; belfry_lang=zh-CN").await.shows("审计日志").shows("创建任务").hides("Task created");
    site.close().await;
}

#[tokio::test]
async fn audit_page_filters_and_pagination() {
    let site = Site::start().await;
    for number in 0..45 {
        site.context.create(&format!("t{number:02}"), json!({"type": "cron", "hour": 8})).await;
    }
    let first = site.get("/audit?action=task.create&target=task%3A").await;
    first.has_status(200).shows("45 total").shows("task:t44").shows("task:t05").hides("task:t04").hides("Signed in</td>");
    let next = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a next page");
    let last = site.get(&next.replace("&amp;", "&")).await;
    last.has_status(200).shows("task:t04").shows("task:t00").hides("task:t05").shows("rel=\"prev\"").hides("Signed in</td>");
    site.get("/audit?target=task%3At07").await.shows("1 total").shows("task:t07").hides("task:t08");
    site.get("/audit?actor=admin").await.shows("Signed in</td>").hides("task:t01");
    site.get("/audit?actor=nobody").await.shows("Nothing matches");
    site.get("/audit?from=2026-11-21T08:00:01&zone=UTC").await.shows("Nothing matches");
    site.get("/audit?to=2026-11-21T08:00:01&zone=UTC").await.shows("46 total");
    site.get("/audit?to=2026-11-21T15:00:00").await.shows("Nothing matches");
    site.get("/audit?from=%3Cb%3E").await.has_status(200).shows("from: ").shows("&lt;b&gt;").hides("<b>");
    site.close().await;
}

#[tokio::test]
async fn audit_page_requires_administrator() {
    let mut site = Site::start().await;
    site.get("/account").await.shows("href=\"/audit\"");
    site.sign_in_as("eddie", Role::Editor).await;
    site.get("/audit").await.has_status(403).hides("Signed in</td>");
    site.get("/account").await.has_status(200).hides("href=\"/audit\"");
    site.close().await;
}
