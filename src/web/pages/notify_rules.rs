//! Pages of the notification rules.

use std::sync::Arc;

use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use super::form_errors;
use crate::domain::input::seconds_value;
use crate::domain::notify::digest::weekday_name;
use crate::domain::notify::quiet_hours::short;
use crate::domain::notify::rule::NotifyRule;
use crate::domain::notify::text_templates;
use crate::domain::user::Action;
use crate::web::form::split_tags;
use crate::web::request_context::{HandlerResult, RequestContext};
use crate::web::session::Flash;
use crate::web::view::notify_rules::{RuleForm, RuleList, RuleRow, href};
use crate::web::view::task_form::Fields;
use crate::web::view::tasks::ConfirmDialog;

const LIST: &str = "/settings/rules";
const FIELDS: [&str; 19] = [
    "/name",
    "/tasks/all",
    "/tasks/ids",
    "/tasks/tags",
    "/tasks/types",
    "/events",
    "/after_failures",
    "/channels",
    "/remind_every_seconds",
    "/quiet_hours/from",
    "/quiet_hours/to",
    "/quiet_hours/timezone",
    "/language",
    "/digest/every",
    "/digest/weekday",
    "/digest/at",
    "/digest/timezone",
    "/title_template",
    "/body_template",
];

/// `GET /settings/rules`
pub async fn list(ctx: Arc<RequestContext>) -> HandlerResult {
    let rules = ctx.services().notify_rules.list(ctx.actor()?).await?;
    ctx.page("settings", &RuleList { rows: rules.iter().map(|rule| RuleRow::new(&ctx.view(), rule)).collect() })
}

/// `GET /settings/rules/new?task=…`: the form of a new rule, for one task if it names one.
pub async fn new(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let task = ctx.query.get("task").unwrap_or_default();
    let values = [("/enabled", "true"), ("/after_failures", "1"), ("/language", ctx.language.tag()), ("/tasks/ids", task)];
    let mut form = Fields::default();
    form.values.extend(values.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let events = ["failed", "recovered"].map(str::to_owned);
    let channels = ctx.services().notify_rules.channels(ctx.actor()?).await?;
    ctx.page("settings", &RuleForm::new(&ctx.view(), "", form, &events, &[], &channels))
}

/// `POST /settings/rules/new`
pub async fn create(ctx: Arc<RequestContext>) -> HandlerResult {
    let body = body(&ctx, None);
    match ctx.services().notify_rules.create(ctx.actor()?, &body).await {
        Ok(rule) => Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("rule_saved", &rule.definition.name, "")))),
        Err(error) => refused(&ctx, "", error).await,
    }
}

/// `GET /settings/rules/edit?name=…`
pub async fn edit(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let rule = ctx.services().notify_rules.get(ctx.actor()?, name(&ctx)).await?.definition;
    let events: Vec<String> = rule.events.iter().map(|event| event.as_str().to_owned()).collect();
    let channels = ctx.services().notify_rules.channels(ctx.actor()?).await?;
    ctx.page("settings", &RuleForm::new(&ctx.view(), &rule.name, fields(&rule), &events, &rule.channels, &channels))
}

/// `POST /settings/rules/edit?name=…`
pub async fn update(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = name(&ctx);
    match ctx.services().notify_rules.replace(ctx.actor()?, name, &body(&ctx, Some(name)), None).await {
        Ok(rule) => Ok(ctx.redirect_with_flash(LIST, Some(&Flash::new("rule_saved", &rule.definition.name, "")))),
        Err(error) => refused(&ctx, name, error).await,
    }
}

/// `GET /settings/rules/delete?name=…`
pub async fn confirm_delete(ctx: Arc<RequestContext>) -> HandlerResult {
    ctx.authorize(Action::Edit)?;
    let rule = ctx.services().notify_rules.get(ctx.actor()?, name(&ctx)).await?.definition;
    let dialog = ConfirmDialog::plain("delete_rule", &rule.name, href("delete", &rule.name), ctx.return_path(LIST));
    ctx.confirm(StatusCode::OK, "settings", &dialog)
}

/// `POST /settings/rules/delete?name=…`
pub async fn delete(ctx: Arc<RequestContext>) -> HandlerResult {
    let name = name(&ctx);
    ctx.services().notify_rules.delete(ctx.actor()?, name, None).await?;
    Ok(ctx.action_done(&Flash::new("rule_deleted", name, ""), name, LIST))
}

fn name(ctx: &RequestContext) -> &str {
    ctx.query.raw("name").unwrap_or_default()
}

