//! The form of a task, its preview and its check.

use serde_json::json;

use crate::site::Site;
use crate::support::parts::{admin, echo};

const FORM: [(&str, &str); 7] = [
    ("/id", "daily"),
    ("/type", "echo"),
    ("/trigger/type", "cron"),
    ("/trigger/expression", "0 8 * * mon-fri"),
    ("/params", "{\"message\": \"hi\"}"),
    ("/tags", "a, b"),
    ("/enabled", "true"),
];

fn form<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = FORM.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    kept.chain(changes.iter().copied()).collect()
}

#[tokio::test]
async fn a_form_makes_a_task() {
    let site = Site::start().await;
    let made = site.post("/tasks/new", &form(&[])).await;
    made.leads_to("/tasks/daily");
    let task = site.parts.service.task(&admin(), "daily").await.expect("the task");
    assert_eq!(task.trigger, json!({"type": "cron", "expression": "0 8 * * mon-fri"}));
    assert_eq!((task.params, task.tags, task.enabled), (json!({"message": "hi"}), vec!["a".to_owned(), "b".to_owned()], true));
    let flash = made.cookies()[0].split(';').next().expect("a cookie").to_owned();
    let shown = site.get_with("/tasks/daily", &[], &format!("; {flash}")).await;
    shown.shows("Task daily was created.").shows("Monday to Friday at 08:00");
    assert!(shown.cookies()[0].starts_with("belfry_flash=;"), "shown once: {:?}", shown.cookies());
    site.end().await;
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_and_names_every_fault_at_its_field() {
    let site = Site::start().await;
    let typed =
        [("/id", "no good"), ("/trigger/expression", "0 25 * * *"), ("/params", "{\"mesage\": 1}"), ("/name", "Name <1>")];
    let page = site.post("/tasks/new", &form(&typed)).await;
    page.is(422)
        .shows("value=\"no good\"")
        .shows("value=\"0 25 * * *\"")
        .shows("Name &lt;1&gt;")
        .shows("{&quot;mesage&quot;: 1}");
    page.shows("href=\"#field-id\"").shows("hour: 25 is not between 0 and 23").shows("mesage");
    let broken = site.post("/tasks/new", &form(&[("/params", "{"), ("/trigger/expression", "x")])).await;
    broken.is(422).shows("line 1 column").shows("1 field(s)");
    site.end().await;
}

#[tokio::test]
async fn a_taken_id_is_a_fault_of_the_id() {
    let site = Site::start().await;
    site.parts.create("daily", json!({"type": "cron", "hour": 8})).await;
    site.post("/tasks/new", &form(&[])).await.is(409).shows("href=\"#field-id\"").shows("daily");
    site.end().await;
}

#[tokio::test]
async fn saving_a_form_as_it_was_filled_changes_nothing() {
    let site = Site::start().await;
    let trigger = json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "minute": "*/5", "jitter": 10, "timezone": "UTC"});
    let before = site.parts.create("a", trigger).await;
    let values = belfry::web::form::to_values(&before.to_input());
    let mut fields: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("version", "1"));
    site.post("/tasks/a/edit", &fields).await.leads_to("/tasks/a");
    let after = site.parts.service.task(&admin(), "a").await.expect("the task");
    assert_eq!(after.to_input(), before.to_input());
    assert_eq!(after.anchor_at, before.anchor_at);
    site.end().await;
}

#[tokio::test]
async fn a_change_by_somebody_else_is_not_overwritten() {
    let site = Site::start().await;
    site.parts.create("daily", json!({"type": "cron", "hour": 8})).await;
    site.parts.service.patch_task(&admin(), "daily", &json!({"name": "theirs"}), None).await.expect("changes");
    let page = site.post("/tasks/daily/edit", &form(&[("version", "1"), ("/name", "mine")])).await;
    page.is(412).shows("Somebody else changed this task").shows("theirs").shows("value=\"mine\"").shows("value=\"2\">Save mine");
    assert_eq!(site.parts.service.task(&admin(), "daily").await.expect("the task").name, "theirs");
    let over = form(&[("version", "1"), ("version", "2"), ("/name", "mine")]);
    site.post("/tasks/daily/edit", &over).await.leads_to("/tasks/daily");
    assert_eq!(site.parts.service.task(&admin(), "daily").await.expect("the task").name, "mine");
    site.end().await;
}

#[tokio::test]
async fn the_preview_says_what_a_rule_means_or_what_is_wrong_with_it() {
    let site = Site::start().await;
    let typed = [("/trigger/type", "cron"), ("/trigger/expression", "30 2 * * *"), ("/trigger/timezone", "America/New_York")];
    let preview = site.post("/tasks/-/preview", &typed).await;
    preview
        .shows("Every day at 02:30")
        .shows("2026-11-22 02:30:00 -05:00")
        .shows("2026-11-26")
        .hides("2026-11-27")
        .hides("<html");
    let faulty = site.post("/tasks/-/preview", &[("/trigger/type", "cron"), ("/trigger/hour", "25")]).await;
    faulty.shows("hx-target=\"#fault-trigger-hour\"").shows("hour: 25 is not between 0 and 23");
    let never = site.post("/tasks/-/preview", &[("/trigger/type", "cron"), ("/trigger/expression", "0 0 30 2 *")]).await;
    never.shows("It never fires again.");
    site.end().await;
}

