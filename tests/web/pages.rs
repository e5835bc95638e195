//! Content of the pages.

use belfry::domain::user::Role;
use chrono::Duration;
use poem::http::Method;
use serde_json::json;

use crate::site::Site;
use crate::support::context::{admin, echo};

#[tokio::test]
async fn all_pages_render_with_and_without_data() {
    let site = Site::start().await;
    for path in ["/", "/tasks", "/tasks/new", "/executions", "/task-types"] {
        site.get(path).await.has_status(200).shows("admin");
    }
    site.context.create("日报-1", json!({"type": "interval", "seconds": 60})).await;
    site.context.advance(Duration::minutes(1)).await;
    let run = &site.context.executions("日报-1").await[0];
    let execution = format!("/executions/{}", run.id);
    for path in ["/", "/tasks", "/tasks/%E6%97%A5%E6%8A%A5-1", "/tasks/%E6%97%A5%E6%8A%A5-1/edit", "/executions", &execution] {
        site.get(path).await.has_status(200).shows("日报-1");
    }
    site.get("/tasks").await.shows("Every minute").shows("message=hello");
    site.get(&execution).await.shows("Queued").shows("Cancel run").shows("No output");
    site.get(&format!("{execution}?line=5&find=x")).await.has_status(200).shows("0 lines of the whole output");
    site.get_with(&format!("{execution}/search?find=%3Cb%3E"), &[("hx-request", "true")], "").await.shows("0 lines").hides("<b>");
    site.close().await;
}

#[tokio::test]
async fn a_task_called_new_has_a_page_beside_the_form() {
    let site = Site::start().await;
    site.context.create("new", json!({"type": "cron", "hour": 8})).await;
    site.get("/tasks").await.shows("href=\"/tasks/%6Eew\"").hides("href=\"/tasks/new/");
    site.get("/tasks/%6Eew").await.has_status(200).shows("href=\"/tasks/%6Eew/run\"").hides("action=\"/tasks/new\"");
    site.get("/tasks/%6Eew/edit").await.has_status(200).shows("hello");
    site.get("/tasks/new").await.has_status(200).shows("action=\"/tasks/new\"");
    site.close().await;
}

#[tokio::test]
async fn list_filters_and_pagination() {
    let site = Site::start().await;
    for number in 0..45 {
        site.context.create(&format!("task-{number:02}"), json!({"type": "cron", "hour": 8})).await;
    }
    let first = site.get("/tasks").await;
    first.has_status(200).shows("task-39").hides("task-40").shows("45 total");
    let next = first.text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a next page");
    site.get(&next.replace("&amp;", "&")).await.has_status(200).shows("task-44").hides("task-39").shows("rel=\"prev\"");
    site.get("/tasks?search=task-4").await.shows("task-44").hides("task-39");
    site.get("/tasks?search=is:paused").await.shows("Nothing matches");
    site.get("/executions?from=nonsense").await.has_status(200).shows("nonsense");
    site.close().await;
}

#[tokio::test]
async fn user_input_is_escaped() {
    let site = Site::start().await;
    let mut task = echo("x", json!({"type": "cron", "hour": 8}));
    task["name"] = "<script>alert(1)</script>".into();
    task["params"]["message"] = "\"><img src=x onerror=alert(1)>".into();
    site.context.services.tasks.create(&crate::support::context::admin(), &task).await.expect("creates");
    for path in ["/tasks", "/tasks/x", "/tasks/x/edit", "/tasks/x/run?params=1"] {
        site.get(path).await.has_status(200).hides("<script>alert").hides("<img src=x");
    }
    site.get("/tasks?search=%3Cscript%3Ealert").await.hides("<script>alert");
    site.close().await;
}

#[tokio::test]
async fn language_and_theme_preferences() {
    let site = Site::start().await;
    site.get_with("/tasks", &[("accept-language", "zh-CN,zh;q=0.9")], "").await.shows("lang=\"zh-CN\"").shows("新建任务");
    let chosen = "; belfry_lang=zh-CN; belfry_theme=dark";
    site.get_with("/tasks", &[("accept-language", "en")], chosen).await.shows("新建任务").shows("data-bs-theme=\"dark\"");
    site.get_with("/tasks", &[], "; belfry_lang=xx; belfry_theme=<b>").await.shows("New task").shows("data-theme=\"system\"");
    let chose = site.post_with("/preferences", &[("language", "zh-CN"), ("back", "/tasks?type=echo")], &[]).await;
    chose.redirects_to("/tasks?type=echo");
    assert!(chose.cookies()[0].starts_with("belfry_lang=zh-CN;"), "{:?}", chose.cookies());
    site.post("/preferences", &[("theme", "dark"), ("back", "//evil")]).await.redirects_to("/");
    site.close().await;
}

