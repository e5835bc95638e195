//! Task form, trigger preview and parameter check.

use belfry::domain::user::Role;
use serde_json::json;

use crate::site::Site;
use crate::support::context::{admin, echo};

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
async fn form_creates_a_task() {
    let site = Site::start().await;
    let created = site.post("/tasks/new", &form(&[])).await;
    created.redirects_to("/tasks/daily");
    let task = site.context.services.tasks.get(&admin(), "daily").await.expect("the task");
    assert_eq!(task.trigger, json!({"type": "cron", "expression": "0 8 * * mon-fri"}));
    assert_eq!((task.params, task.tags, task.enabled), (json!({"message": "hi"}), vec!["a".to_owned(), "b".to_owned()], true));
    let flash = created.cookies()[0].split(';').next().expect("a cookie").to_owned();
    let shown = site.get_with("/tasks/daily", &[], &format!("; {flash}")).await;
    shown.shows("Task daily was created.").shows("Monday to Friday at 08:00");
    assert!(shown.cookies()[0].starts_with("belfry_flash=;"), "shown once: {:?}", shown.cookies());
    site.close().await;
}

#[tokio::test]
async fn invalid_form_keeps_input_and_shows_faults_at_their_fields() {
    let site = Site::start().await;
    let typed =
        [("/id", "no good"), ("/trigger/expression", "0 25 * * *"), ("/params", "{\"mesage\": 1}"), ("/name", "Name <1>")];
    let page = site.post("/tasks/new", &form(&typed)).await;
    page.has_status(422)
        .shows("value=\"no good\"")
        .shows("value=\"0 25 * * *\"")
        .shows("Name &lt;1&gt;")
        .shows("{&quot;mesage&quot;: 1}");
    page.shows("href=\"#field-id\"").shows("hour: 25 is not between 0 and 23").shows("mesage");
    let broken = site.post("/tasks/new", &form(&[("/params", "{"), ("/trigger/expression", "x")])).await;
    broken.has_status(422).shows("line 1, column").shows("1 field");
    site.close().await;
}

#[tokio::test]
async fn duplicate_id_is_a_fault_of_the_id_field() {
    let site = Site::start().await;
    site.context.create("daily", json!({"type": "cron", "hour": 8})).await;
    site.post("/tasks/new", &form(&[])).await.has_status(409).shows("href=\"#field-id\"").shows("daily");
    site.close().await;
}

#[tokio::test]
async fn saving_an_unchanged_form_changes_nothing() {
    let site = Site::start().await;
    let trigger = json!({"type": "cron", "day_of_week": "mon-fri", "hour": 8, "minute": "*/5", "jitter": 10, "timezone": "UTC"});
    let before = site.context.create("a", trigger).await;
    let values = belfry::web::form::to_values(&before.to_input());
    let mut fields: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("version", "1"));
    site.post("/tasks/a/edit", &fields).await.redirects_to("/tasks/a");
    let after = site.context.services.tasks.get(&admin(), "a").await.expect("the task");
    assert_eq!(after.to_input(), before.to_input());
    assert_eq!(after.anchor_at, before.anchor_at);
    site.close().await;
}

#[tokio::test]
async fn concurrent_change_is_not_overwritten() {
    let site = Site::start().await;
    site.context.create("daily", json!({"type": "cron", "hour": 8})).await;
    site.context.services.tasks.patch(&admin(), "daily", &json!({"name": "theirs"}), None).await.expect("changes");
    let page = site.post("/tasks/daily/edit", &form(&[("version", "1"), ("/name", "mine")])).await;
    page.has_status(412)
        .shows("Somebody else changed this task")
        .shows("theirs")
        .shows("value=\"mine\"")
        .shows("value=\"2\">Overwrite");
    assert_eq!(site.context.services.tasks.get(&admin(), "daily").await.expect("the task").name, "theirs");
    let over = form(&[("version", "1"), ("version", "2"), ("/name", "mine")]);
    site.post("/tasks/daily/edit", &over).await.redirects_to("/tasks/daily");
    assert_eq!(site.context.services.tasks.get(&admin(), "daily").await.expect("the task").name, "mine");
    site.close().await;
}

#[tokio::test]
async fn preview_shows_description_or_faults() {
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
    never.shows("No more runs.");
    site.close().await;
}