/// The form again, with everything typed and the faults.
async fn refused(ctx: &RequestContext, name: &str, error: crate::service::Error) -> HandlerResult {
    let mut form = form_errors::submitted(ctx, &[]);
    let (status, message) = form_errors::apply(ctx, error, &FIELDS, &mut form)?;
    let checked = |name| ctx.form.all(name).map(str::to_owned).collect::<Vec<_>>();
    let channels = ctx.services().notify_rules.channels(ctx.actor()?).await?;
    let view = RuleForm::new(&ctx.view(), name, form, &checked("/events"), &checked("/channels"), &channels);
    ctx.page_with(status, "settings", &RuleForm { message, ..view })
}

/// The rule of the form as JSON.
fn body(ctx: &RequestContext, name: Option<&str>) -> Value {
    let text = |field: &str| ctx.form.get(field).unwrap_or_default().to_owned();
    let flag = |field: &str| ctx.form.all(field).last() == Some("true");
    let checked = |field| ctx.form.all(field).map(Value::from).collect::<Vec<_>>();
    let mut tasks = Map::new();
    if flag("/tasks/all") {
        tasks.insert("all".into(), true.into());
    }
    for list in ["ids", "tags", "types"] {
        let names = split_tags(&text(&format!("/tasks/{list}")));
        if !names.is_empty() {
            tasks.insert(list.into(), json!(names));
        }
    }
    let mut rule = json!({"name": name.map_or_else(|| text("/name"), str::to_owned), "tasks": tasks, "events": checked("/events"),
        "channels": checked("/channels"), "urgent": flag("/urgent"), "enabled": flag("/enabled")});
    let mut set = |field: &str, value: Value| rule[field] = value;
    if let Some(count) = ctx.form.get("/after_failures") {
        set("after_failures", number(count));
    }
    if let Some(seconds) = ctx.form.get("/remind_every_seconds") {
        set("remind_every_seconds", number(seconds));
    }
    for name in text_templates::FIELDS {
        if let Some(template) = ctx.form.get(&format!("/{name}")) {
            set(name, template.into());
        }
    }
    if let Some(language) = ctx.form.get("/language") {
        set("language", language.into());
    }
    if ctx.form.get("/quiet_hours/from").is_some() || ctx.form.get("/quiet_hours/to").is_some() {
        set("quiet_hours", part(ctx, "/quiet_hours/", &["from", "to", "timezone"]));
    }
    match ctx.form.get("/digest/every") {
        Some("week") => set("digest", part(ctx, "/digest/", &["every", "weekday", "at", "timezone"])),
        Some(_) => set("digest", part(ctx, "/digest/", &["every", "at", "timezone"])),
        None => {}
    }
    rule
}

/// The given fields below a name as an object. `HH:MM:SS`, which browsers may send, is cut to `HH:MM`.
fn part(ctx: &RequestContext, base: &str, names: &[&str]) -> Value {
    let value = |name: &&str| {
        let text = ctx.form.get(&format!("{base}{name}"))?;
        let text =
            if *name == "timezone" { text } else { text.strip_suffix(":00").filter(|short| short.len() == 5).unwrap_or(text) };
        Some(((*name).to_owned(), Value::from(text)))
    };
    Value::Object(names.iter().filter_map(value).collect())
}

fn number(text: &str) -> Value {
    serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| Value::from(text), Value::Number)
}

/// The values of the form of an existing rule.
fn fields(rule: &NotifyRule) -> Fields {
    let mut form = Fields::default();
    let mut set = |name: &str, value: String| _ = form.values.insert(name.to_owned(), value);
    set("/tasks/all", rule.tasks.all.to_string());
    set("/tasks/ids", rule.tasks.ids.join(", "));
    set("/tasks/tags", rule.tasks.tags.join(", "));
    set("/tasks/types", rule.tasks.types.join(", "));
    set("/after_failures", rule.after_failures.to_string());
    set("/urgent", rule.urgent.to_string());
    set("/enabled", rule.enabled.to_string());
    set("/language", rule.language.tag().to_owned());
    for (name, template) in rule.templates.iter() {
        set(&format!("/{name}"), template.to_owned());
    }
    if let Some(every) = rule.remind_every {
        set("/remind_every_seconds", seconds_value(every).to_string());
    }
    if let Some(hours) = &rule.quiet_hours {
        set("/quiet_hours/from", short(hours.from));
        set("/quiet_hours/to", short(hours.to));
        set("/quiet_hours/timezone", hours.zone.map(|zone| zone.name().to_owned()).unwrap_or_default());
    }
    if let Some(digest) = &rule.digest {
        set("/digest/every", if digest.weekday.is_some() { "week" } else { "day" }.to_owned());
        set("/digest/weekday", digest.weekday.map(weekday_name).unwrap_or_default().to_owned());
        set("/digest/at", short(digest.at));
        set("/digest/timezone", digest.zone.map(|zone| zone.name().to_owned()).unwrap_or_default());
    }
    form
}
