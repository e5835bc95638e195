//! Parsing of small request bodies, field by field with every fault named. Tasks are parsed by `service`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::api::error::Problem;
use crate::domain::execution::Status;
use crate::domain::fault::Fault;
use crate::domain::input::{Fields, display_value};
use crate::domain::page::TaskFilter;
use crate::domain::trigger::{parse_timestamp, parse_zone};
use crate::i18n::message;
use crate::service::{BulkAction, BulkTarget, NewSecret, SmsTest};

/// The maximum number of ids in a bulk request.
const MAX_IDS: usize = 10_000;
/// The default number of fire times in a preview.
const DEFAULT_COUNT: i64 = 5;

/// Reads `{}` or `{"params": {…}}`.
///
/// # Errors
/// 422 with every fault.
pub fn run_params(body: &Value) -> Result<Option<Value>, Problem> {
    let mut f = Fields::new(body, "");
    let params = match f.take("params") {
        None | Some(Value::Null) => None,
        Some(Value::Object(map)) => Some(Value::Object(map)),
        Some(other) => {
            f.fault("params", message!("value.not_object_but", value = display_value(&other)));
            None
        }
    };
    f.finish(params).map_err(Problem::invalid)
}

/// Reads `{"value": "…"}`.
///
/// # Errors
/// 422 with every fault.
pub fn secret(body: &Value) -> Result<NewSecret, Problem> {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let (has_tags, has_tasks) = (given("tags"), given("tasks"));
    let mut f = Fields::new(body, "");
    let value = match f.take("value") {
        Some(Value::String(value)) => value,
        // The value is not shown: it may be the secret.
        _ => {
            f.fault("value", message!("value.required_text"));
            String::new()
        }
    };
    let (tags, tasks) = (f.texts("tags"), f.texts("tasks"));
    let secret = NewSecret { value, tags: has_tags.then_some(tags), tasks: has_tasks.then_some(tasks) };
    f.finish(secret).map_err(Problem::invalid)
}

/// Reads `{"to": "…"}`, the recipient of a mail.
///
/// # Errors
/// 422 with every fault.
pub fn mail_test(body: &Value) -> Result<String, Problem> {
    let mut f = Fields::new(body, "");
    let to = f.text("to", 320, "");
    f.finish(to).map_err(Problem::invalid)
}

/// Reads `{"to": "…", "text": "…"}`, or with `template` and `params` instead of `text`.
///
/// # Errors
/// 422 with every fault.
pub fn sms_test(body: &Value) -> Result<SmsTest, Problem> {
    let mut f = Fields::new(body, "");
    let to = f.text("to", 32, "");
    let [text, template] = [("text", 1000), ("template", 200)].map(|(name, max)| f.text(name, max, ""));
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let message = SmsTest { to, text: given(text), template: given(template), params: f.take("params").unwrap_or_default() };
    f.finish(message).map_err(Problem::invalid)
}

/// A preview request: the trigger, the start time and the number of fire times.
pub struct PreviewRequest {
    pub trigger: Value,
    pub after: Option<DateTime<Utc>>,
    pub count: i64,
}

/// Reads a preview request. `zone` is the server's, for a trigger without a zone.
///
/// # Errors
/// 422 with every fault, except those of the trigger itself, which `service` reports.
pub fn preview(body: &Value, zone: Tz) -> Result<PreviewRequest, Problem> {
    let mut f = Fields::new(body, "");
    let trigger = f.take("trigger").unwrap_or(Value::Null);
    if trigger.is_null() && body.is_object() {
        f.fault("trigger", message!("value.required"));
    }
    let zone = trigger.get("timezone").and_then(Value::as_str).and_then(|name| parse_zone(name).ok()).unwrap_or(zone);
    let after = match f.take("after") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => parse_timestamp(&text, zone).map_err(|what| f.fault("after", what)).ok(),
        Some(other) => {
            f.fault("after", message!("value.not_time", value = display_value(&other)));
            None
        }
    };
    let count = f.integer("count", 1, 1000, DEFAULT_COUNT);
    f.finish(PreviewRequest { trigger, after, count }).map_err(Problem::invalid)
}

/// Reads `{"action", "ids"}` or `{"action", "filter"}`.
///
/// # Errors
/// 422 with every fault.
pub fn bulk(body: &Value) -> Result<(BulkAction, BulkTarget), Problem> {
    const ACTIONS: [(&str, BulkAction); 4] =
        [("run", BulkAction::Run), ("pause", BulkAction::Pause), ("resume", BulkAction::Resume), ("delete", BulkAction::Delete)];
    let mut f = Fields::new(body, "");
    if body.is_object() && body.get("action").is_none_or(Value::is_null) {
        f.fault("action", message!("bulk.action_required"));
    }
    let action = f.choice("action", &ACTIONS, BulkAction::Pause);
    let target = bulk_target(&mut f, body);
    f.finish((action, target)).map_err(Problem::invalid)
}

fn bulk_target(f: &mut Fields, body: &Value) -> BulkTarget {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let filter = f.take("filter").unwrap_or(Value::Null);
    let ids = f.texts("ids");
    match (given("ids"), given("filter")) {
        (true, true) => f.fault("filter", message!("bulk.filter_and_ids")),
        (false, false) if body.is_object() => f.fault("ids", message!("bulk.ids_or_filter")),
        _ => {}
    }
    if ids.len() > MAX_IDS {
        f.fault("ids", message!("value.too_many", count = ids.len(), max = MAX_IDS));
    }
    if given("filter") {
        return BulkTarget::Filter(f.collect(task_filter(&filter)).unwrap_or_default());
    }
    BulkTarget::Ids(ids)
}

/// Reads the same filter as a list's, as a JSON object.
fn task_filter(value: &Value) -> Result<TaskFilter, Vec<Fault>> {
    let mut f = Fields::new(value, "/filter");
    let statuses: Vec<_> = Status::ALL.iter().map(|status| (status.as_str(), Some(*status))).collect();
    let filter = TaskFilter {
        search: some(f.text("search", 200, "")),
        task_type: some(f.text("type", 64, "")),
        status: f.choice("status", &statuses, None),
        tag: some(f.text("tag", 64, "")),
        enabled: match value.get("enabled") {
            None | Some(Value::Null) => f.take("enabled").and(None),
            Some(_) => Some(f.boolean("enabled", true)),
        },
        ..TaskFilter::default()
    };
    f.finish(filter)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