#[tokio::test]
async fn preview_of_unchanged_rule_continues_from_the_next_run() {
    let site = Site::start().await;
    // Created at 08:00 UTC; 20 minutes pass.
    site.context.create("hourly", json!({"type": "interval", "hours": 1})).await;
    site.context.clock.advance(chrono::Duration::minutes(20));
    let rule = |hours| [("/id", "hourly"), ("/trigger/type", "interval"), ("/trigger/hours", hours)];
    let kept: Vec<_> = [("version", "1")].into_iter().chain(rule("1")).collect();
    site.post("/tasks/-/preview", &kept).await.shows("T09:00:00").hides("T09:20:00");
    let moved: Vec<_> = [("version", "1")].into_iter().chain(rule("2")).collect();
    site.post("/tasks/-/preview", &moved).await.shows("T10:20:00");
    let new: Vec<_> = [("version", "0")].into_iter().chain(rule("1")).collect();
    site.post("/tasks/-/preview", &new).await.shows("T09:20:00");
    site.close().await;
}

#[tokio::test]
async fn parameters_are_checked_while_editing() {
    let site = Site::start().await;
    let check = async |text: &str| site.post("/tasks/-/check", &[("/type", "echo"), ("/params", text)]).await;
    check("{\"message\": 1}").await.shows("The parameters are valid");
    check("{\n \"message\": }").await.shows("line 2, column");
    check("{\"mesage\": 1}").await.shows("/mesage");
    site.close().await;
}

#[tokio::test]
async fn changing_the_type_replaces_only_untouched_example_parameters() {
    let site = Site::start().await;
    let example = serde_json::to_string_pretty(&site.context.services.registry.get("echo").expect("echo").spec.example);
    let filled = example.expect("JSON").replace('\n', "\r\n");
    let part = async |text: &str| {
        site.post("/tasks/-/type", &[("/type", "http_request"), ("filled_by", "echo"), ("/params", text)]).await
    };
    part(&filled).await.shows("&quot;url&quot;").shows("value=\"http_request\"");
    part("{\"mine\": 1}").await.shows("{&quot;mine&quot;: 1}");
    site.close().await;
}

#[tokio::test]
async fn duplicate_opens_a_new_task_form() {
    let site = Site::start().await;
    let mut task = echo("a", json!({"type": "interval", "minutes": 5}));
    task["params"]["message"] = "copied".into();
    site.context.services.tasks.create(&admin(), &task).await.expect("creates");
    site.get("/tasks/a/copy").await.has_status(200).shows("action=\"/tasks/new\"").shows("copied").hides("value=\"a\"");
    site.close().await;
}

#[tokio::test]
async fn faults_are_translated() {
    let site = Site::start().await;
    let fields = form(&[("/trigger/expression", "0 25 * * *"), ("/params", "{\"mesage\": 1}"), ("/id", "")]);
    let page = site.post_with("/tasks/new", &fields, &[("accept-language", "zh-CN")]).await;
    page.has_status(422).shows("hour: 25 不在 0 到 23 之间").shows("没有这个参数").shows("必填").hides("is not between");
    let fields = form(&[("/params", "{\n\"message\": }")]);
    let page = site.post_with("/tasks/new", &fields, &[("accept-language", "zh-CN")]).await;
    page.has_status(422).shows("JSON 语法错误，第 2 行第 12 列");
    site.close().await;
}

#[tokio::test]
async fn changes_preview_of_an_edit() {
    let site = Site::start().await;
    site.context.services.tasks.create(&admin(), &echo("daily", json!({"type": "cron", "hour": 8}))).await.expect("creates");
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
    named.shows("<ins>&lt;b&gt;</ins>").hides("upcoming runs");
    let gone = site.post("/tasks/-/changes", &[("/id", "gone")]).await;
    assert_eq!(gone.status, 404);
    site.close().await;
}

#[tokio::test]
async fn chain_is_kept_if_the_form_has_no_chain_fields() {
    let site = Site::start().await;
    site.post("/tasks/new", &form(&[("/id", "after")])).await.redirects_to("/tasks/after");
    site.post("/tasks/new", &form(&[])).await.redirects_to("/tasks/daily");
    let chain = json!({"chain": [{"task": "after", "on": "always"}]});
    site.context.services.tasks.patch(&admin(), "daily", &chain, None).await.expect("is chained");
    site.post("/tasks/-/changes", &form(&[("version", "2")])).await.shows("changes").hides("/chain");
    site.post("/tasks/daily/edit", &form(&[("version", "2"), ("/name", "Other")])).await.redirects_to("/tasks/daily");
    let task = site.context.services.tasks.get(&admin(), "daily").await.expect("the task");
    assert_eq!((task.name.as_str(), task.chain[0].task.as_str()), ("Other", "after"));
    site.close().await;
}

