//! The form of a run, hooks and heartbeats, without scripts.

use serde_json::{Value, json};

use crate::site::Site;
use crate::support::context::admin;

async fn asking(site: &Site) {
    let task = json!({"id": "daily", "type": "echo", "trigger": {"type": "cron", "hour": 8}, "params": {"message": "{{ input.city }}"},
        "inputs": [{"name": "city", "title": "<b>City</b>", "default": "上海", "required": true},
            {"name": "amount", "type": "number"}, {"name": "token", "type": "secret"}]});
    site.context.services.tasks.create(&admin(), &task).await.expect("a task");
}

#[tokio::test]
async fn run_form_asks_for_inputs_and_keeps_what_was_typed() {
    let site = Site::start().await;
    asking(&site).await;
    site.get("/tasks/daily/run").await.shows("&lt;b&gt;City&lt;/b&gt;").shows("name=\"/inputs/city\"").hides("confirm-params");
    let refused = [("/inputs/city", ""), ("/inputs/amount", "many"), ("/inputs/token", "hunter22")];
    let page = site.post("/tasks/daily/run", &refused).await;
    page.has_status(422).shows("must be a number").shows("must not be empty").hides("hunter22");
    let given = [("/inputs/city", "杭州"), ("/inputs/amount", "1.50"), ("/inputs/token", "hunter22")];
    assert_eq!(site.post("/tasks/daily/run", &given).await.status, 303);
    let run = site.context.executions("daily").await.remove(0);
    let page = site.get(&format!("/executions/{}", run.id)).await;
    page.shows("杭州").shows("1.50").shows("***").hides("hunter22");
    let rerun = format!("/executions/{}/rerun", run.id);
    site.get(&rerun).await.shows("杭州").shows("as in the former run").hides("hunter22");
    site.context.services.executions.cancel(&admin(), &run.id).await.expect("is cancelled");
    assert_eq!(site.post(&rerun, &[("/inputs/city", "苏州"), ("/inputs/token", "")]).await.status, 303);
    let again = site.context.executions("daily").await.pop().expect("a run");
    let detail = site.context.services.executions.get(&admin(), &again.id).await.expect("the run");
    let inputs = Value::Object(detail.given.expect("inputs").inputs);
    assert_eq!(inputs.to_string(), r#"{"city":"苏州","amount":1.50,"token":"***"}"#);
    site.close().await;
}

#[tokio::test]
async fn inputs_are_kept_if_the_form_has_no_fields_of_them() {
    let site = Site::start().await;
    asking(&site).await;
    let fields = [
        ("/id", "daily"),
        ("/type", "echo"),
        ("/trigger/type", "cron"),
        ("/trigger/hour", "9"),
        ("/params", "{}"),
        ("version", "1"),
    ];
    site.post("/tasks/-/changes", &fields).await.hides("/inputs");
    assert_eq!(site.post("/tasks/daily/edit", &fields).await.status, 303);
    let task = site.context.services.tasks.get(&admin(), "daily").await.expect("the task");
    assert_eq!(task.inputs.len(), 3);
    site.close().await;
}

#[tokio::test]
async fn a_hook_is_shown_once() {
    let site = Site::start().await;
    asking(&site).await;
    let page = site.post("/tasks/daily/hooks", &[("/name", "<b>ci</b>"), ("/hmac", "github")]).await;
    page.has_status(200).shows("https://belfry.example.com/hook/blh_").shows("&lt;b&gt;ci&lt;/b&gt;").shows("openssl");
    site.get("/tasks/daily/hooks").await.shows("&lt;b&gt;ci&lt;/b&gt;").hides("blh_");
    site.get("/tasks/daily").await.shows("/tasks/daily/hooks").hides("blh_");
    let refused = site.post("/tasks/daily/hooks", &[("/hmac", "github"), ("/secret", "short")]).await;
    refused.has_status(422).shows("must have 16 to 256 bytes").hides("value=\"short\"");
    let hooks = site.context.services.hooks.list(&admin(), "daily").await.expect("hooks");
    let rotate = format!("/tasks/daily/hooks/{}/rotate", hooks[0].id);
    site.get(&rotate).await.shows("new address");
    site.post(&rotate, &[]).await.has_status(200).shows("/hook/blh_");
    let revoke = format!("/tasks/daily/hooks/{}/revoke", hooks[0].id);
    assert_eq!(site.post(&revoke, &[]).await.status, 303);
    assert_eq!(site.context.services.hooks.list(&admin(), "daily").await.expect("hooks"), []);
    site.close().await;
}

#[tokio::test]
async fn heartbeats_are_made_shown_and_changed() {
    let site = Site::start().await;
    let wrong = site.post("/heartbeats/new", &[("/id", "nightly"), ("/cron", "0 25 * * *"), ("/grace_seconds", "x")]).await;
    wrong.has_status(422).shows("0 25 * * *").shows("is not between 0 and 23");
    let fields =
        [("/id", "nightly"), ("/cron", "0 3 * * *"), ("/grace_seconds", "60"), ("/enabled", "false"), ("/enabled", "true")];
    site.post("/heartbeats/new", &fields).await.redirects_to("/heartbeats/nightly");
    site.get("/heartbeats").await.shows("nightly").shows("0 3 * * *").hides("/ping/");
    site.get("/heartbeats/nightly").await.shows("https://belfry.example.com/ping/").shows("crontab").shows("PowerShell");
    site.get("/heartbeats/nightly/edit").await.shows("value=\"0 3 * * *\"").shows("value=\"60\"");
    let off = [("/id", "nightly"), ("/cron", "0 3 * * *"), ("/enabled", "false"), ("version", "1")];
    site.post("/heartbeats/nightly/edit", &off).await.redirects_to("/heartbeats/nightly");
    site.post("/heartbeats/nightly/edit", &off).await.has_status(412);
    assert_eq!(site.post("/heartbeats/nightly/rotate", &[]).await.status, 303);
    site.post("/heartbeats/nightly/delete", &[]).await.redirects_to("/heartbeats");
    site.get("/heartbeats/nightly").await.has_status(404);
    site.close().await;
}
