//! Versions of a task.

use belfry::domain::user::Role;
use serde_json::json;

use crate::site::Site;
use crate::support::context::admin;

#[tokio::test]
async fn version_shows_changes_and_can_be_restored() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    let change = json!({"name": "<b>new</b>", "trigger": {"hour": 9}});
    site.context.services.tasks.patch(&admin(), "a", &change, None).await.expect("changes");
    let page = site.get("/tasks/a").await;
    page.has_status(200)
        .shows("<code>/name</code>")
        .shows("<code>/trigger/hour</code>")
        .shows("<del>8</del>")
        .shows("<ins>9</ins>");
    page.shows("&lt;b&gt;new").hides("<b>new").shows("/tasks/a/restore?version=1&amp;known=2").hides("restore?version=2");
    let question = site.get("/tasks/a/restore?version=1&known=2").await;
    question.has_status(200).shows("Restore a to version 1?");
    site.post("/tasks/a/restore?version=1&known=2", &[]).await.redirects_to("/tasks/a");
    let task = site.context.services.tasks.get(&admin(), "a").await.expect("the task");
    assert_eq!((task.name.as_str(), &task.trigger["hour"], task.version), ("a", &json!(8), 3));
    site.post("/tasks/a/restore?version=2&known=2", &[]).await.has_status(412).shows("Somebody else changed it");
    site.get("/tasks/a/restore?version=9&known=3").await.has_status(404).shows("there is no version 9");
    site.get("/tasks/a/restore?version=x").await.has_status(400);
    site.close().await;
}

#[tokio::test]
async fn calendar_version_is_restored_after_its_firings_were_shown() {
    let site = Site::start().await;
    let calendars = &site.context.services.calendars;
    calendars.create(&admin(), &json!({"name": "team", "base": "every_day"})).await.expect("creates");
    let task = json!({"id": "a", "type": "echo", "params": {"message": "x"}, "calendar": "team",
        "trigger": {"type": "cron", "hour": 8, "timezone": "Asia/Shanghai"}});
    site.context.services.tasks.create(&admin(), &task).await.expect("creates");
    let closed = json!({"base": "every_day", "dates": [{"date": "2026-11-22"}]});
    calendars.replace(&admin(), "team", &closed, None).await.expect("replaces");
    let page = site.get("/calendars/team").await;
    page.has_status(200).shows("/calendars/team/restore?version=1").hides("restore?version=2");
    let plan = site.get("/calendars/team/restore?version=1").await;
    plan.has_status(200).shows("/tasks/a").shows("2026-11-22");
    site.post("/calendars/team/restore", &[("version", "1")]).await.has_status(200).shows("name=\"seen\"");
    assert_eq!(calendars.get(&admin(), "team").await.expect("reads").version, 2, "it was shown, not restored");
    let body = plan.text.clone();
    let seen = body.split("name=\"seen\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a hash").to_owned();
    site.post("/calendars/team/restore", &[("version", "1"), ("seen", &seen)]).await.redirects_to("/calendars/team");
    assert_eq!(calendars.get(&admin(), "team").await.expect("reads").content.dates.len(), 0);
    site.get("/calendars/team/restore?version=9").await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn versions_list_pagination_and_comparison() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    for number in 0..104 {
        site.context.services.tasks.patch(&admin(), "a", &json!({"name": format!("n{number:03}")}), None).await.expect("changes");
    }
    let first = site.get("/tasks/a/versions").await;
    first.has_status(200).shows("<ins>n103</ins>").shows("<ins>n005</ins>").hides("<ins>n004</ins>").hides("initial version");
    let older = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("older ones");
    let last = site.get(older).await;
    last.has_status(200).shows("<ins>n004</ins>").shows("<ins>n000</ins>").shows("initial version").hides("rel=\"next\"");
    site.get("/tasks/a").await.shows("<ins>n099</ins>").hides("<ins>n098</ins>").hides("initial version");
    site.get("/tasks/none/versions").await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn viewers_cannot_restore_versions() {
    let mut site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    site.context.services.tasks.patch(&admin(), "a", &json!({"name": "b"}), None).await.expect("changes");
    site.sign_in_as("vera", Role::Viewer).await;
    site.get("/tasks/a").await.has_status(200).shows("<ins>b</ins>").hides("/tasks/a/restore");
    site.post("/tasks/a/restore?version=1&known=2", &[]).await.has_status(403);
    let token = [("csrf", "0")];
    let cookie = format!("belfry_session={}", site.session);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let path = "/tasks/a/restore?version=1&known=2";
    site.request(poem::http::Method::POST, path, &headers, &crate::site::encoded(&token))
        .await
        .has_status(403)
        .shows("Form expired or from another site");
    assert_eq!(site.context.services.tasks.get(&admin(), "a").await.expect("the task").version, 2);
    site.close().await;
}

#[tokio::test]
async fn task_page_leaves_out_versions_that_only_pause() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "interval", "seconds": 5})).await;
    site.context.services.tasks.patch(&admin(), "a", &json!({"name": "named"}), None).await.expect("changes");
    for _ in 0..2 {
        site.post("/tasks/a/pause", &[]).await.redirects_to("/tasks/a");
        site.post("/tasks/a/resume", &[]).await.redirects_to("/tasks/a");
    }
    let page = site.get("/tasks/a").await;
    page.has_status(200).shows("<ins>named</ins>").hides("<code>/enabled</code>").shows("4 versions that only pause or resume");
    page.shows("About 720 runs an hour");
    site.get("/tasks/a/versions").await.shows("<code>/enabled</code>");
    site.close().await;
}