#[tokio::test]
async fn emptied_cron_expression_is_refused() {
    let site = Site::start().await;
    let emptied = form(&[("/trigger/expression", "")]);
    site.post("/tasks/new", &emptied).await.has_status(422).shows("href=\"#field-trigger-expression\"").shows("0 fields");
    site.post("/tasks/-/preview", &emptied).await.shows("hx-target=\"#fault-trigger-expression\"").shows("0 fields");
    site.close().await;
}

#[tokio::test]
async fn only_types_that_the_user_may_save_are_offered() {
    let mut site = Site::start().await;
    site.get("/tasks/new?type=send_cmd").await.shows("value=\"send_cmd\" checked").shows("value=\"echo\"");
    let command =
        json!({"id": "command", "type": "send_cmd", "trigger": {"type": "cron", "hour": 8}, "params": {"command": "true"}});
    site.context.services.tasks.create(&admin(), &command).await.expect("creates");
    site.sign_in_as("erin", Role::Editor).await;
    site.get("/tasks/new?type=send_cmd").await.has_status(404).shows("value=\"echo\"").hides("value=\"send_cmd\"");
    site.get("/tasks/command/copy").await.has_status(403);
    site.get("/task-types").await.shows("/tasks/new?type=echo").shows("id=\"send_cmd\"").hides("/tasks/new?type=send_cmd");
    site.close().await;
}

const FIELDS: [(&str, &str); 6] = [
    ("/id", "fetch"),
    ("/type", "http_request"),
    ("filled_by", "http_request"),
    ("params_view", "fields"),
    ("/trigger/type", "cron"),
    ("/trigger/expression", "0 8 * * *"),
];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    FIELDS.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn parameters_are_fields_of_the_type() {
    let site = Site::start().await;
    let new = site.get("/tasks/new?type=http_request").await;
    new.has_status(200)
        .shows("name=\"/params/url\"")
        .shows("name=\"/params/headers/-/name\"")
        .shows("<select class=\"form-select\" id=\"field-params-method\"")
        .shows("name=\"params_view\" value=\"fields\"")
        .hides("id=\"field-params\"");
    let given = with(&[
        ("/params", "{\"url\": \"http://old.example\", \"expect_json\": [{\"pointer\": \"/a\", \"equals\": 1.10}]}"),
        ("/params/url", "http://127.0.0.1:1/"),
        ("/params/method", "POST"),
        ("/params/text", "first line\r\nsecond line"),
        ("/params/headers/-/name", "X-A"),
        ("/params/headers/-/value", "1"),
        ("/params/headers/-/name", ""),
        ("/params/headers/-/value", ""),
        ("/params/timeout_seconds", "2.50"),
        ("/params/follow_redirects", "false"),
    ]);
    site.post("/tasks/new", &given).await.redirects_to("/tasks/fetch");
    let task = site.context.services.tasks.get(&admin(), "fetch").await.expect("the task");
    let expected = r#"{"url":"http://127.0.0.1:1/","expect_json":[{"pointer":"/a","equals":1.10}],"method":"POST","headers":{"X-A":"1"},"text":"first line\nsecond line","timeout_seconds":2.50,"follow_redirects":false}"#;
    assert_eq!(task.params.to_string(), expected);
    site.get("/tasks/fetch/edit").await.shows("first line\nsecond line</textarea>").shows("value=\"X-A\"").shows("1.10");
    site.close().await;
}

#[tokio::test]
async fn faults_of_parameters_are_shown_at_their_fields() {
    let site = Site::start().await;
    let given = with(&[
        ("/params", "{\"url\": \"x\"}"),
        ("/params/url", ""),
        ("/params/timeout_seconds", "soon"),
        ("/params/json", "{\"a\": }"),
    ]);
    let page = site.post("/tasks/new", &given).await;
    page.has_status(422)
        .shows("href=\"#field-params-json\"")
        .shows("value=\"soon\"")
        .shows("{&quot;a&quot;: }</textarea>")
        .shows("line 1, column");
    let check = site.post("/tasks/-/check", &given).await;
    check.shows("hx-target=\"#fault-params-url\"").shows("url: is required").shows("must be a number").hides("are valid");
    let sound = with(&[("/params", "{\"url\": \"http://a.example\"}"), ("/params/url", "http://a.example")]);
    site.post("/tasks/-/check", &sound).await.shows("valid");
    let changes = with(&[("version", "0"), ("/params", "{}"), ("/params/url", "")]);
    site.post("/tasks/-/changes", &changes).await.shows("href=\"#field-params-url\"").shows("To fix before saving");
    site.close().await;
}