#[tokio::test]
async fn a_rule_that_stays_goes_on_from_where_it_is() {
    let site = Site::start().await;
    // Eight in the morning in UTC, and twenty minutes later.
    site.parts.create("hourly", json!({"type": "interval", "hours": 1})).await;
    site.parts.clock.advance(chrono::Duration::minutes(20));
    let rule = |hours| [("/id", "hourly"), ("/trigger/type", "interval"), ("/trigger/hours", hours)];
    let kept: Vec<_> = [("version", "1")].into_iter().chain(rule("1")).collect();
    site.post("/tasks/-/preview", &kept).await.shows("T09:00:00").hides("T09:20:00");
    let moved: Vec<_> = [("version", "1")].into_iter().chain(rule("2")).collect();
    site.post("/tasks/-/preview", &moved).await.shows("T10:20:00");
    let new: Vec<_> = [("version", "0")].into_iter().chain(rule("1")).collect();
    site.post("/tasks/-/preview", &new).await.shows("T09:20:00");
    site.end().await;
}

#[tokio::test]
async fn parameters_are_checked_as_one_types() {
    let site = Site::start().await;
    let check = async |text: &str| site.post("/tasks/-/check", &[("/type", "echo"), ("/params", text)]).await;
    check("{\"message\": 1}").await.shows("fit the task type");
    check("{\n \"message\": }").await.shows("line 2 column");
    check("{\"mesage\": 1}").await.shows("/mesage");
    site.end().await;
}

#[tokio::test]
async fn another_type_fills_in_its_example_but_not_over_what_was_typed() {
    let site = Site::start().await;
    let example = serde_json::to_string_pretty(&site.parts.service.registry().get("echo").expect("echo").spec.example);
    let filled = example.expect("JSON").replace('\n', "\r\n");
    let part = async |text: &str| {
        site.post("/tasks/-/type", &[("/type", "http_request"), ("filled_by", "echo"), ("/params", text)]).await
    };
    part(&filled).await.shows("&quot;url&quot;").shows("value=\"http_request\"");
    part("{\"mine\": 1}").await.shows("{&quot;mine&quot;: 1}");
    site.end().await;
}

#[tokio::test]
async fn a_copy_starts_a_new_task() {
    let site = Site::start().await;
    let mut task = echo("a", json!({"type": "interval", "minutes": 5}));
    task["params"]["message"] = "copied".into();
    site.parts.service.create_task(&admin(), &task).await.expect("creates");
    site.get("/tasks/a/copy").await.is(200).shows("action=\"/tasks/new\"").shows("copied").hides("value=\"a\"");
    site.end().await;
}

#[tokio::test]
async fn faults_speak_the_readers_language() {
    let site = Site::start().await;
    let fields = form(&[("/trigger/expression", "0 25 * * *"), ("/params", "{\"mesage\": 1}"), ("/id", "")]);
    let page = site.post_with("/tasks/new", &fields, &[("accept-language", "zh-CN")]).await;
    page.is(422).shows("hour: 25 不在 0 到 23 之间").shows("没有这个参数").shows("必填").hides("is not between");
    site.end().await;
}

#[tokio::test]
async fn an_edit_shows_what_it_changes() {
    let site = Site::start().await;
    site.parts.service.create_task(&admin(), &echo("daily", json!({"type": "cron", "hour": 8}))).await.expect("creates");
    let same = [
        ("/id", "daily"),
        ("/type", "echo"),
        ("/trigger/type", "cron"),
        ("/trigger/hour", "8"),
        ("/params", "{\"message\": \"hello\"}"),
    ];
    let changes = |more: &[(&'static str, &'static str)]| {
        let kept = same.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        kept.chain(more.iter().copied()).collect::<Vec<_>>()
    };
    let moved = site.post("/tasks/-/changes", &changes(&[("/trigger/hour", "9"), ("/enabled", "true")])).await;
    moved
        .shows("<code>/trigger/hour</code>")
        .shows("<del>8</del>")
        .shows("<ins>9</ins>")
        .shows("2026-11-22 08:00:00")
        .shows("2026-11-22 09:00:00");
    let paused = site.post("/tasks/-/changes", &changes(&[("/enabled", "false")])).await;
    paused.shows("<code>/enabled</code>").shows("None.").hides("09:00:00");
    let named = site.post("/tasks/-/changes", &changes(&[("/name", "<b>"), ("/enabled", "true")])).await;
    named.shows("<ins>&lt;b&gt;</ins>").hides("Next firings");
    let gone = site.post("/tasks/-/changes", &[("/id", "gone")]).await;
    assert_eq!(gone.status, 404);
    site.end().await;
}

#[tokio::test]
async fn a_chain_outlives_an_edit_by_the_form() {
    let site = Site::start().await;
    site.post("/tasks/new", &form(&[("/id", "after")])).await.leads_to("/tasks/after");
    site.post("/tasks/new", &form(&[])).await.leads_to("/tasks/daily");
    let chain = json!({"chain": [{"task": "after", "on": "always"}]});
    site.parts.service.patch_task(&admin(), "daily", &chain, None).await.expect("is chained");
    site.post("/tasks/-/changes", &form(&[("version", "2")])).await.shows("changes").hides("/chain");
    site.post("/tasks/daily/edit", &form(&[("version", "2"), ("/name", "Other")])).await.leads_to("/tasks/daily");
    let task = site.parts.service.task(&admin(), "daily").await.expect("the task");
    assert_eq!((task.name.as_str(), task.chain[0].task.as_str()), ("Other", "after"));
    site.end().await;
}
