//! Query parameters with a fixed set of values: a page never shows something else for a value that is none of them.

use serde_json::json;

use crate::site::Site;

/// A page with a wrong value, and the values that the answer names.
const WRONG: [(&str, &str); 16] = [
    ("/?trend=century", "day, week, month"),
    ("/tasks?status=broken", "queued"),
    ("/tasks?enabled=maybe", "true, false"),
    ("/tasks?sort=colour", "-next_run_at"),
    ("/tasks/-/bulk?action=run&all=true&status=broken", "queued"),
    ("/tasks/new?template=sundays", "working_days"),
    ("/executions?status=failed&status=broken", "timed_out"),
    ("/executions?cause=luck", "manual"),
    ("/executions?range=century", "hour, today, day, week, month"),
    ("/executions?sort=colour", "-duration"),
    ("/executions/-/download?format=pdf", "csv, json"),
    ("/executions/-/newer?status=broken", "queued"),
    ("/incidents?status=muted", "open, closed"),
    ("/calendar?view=decade", "day, week, month"),
    ("/audit?action=task.paint", "task.create"),
    ("/audit/export?format=csv&action=task.paint", "task.create"),
];

#[tokio::test]
async fn wrong_values_are_refused_with_the_known_ones() {
    let site = Site::start().await;
    for (path, known) in WRONG {
        let page = site.get(path).await;
        page.has_status(400).shows("Bad request").shows(known);
        let chinese = site.get_with(path, &[("accept-language", "zh-CN")], "").await;
        chinese.has_status(400).shows(known).hides("is not one of").hides("must be one of");
    }
    let page = site.get("/incidents?status=muted").await;
    page.shows("status: &#39;muted&#39; is not one of").shows("href=\"/incidents\">Open the page without them</a>");
    site.get("/tasks?search=&type=&status=&tag=&enabled=&sort=").await.has_status(200);
    site.get("/executions?zone=Etc/Unknown").await.has_status(200); // a browser's own time zone
    site.close().await;
}

#[tokio::test]
async fn a_bulk_action_with_a_wrong_filter_changes_nothing() {
    let site = Site::start().await;
    site.context.create("kept", json!({"type": "cron", "hour": 8})).await;
    let fields = [("action", "delete"), ("all", "true"), ("status", "broken")];
    site.post("/tasks/-/bulk", &fields).await.has_status(400).shows("is not one of");
    site.get("/tasks/kept").await.has_status(200);
    site.post("/views/tasks?status=broken", &[("name", "odd")]).await.has_status(400);
    site.get("/views").await.hides("odd");
    site.close().await;
}

#[tokio::test]
async fn an_unknown_type_of_a_new_task_is_told_and_none_is_chosen() {
    let site = Site::start().await;
    let page = site.get("/tasks/new?type=pigeon").await;
    page.has_status(404).shows("There is no task type &#39;pigeon&#39; that you can use.").shows("id=\"type-echo\"");
    page.hides("value=\"send_cmd\" checked").hides("/params/command");
    let chinese = site.get_with("/tasks/new?type=pigeon", &[("accept-language", "zh-CN")], "").await;
    chinese.has_status(404).shows("没有您可用的任务类型“pigeon”");
    site.get("/tasks/new").await.has_status(200).shows("value=\"send_cmd\" checked");
    site.get("/tasks/new?type=echo").await.has_status(200).shows("value=\"echo\" checked");
    site.close().await;
}

#[tokio::test]
async fn a_filter_by_a_type_that_is_gone_is_visible() {
    let site = Site::start().await;
    for path in ["/tasks?type=gone_type", "/executions?type=gone_type", "/calendar?type=gone_type"] {
        site.get(path).await.has_status(200).shows("value=\"gone_type\" selected");
    }
    site.close().await;
}