#[tokio::test]
async fn the_view_of_parameters_is_switched_without_losing_them() {
    let site = Site::start().await;
    let fields = with(&[("/params", "{\"url\": \"x\", \"more\": 1}"), ("/params/url", "http://typed"), ("params_to", "json")]);
    // With scripts the part alone, without them the page.
    let part = site.post("/tasks/-/params", &fields).await;
    part.shows("id=\"field-params\"")
        .shows("http://typed")
        .shows("&quot;more&quot;: 1")
        .hides("name=\"/params/url\"")
        .hides("<html");
    let page = site.post("/tasks/new", &fields).await;
    page.has_status(200).shows("id=\"field-params\"").shows("http://typed").shows("value=\"fetch\"").shows("data-unsaved");
    let back = [("/type", "http_request"), ("/params", "{\"url\": \"http://b\", \"more\": 1}"), ("params_to", "fields")];
    site.post("/tasks/-/params", &back).await.shows("value=\"http://b\"").shows("Only in the JSON: more");
    let broken = [("/type", "http_request"), ("/params", "{"), ("params_to", "fields")];
    site.post("/tasks/-/params", &broken).await.shows("id=\"field-params\"");
    // Another type without scripts.
    let mut typed = with(&[("/params", "{\"url\": \"x\"}"), ("/params/url", "x"), ("params_to", "type")]);
    typed[1].1 = "send_cmd";
    site.post("/tasks/new", &typed).await.has_status(200).shows("name=\"/params/command\"").shows("Only in the JSON: url");
    assert!(site.context.services.tasks.get(&admin(), "fetch").await.is_err(), "nothing is saved");
    site.close().await;
}

#[tokio::test]
async fn a_run_takes_changed_parameters_as_fields() {
    let site = Site::start().await;
    site.context.services.tasks.create(&admin(), &echo("daily", json!({"type": "cron", "hour": 8}))).await.expect("creates");
    let dialog = site.get("/tasks/daily/run?params=1").await;
    dialog.has_status(200).shows("name=\"/params/message\"").shows("hello").hides("hx-post=\"/tasks/-/check\"");
    let base = ("/params", "{\"message\": \"hello\"}");
    let view = ("params_view", "fields");
    let emptied = site.post("/tasks/daily/run", &[base, view, ("/params/message", "")]).await;
    emptied.has_status(422).shows("cannot be left out");
    let wrong = site.post("/tasks/daily/run", &[base, view, ("/params/message", "hello"), ("/params/sleep_ms", "x")]).await;
    wrong.has_status(422).shows("id=\"fault-params-sleep_ms\" role=\"alert\"><div>sleep_ms");
    let as_json = [base, view, ("/params/message", "typed"), ("params_to", "json")];
    site.post("/tasks/daily/run", &as_json).await.has_status(200).shows("id=\"field-params\"").shows("typed");
    let given = [base, view, ("/params/message", "only once"), ("/params/sleep_ms", "0")];
    assert_eq!(site.post("/tasks/daily/run", &given).await.status, 303);
    assert_eq!(site.context.executions("daily").await.remove(0).params["message"], "only once");
    site.close().await;
}

#[tokio::test]
async fn a_draft_is_tested_without_being_saved() {
    let mut site = Site::start().await;
    let draft = form(&[("version", "0"), ("/params", "{\"message\": \"from {{ task.type }}\"}")]);
    site.post("/tasks/-/test", &draft).await.shows("state-succeeded").shows("from echo").hides("<html");
    let failing = form(&[("/id", ""), ("/params", "{\"fail\": \"on purpose\"}")]);
    site.post("/tasks/-/test", &failing).await.shows("state-failed").shows("on purpose");
    site.post("/tasks/-/test", &form(&[("/params", "{\"mesage\": 1}")])).await.shows("cannot run yet").shows("mesage");
    assert!(site.context.services.tasks.get(&admin(), "daily").await.is_err(), "nothing is saved");
    assert_eq!(site.context.executions("daily").await.len(), 0);
    site.get("/audit?action=task.test").await.has_status(200).shows("Draft tested").shows("daily");
    let command = form(&[("/type", "send_cmd"), ("/params", "{\"command\": \"true\"}")]);
    site.sign_in_as("erin", Role::Editor).await;
    assert_eq!(site.post("/tasks/-/test", &command).await.status, 403);
    site.close().await;
}