#[tokio::test]
async fn lists_follow_the_reader() {
    let site = Site::start().await;
    for number in 0..25 {
        site.context.create(&format!("task-{number:02}"), json!({"type": "cron", "hour": 8})).await;
    }
    let form = [("list", "tasks"), ("size", "20"), ("density", "comfortable"), ("column", "rule"), ("back", "/tasks?type=echo")];
    let chosen = site.post("/preferences/lists", &form).await;
    chosen.redirects_to("/tasks?type=echo");
    let cookie = chosen.cookies()[0].split(';').next().unwrap_or_default().to_owned();
    assert_eq!(cookie, "belfry_lists=20.comfortable.type-params-enabled-count-last-next-spark.");
    let list = site.get_with("/tasks", &[], &format!("; {cookie}")).await;
    list.shows("task-19").hides("task-20").shows("list-tasks is-comfortable no-type no-params");
    site.get_with("/tasks", &[], "; belfry_lists=7.<b>").await.shows("task-24").shows("list-tasks is-compact\"");
    site.post("/preferences/lists", &[("back", "//evil")]).await.redirects_to("/tasks");
    site.close().await;
}

#[tokio::test]
async fn actions_respond_to_plain_forms_and_htmx() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    site.get("/tasks/a/run").await.has_status(200).shows("Run a now?");
    let ran = site.post("/tasks/a/run", &[]).await;
    let run = &site.context.executions("a").await[0];
    ran.redirects_to(&format!("/executions/{}", run.id));
    let paused = site.post_with("/tasks/a/pause", &[], &[("hx-request", "true")]).await;
    assert_eq!((paused.status, paused.text.as_str()), (204, ""));
    let response: serde_json::Value = serde_json::from_str(paused.header("hx-trigger")).expect("JSON");
    assert_eq!(response["belfry:done"]["text"], "Task a is paused.");
    let from = [("referer", "http://belfry.test/tasks?tag=x")];
    site.post_with("/tasks/a/resume", &[], &from).await.redirects_to("/tasks?tag=x");
    let with = site.post("/tasks/a/run", &[("/params", "{\"message\": }")]).await;
    with.has_status(422).shows("line 1, column 13").shows("{&quot;message&quot;: }");
    site.post("/tasks/a/delete", &[]).await.redirects_to("/tasks");
    site.get("/tasks/a").await.has_status(404);
    site.close().await;
}

#[tokio::test]
async fn row_updates_remove_deleted_tasks() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    let rows = site.get_with("/tasks/-/rows?id=a&id=gone", &[("hx-request", "true")], "").await;
    assert_eq!(rows.status, 200);
    rows.shows("<tr data-task=\"a\"").shows("<tr data-task=\"gone\" data-gone></tr>").hides("<html");
    site.close().await;
}

#[tokio::test]
async fn errors_render_as_pages() {
    let site = Site::start().await;
    site.get("/nowhere").await.has_status(404).shows("Page not found").shows("admin");
    site.get("/tasks/none").await.has_status(404).shows("none");
    site.request(Method::DELETE, "/tasks", &[], "").await.has_status(405).shows("Method not allowed");
    let large = "x".repeat(2 * 1024 * 1024);
    site.post("/tasks/new", &[("/id", &large)]).await.has_status(413).shows("1 MiB");
    site.get_with("/executions/none", &[], "; belfry_lang=zh-CN").await.has_status(404).shows("页面不存在");
    site.close().await;
}

#[tokio::test]
async fn unavailable_database_is_told_without_its_error() {
    let site = Site::start().await;
    let failing = site.context.database.clone();
    let session = site.session.clone();
    failing.close().await;
    let page = site.request(Method::GET, "/tasks", &[("cookie", &format!("belfry_session={session}"))], "").await;
    page.has_status(503).shows("The database is not available").hides("pool").hides("sqlx");
}

#[tokio::test]
async fn overview_shows_runs_failures_and_missed_runs() {
    let site = Site::start().await;
    site.get("/").await.has_status(200).shows("No tasks yet.");
    site.context.create("good", json!({"type": "interval", "minutes": 5})).await;
    site.get("/").await.shows("succeeded on their last run").shows("planned: 1 good").hides("Missed runs");
    site.close().await;
}

