//! Queues on their page, the queues, the trend and the first steps of the overview, and the histogram of filtered executions.

use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::page::PageRequest;
use belfry::domain::user::Role;
use belfry::storage::queue_setting;
use serde_json::json;

use crate::site::Site;
use crate::support::context::admin;

#[tokio::test]
async fn queue_is_paused_resized_and_resumed() {
    let site = Site::start().await;
    site.context.create("any", json!({"type": "cron", "hour": 8})).await;
    site.get("/settings/queues").await.has_status(200).shows("default").shows("slow").hides("belfry.toml: 16");
    let pause = [("name", "slow"), ("action", "pause")];
    site.post("/settings/queues", &pause).await.redirects_to("/settings/queues");
    site.get("/settings/queues").await.shows("Resume the queue slow").shows("Pause the queue default");
    site.get("/").await.shows("paused");
    let set = async |limit| site.post("/settings/queues/limit", &[("name", "slow"), ("/limit", limit)]).await;
    for refused in ["0", "10001", "many", "1.5"] {
        set(refused).await.has_status(422).shows("id=\"fault-limit\"").shows(&format!("value=\"{refused}\""));
    }
    set("3").await.redirects_to("/settings/queues");
    site.get("/settings/queues").await.shows("belfry.toml: 16");
    site.get("/settings/queues/limit?name=slow").await.has_status(200).shows("value=\"3\"");
    let kept = queue_setting::all(&mut site.context.database.read().await.unwrap()).await.unwrap();
    assert_eq!((kept["slow"].paused, kept["slow"].limit), (true, Some(3)));
    set("").await.redirects_to("/settings/queues");
    let resume = [("name", "slow"), ("action", "resume")];
    let answer = site.post_with("/settings/queues", &resume, &[("hx-request", "true")]).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("hx-trigger").contains("open again"), "{}", answer.header("hx-trigger"));
    // What changes nothing is not on record.
    site.post("/settings/queues", &resume).await.redirects_to("/settings/queues");
    let filter = AuditFilter { target: Some("queue:slow".into()), ..AuditFilter::default() };
    let entries = site.context.services.audit.list(&admin(), &filter, &PageRequest::default()).await.unwrap().items;
    let events: Vec<_> = entries.iter().rev().map(|entry| entry.action).collect();
    let expected = [AuditEvent::QueuePause, AuditEvent::QueueResize, AuditEvent::QueueResize, AuditEvent::QueueResume];
    assert_eq!(events, expected);
    assert_eq!(entries[0].before, Some(json!({"paused": true, "limit": null})));
    assert_eq!(entries[0].after, Some(json!({"paused": false, "limit": null})));
    site.close().await;
}

#[tokio::test]
async fn queues_are_changed_by_administrators_only() {
    let mut site = Site::start().await;
    let unknown = [("name", "nowhere"), ("action", "pause")];
    site.post("/settings/queues", &unknown).await.has_status(404);
    site.get("/settings/queues/limit?name=nowhere").await.has_status(404);
    site.post("/settings/queues", &[("name", "slow"), ("action", "burn")]).await.has_status(400);
    site.sign_in_as("ed", Role::Editor).await;
    site.get("/settings/queues").await.has_status(200).hides("Pause the queue").hides("/settings/queues/limit");
    site.post("/settings/queues", &[("name", "slow"), ("action", "pause")]).await.has_status(403);
    site.post("/settings/queues/limit", &[("name", "slow"), ("/limit", "0")]).await.has_status(403);
    site.close().await;
}

#[tokio::test]
async fn overview_shows_what_waits_in_a_paused_queue() {
    let site = Site::start().await;
    site.context.create("waits", json!({"type": "cron", "hour": 8})).await;
    site.post("/settings/queues", &[("name", "default"), ("action", "pause")]).await;
    site.context.services.executions.run(&admin(), "waits", None, None).await.expect("runs");
    site.get("/").await.shows("1 waiting").shows("0 running of 64 on each node").shows("0 running of 16 on each node");
    site.get("/settings/queues").await.shows("data-label=\"Waiting\">1<");
    site.close().await;
}

#[tokio::test]
async fn range_of_the_trend_is_chosen_by_link_and_kept() {
    let site = Site::start().await;
    site.context.create("good", json!({"type": "cron", "hour": 8})).await;
    let day = site.get("/").await;
    day.shows("href=\"/?trend=week\"").shows("aria-current=\"true\">24 h</a>");
    assert!(day.cookies().is_empty());
    let month = site.get("/?trend=month").await;
    month.shows("aria-current=\"true\">30 d</a>");
    assert_eq!(month.text.matches("<svg class=\"chart").count(), 2);
    let kept = month.cookies()[0].split(';').next().expect("a cookie").to_owned();
    assert_eq!(kept, "belfry_trend=month");
    let again = site.get_with("/", &[], &format!("; {kept}")).await;
    again.shows("aria-current=\"true\">30 d</a>");
    assert!(again.cookies().is_empty());
    site.get_with("/?trend=week", &[], &format!("; {kept}")).await.shows("aria-current=\"true\">7 d</a>");
    site.get("/?trend=century").await.has_status(400).shows("is not one of day, week, month");
    site.close().await;
}

#[tokio::test]
async fn empty_overview_has_three_steps_and_the_examples() {
    let mut site = Site::start().await;
    site.get("/").await.shows("class=\"steps\"").shows("Test the draft and save it").shows("id=\"add-demo\"");
    site.sign_in_as("vera", Role::Viewer).await;
    site.get("/").await.shows("class=\"steps\"").hides("id=\"add-demo\"").hides("href=\"/tasks/new\"");
    site.close().await;
}

#[tokio::test]
async fn filtered_executions_have_counts_and_a_histogram() {
    let site = Site::start().await;
    for id in ["one", "two"] {
        site.context.create(id, json!({"type": "cron", "hour": 8})).await;
        site.context.services.executions.run(&admin(), id, None, None).await.expect("runs");
    }
    for filter in ["task_id=one", "search=task%3Aone", "type=echo&task_id=one", "search=one", "cause=api&task_id=one"] {
        let page = site.get(&format!("/executions?{filter}")).await;
        page.has_status(200).shows("class=\"histogram\"").hides("Counted among");
        let tabs = page.text.split("class=\"status-tabs\"").nth(1).expect("the tabs");
        let queued = tabs.split("state-queued").nth(1).expect("the tab");
        assert!(queued[..200].contains("<span class=\"tab-count\">1</span>"), "{filter}: {}", &queued[..200]);
    }
    site.get("/executions?task_id=none").await.shows("<span class=\"tab-count\">0</span>");
    site.close().await;
}
