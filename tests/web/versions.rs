//! The versions of a task on its pages.

use belfry::domain::user::Role;
use serde_json::json;

use crate::site::Site;
use crate::support::parts::admin;

#[tokio::test]
async fn a_version_says_what_it_changed_and_is_restored() {
    let site = Site::start().await;
    site.parts.create("a", json!({"type": "cron", "hour": 8})).await;
    let change = json!({"name": "<b>new</b>", "trigger": {"hour": 9}});
    site.parts.service.patch_task(&admin(), "a", &change, None).await.expect("changes");
    let page = site.get("/tasks/a").await;
    page.is(200).shows("<code>/name</code>").shows("<code>/trigger/hour</code>").shows("<del>8</del>").shows("<ins>9</ins>");
    page.shows("&lt;b&gt;new").hides("<b>new").shows("/tasks/a/restore?version=1&amp;known=2").hides("restore?version=2");
    let question = site.get("/tasks/a/restore?version=1&known=2").await;
    question.is(200).shows("Restore a (1)?");
    site.post("/tasks/a/restore?version=1&known=2", &[]).await.leads_to("/tasks/a");
    let task = site.parts.service.task(&admin(), "a").await.expect("the task");
    assert_eq!((task.name.as_str(), &task.trigger["hour"], task.version), ("a", &json!(8), 3));
    site.post("/tasks/a/restore?version=2&known=2", &[]).await.is(412).shows("Somebody else changed it");
    site.get("/tasks/a/restore?version=9&known=3").await.is(404).shows("there is no version 9");
    site.get("/tasks/a/restore?version=x").await.is(400);
    site.end().await;
}

#[tokio::test]
async fn all_versions_are_paged_and_each_is_compared() {
    let site = Site::start().await;
    site.parts.create("a", json!({"type": "cron", "hour": 8})).await;
    for number in 0..104 {
        site.parts.service.patch_task(&admin(), "a", &json!({"name": format!("n{number:03}")}), None).await.expect("changes");
    }
    let first = site.get("/tasks/a/versions").await;
    first.is(200).shows("<ins>n103</ins>").shows("<ins>n005</ins>").hides("<ins>n004</ins>").hides("the first");
    let older = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("older ones");
    let last = site.get(older).await;
    last.is(200).shows("<ins>n004</ins>").shows("<ins>n000</ins>").shows("the first").hides("rel=\"next\"");
    site.get("/tasks/a").await.shows("<ins>n099</ins>").hides("<ins>n098</ins>").hides("the first");
    site.get("/tasks/none/versions").await.is(404);
    site.end().await;
}

#[tokio::test]
async fn viewers_see_versions_and_restore_none() {
    let mut site = Site::start().await;
    site.parts.create("a", json!({"type": "cron", "hour": 8})).await;
    site.parts.service.patch_task(&admin(), "a", &json!({"name": "b"}), None).await.expect("changes");
    site.become_one("vera", Role::Viewer).await;
    site.get("/tasks/a").await.is(200).shows("<ins>b</ins>").hides("/tasks/a/restore");
    site.post("/tasks/a/restore?version=1&known=2", &[]).await.is(403);
    let token = [("csrf", "0")];
    let cookie = format!("belfry_session={}", site.session);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let path = "/tasks/a/restore?version=1&known=2";
    site.bare(poem::http::Method::POST, path, &headers, &crate::site::encoded(&token)).await.is(403).shows("Sent from elsewhere");
    assert_eq!(site.parts.service.task(&admin(), "a").await.expect("the task").version, 2);
    site.end().await;
}