#[tokio::test]
async fn bulk_actions() {
    let site = Site::start().await;
    for id in ["a", "b", "c"] {
        site.context.create(id, json!({"type": "cron", "hour": 8})).await;
    }
    site.get("/tasks/-/bulk?action=pause&id=a&id=b")
        .await
        .has_status(200)
        .shows("Pause 2 tasks?")
        .shows("<code>b</code>")
        .hides("<code>c</code>");
    site.post("/tasks/-/bulk", &[("action", "pause"), ("id", "a"), ("id", "b")]).await.redirects_to("/tasks");
    site.get("/tasks?search=is:paused").await.shows("2 total");
    site.get("/tasks/-/bulk?action=delete&all=true&search=enabled:no").await.shows("Delete 2 tasks?");
    site.post("/tasks/-/bulk", &[("action", "delete"), ("all", "true"), ("search", "enabled:no")])
        .await
        .redirects_to("/tasks?search=enabled%3Ano");
    site.get("/tasks").await.shows("1 total");
    let response =
        site.post_with("/tasks/-/bulk", &[("action", "run"), ("id", "c"), ("id", "gone")], &[("hx-request", "true")]).await;
    assert_eq!(response.status, 204);
    assert!(response.header("hx-trigger").contains("1/2 (gone: there is no task 'gone')"), "{}", response.header("hx-trigger"));
    site.get("/tasks/-/bulk?action=burn").await.has_status(400);
    site.close().await;
}

#[tokio::test]
async fn executions_download() {
    let site = Site::start().await;
    let mut task = echo("sum", json!({"type": "cron", "hour": 8}));
    task["params"]["message"] = "=1+1".into();
    task["policy"] = json!({"on_overlap": "allow"});
    site.context.services.tasks.create(&crate::support::context::admin(), &task).await.expect("creates");
    for _ in 0..501 {
        site.context.services.executions.run(&crate::support::context::admin(), "sum", None, None).await.expect("runs");
    }
    let csv = site.get("/executions/-/download?format=csv&task_id=sum").await;
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"executions.csv\"");
    assert_eq!(csv.text.matches("\r\n").count(), 502, "a header and one line per execution");
    assert!(csv.text.starts_with("\u{feff}id,task_id,"), "{}", &csv.text[..40]);
    let json = site.get("/executions/-/download?format=json&search=status:queued").await;
    let read: serde_json::Value = serde_json::from_str(&json.text).expect("JSON");
    assert_eq!(read.as_array().map(Vec::len), Some(501));
    assert_eq!(read[0]["params"]["message"], "=1+1");
    let none = site.get("/executions/-/download?format=json&task_id=none").await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&none.text).expect("JSON"), json!([]));
    site.get("/executions/-/download?format=xml").await.has_status(400);
    site.close().await;
}

#[tokio::test]
async fn executions_have_tabs_and_a_histogram() {
    let site = Site::start().await;
    site.context.create("a", json!({"type": "cron", "hour": 8})).await;
    site.context.services.executions.run(&crate::support::context::admin(), "a", None, None).await.expect("runs");
    let list = site.get("/executions").await;
    list.has_status(200).shows("class=\"histogram\"").shows("<span class=\"tab-count\">1</span>");
    list.shows("href=\"/executions?range=day&amp;status=failed\"").shows("href=\"/executions?status=queued\"");
    site.get("/executions?task_id=a").await.shows("class=\"histogram\"").shows("<span class=\"tab-count\">1</span>");
    let sorted = site.get("/executions?sort=-duration").await;
    sorted.has_status(200).hides("data-execution=").shows("data-first=\"false\"");
    site.get("/executions?sort=-nonsense").await.has_status(400).shows("is not one of duration, -duration");
    site.close().await;
}

#[tokio::test]
async fn executions_are_run_again_and_cancelled_in_bulk() {
    let site = Site::start().await;
    let mut task = echo("a", json!({"type": "cron", "hour": 8}));
    task["policy"] = json!({"on_overlap": "allow"});
    let admin = crate::support::context::admin();
    site.context.services.tasks.create(&admin, &task).await.expect("creates");
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(site.context.services.executions.run(&admin, "a", None, None).await.expect("runs").id);
    }
    let query = format!("id={}&id={}", ids[0], ids[1]);
    site.get(&format!("/executions/-/bulk?action=rerun&{query}")).await.shows("None of the selected executions has ended");
    site.get(&format!("/executions/-/bulk?action=cancel&{query}")).await.has_status(200).shows("Cancel 2 executions?");
    let cancel = [("action", "cancel"), ("id", &ids[0]), ("id", &ids[1]), ("back", "/executions?range=day")];
    site.post("/executions/-/bulk", &cancel).await.redirects_to("/executions?range=day");
    site.get(&format!("/executions/-/bulk?action=rerun&{query}")).await.shows("Run 2 executions again?");
    let rerun = [("action", "rerun"), ("key", "01KEY"), ("id", ids[0].as_str()), ("id", &ids[1])];
    for _ in 0..2 {
        site.post("/executions/-/bulk", &rerun).await.redirects_to("/executions");
    }
    assert_eq!(site.context.executions("a").await.len(), 4, "the same form starts nothing twice");
    let part = site.post_with("/executions/-/bulk", &[("action", "cancel"), ("id", "gone")], &[("hx-request", "true")]).await;
    assert!(part.header("hx-trigger").contains("0/1 ("), "{}", part.header("hx-trigger"));
    site.get("/executions/-/bulk?action=burn").await.has_status(400);
    site.close().await;
}

#[tokio::test]
async fn calendar_shows_planned_runs_and_peak_minute() {
    let site = Site::start().await;
    for number in 0..6 {
        site.context.create(&format!("t{number}"), json!({"type": "cron", "hour": 18})).await;
    }
    site.context.create("often", json!({"type": "interval", "seconds": 1})).await;
    let week = site.get("/calendar").await;
    week.has_status(200)
        .shows("2026-11-16 – 2026-11-22")
        .shows("18:00 ×6")
        .shows("t0, t1, t2, t3, t4, t5")
        .shows("Too frequent")
        .shows("<code>often</code>")
        .shows("heat-5")
        .shows("href=\"/calendar/-/minute?at=");
    let day = site.get("/calendar?view=day&date=2026-11-22").await;
    day.has_status(200).shows("class=\"day-line\"").shows("t0: 0 runs, 1 planned").shows("Not everything is shown");
    site.get("/calendar?view=day&date=2026-11-22&task=t3").await.shows(">t3<").hides(">t4<");
    let month = site.get("/calendar?view=month&date=2026-11-01&task=t3").await;
    month.has_status(200).shows("2026-11").shows(">t3<").hides("t4").hides("×6");
    site.get("/calendar?type=send_cmd").await.has_status(200).hides("t0");
    site.get("/calendar?date=0001-01-01").await.shows("2026-11-16");
    site.get("/calendar?date=nonsense&view=month").await.has_status(200).shows("2026-11");
    site.close().await;
}

#[tokio::test]
async fn a_run_moves_to_a_quieter_minute() {
    let site = Site::start().await;
    for number in 0..6 {
        site.context.create(&format!("t{number}"), json!({"type": "cron", "hour": 18})).await;
    }
    site.context.create("steady", json!({"type": "cron", "minute": "*/20"})).await;
    let zone = site.context.services.zone;
    let at = belfry::domain::trigger::parse_datetime("2026-11-22 18:00:00", zone).expect("a time").to_rfc3339();
    let path = format!("/calendar/-/minute?at={}", belfry::web::urls::encode(&at));
    let page = site.get(&path).await;
    page.has_status(200).shows("7 runs start").shows("Move to 18:01").shows("its rule cannot be moved");
    assert_eq!(page.text.matches("Move to 18:01").count(), 6);
    site.post(&path, &[("task", "t3"), ("version", "1")]).await.redirects_to(&path);
    let admin = crate::support::context::admin();
    let moved = site.context.services.tasks.get(&admin, "t3").await.expect("the task");
    assert_eq!((&moved.trigger["hour"], &moved.trigger["minute"], moved.version), (&json!(18), &json!(1), 2));
    site.get(&path).await.shows("6 runs start").shows("Move to 18:02");
    site.post(&path, &[("task", "t3"), ("version", "2")]).await.has_status(400).shows("no single minute");
    site.post(&path, &[("task", "t4"), ("version", "9")]).await.has_status(412);
    site.get("/calendar/-/minute?at=noon").await.has_status(400).shows("RFC 3339");
    site.close().await;
}

#[tokio::test]
async fn tasks_that_failed_for_one_cause_are_muted_together() {
    let mut site = Site::start().await;
    for id in ["a", "b"] {
        site.context.create(id, json!({"type": "cron", "hour": 8})).await;
    }
    let both = [("id", "a"), ("id", "b"), ("id", "gone")];
    site.post("/failures/mute", &both).await.redirects_to("/");
    for id in ["a", "b"] {
        assert!(site.context.services.incidents.mute_of(&admin(), id).await.expect("reads").is_some(), "{id}");
    }
    site.post("/failures/acknowledge", &both).await.redirects_to("/");
    site.sign_in_as("vera", Role::Viewer).await;
    assert_eq!(site.post("/failures/mute", &both).await.status, 403);
    site.close().await;
}
