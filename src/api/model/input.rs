//! Parsing of small request bodies, field by field with every fault named. Tasks are parsed by `service`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::api::error::Problem;
use crate::domain::execution::Status;
use crate::domain::fault::Fault;
use crate::domain::input::{Fields, display_value};
use crate::domain::operation::{BulkAction, BulkWork};
use crate::domain::page::TaskFilter;
use crate::domain::pause::PauseRequest;
use crate::domain::run_input::MAX_INPUTS;
use crate::domain::schedule::FIELDS;
use crate::domain::trigger::{parse_timestamp, parse_timestamp_rounded_up, parse_zone};
use crate::i18n::message;
use crate::service::{BulkTarget, NewSecret, RunValues, SmsTest};

/// The maximum number of ids in a bulk request.
const MAX_IDS: usize = 10_000;
/// The default number of fire times in a preview.
const DEFAULT_COUNT: i64 = 5;

/// What a request gives to one run.
#[derive(Debug, Default)]
pub struct RunBody {
    params: Option<Value>,
    inputs: Option<Map<String, Value>>,
}

impl RunBody {
    pub fn values(&self) -> RunValues<'_> {
        RunValues { params: self.params.as_ref(), inputs: self.inputs.as_ref() }
    }
}

/// Reads `{}`, or with `params`, `inputs` or both, each an object.
///
/// # Errors
/// 422 with every fault.
pub fn run(body: &Value) -> Result<RunBody, Problem> {
    let mut f = Fields::new(body, "");
    let [params, inputs] = ["params", "inputs"].map(|name| match f.take(name) {
        None => None,
        Some(Value::Object(map)) => Some(map),
        Some(other) => {
            f.fault(name, message!("value.not_object_but", value = display_value(&other)));
            None
        }
    });
    if let Some(count) = inputs.as_ref().map(Map::len).filter(|count| *count > MAX_INPUTS) {
        f.fault("inputs", message!("value.too_many", count, max = MAX_INPUTS));
    }
    f.finish(RunBody { params: params.map(Value::Object), inputs }).map_err(Problem::invalid)
}

/// Reads `{"value": "…"}`.
///
/// # Errors
/// 422 with every fault.
pub fn secret(body: &Value) -> Result<NewSecret, Problem> {
    let mut f = Fields::new(body, "");
    let value = match f.take_nullable("value") {
        Some(Value::String(value)) => value,
        // The value is not shown: it may be the secret.
        _ => {
            f.fault("value", message!("value.required_text"));
            String::new()
        }
    };
    let (tags, tasks) = (f.optional_texts("tags"), f.optional_texts("tasks"));
    let secret = NewSecret { value, tags, tasks };
    f.finish(secret).map_err(Problem::invalid)
}

/// Reads `{"until": "…"}`; null ends the mute. `zone` is the server's, for a time without an offset.
///
/// # Errors
/// 422 with every fault.
pub fn mute(body: &Value, zone: Tz) -> Result<Option<DateTime<Utc>>, Problem> {
    let mut f = Fields::new(body, "");
    let until = match f.take_nullable("until") {
        Some(Value::Null) => None,
        Some(Value::String(text)) => parse_timestamp(&text, zone).map_err(|what| f.fault("until", what)).ok(),
        Some(other) => {
            f.fault("until", message!("incident.not_a_time", value = display_value(&other)));
            None
        }
        None => {
            f.fault("until", message!("value.required"));
            None
        }
    };
    f.finish(until).map_err(Problem::invalid)
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

/// A preview request: the schedule, the start time and the number of fire times.
pub struct PreviewRequest {
    /// The trigger or several, and the calendars, by the names of a task's fields.
    pub schedule: Value,
    pub after: Option<DateTime<Utc>>,
    pub count: i64,
}

/// Reads a preview request. `zone` is the server's, for a trigger without a zone.
///
/// # Errors
/// 422 with every fault, except those of the schedule itself, which `service` reports.
pub fn preview(body: &Value, zone: Tz) -> Result<PreviewRequest, Problem> {
    let mut f = Fields::new(body, "");
    let mut schedule = Map::new();
    for name in ["trigger"].iter().chain(&FIELDS) {
        schedule.extend(f.take_nullable(name).map(|value| ((*name).to_owned(), value)));
    }
    if body.is_object() && ["trigger", "triggers"].iter().all(|name| schedule.get(*name).is_none_or(Value::is_null)) {
        f.fault("trigger", message!("value.required"));
    }
    let schedule = Value::Object(schedule);
    let trigger = schedule.get("trigger").or_else(|| schedule.pointer("/triggers/0/trigger")).unwrap_or(&Value::Null);
    let zone = trigger.get("timezone").and_then(Value::as_str).and_then(|name| parse_zone(name).ok()).unwrap_or(zone);
    let after = match f.take("after") {
        None => None,
        Some(Value::String(text)) => parse_timestamp_rounded_up(&text, zone).map_err(|what| f.fault("after", what)).ok(),
        Some(other) => {
            f.fault("after", message!("value.not_time", value = display_value(&other)));
            None
        }
    };
    let count = f.integer("count", 1, 1000, DEFAULT_COUNT);
    f.finish(PreviewRequest { schedule, after, count }).map_err(Problem::invalid)
}

/// Reads `{"action", "ids"}` or `{"action", "filter"}`, for `pause` also `until` and `reason`.
///
/// # Errors
/// 422 with every fault.
pub fn bulk(body: &Value) -> Result<(BulkWork, BulkTarget), Problem> {
    let mut f = Fields::new(body, "");
    if body.is_object() && body.get("action").is_none_or(Value::is_null) {
        f.fault("action", message!("bulk.action_required"));
    }
    let action = f.choice("action", &BulkAction::WORDS, BulkAction::Pause);
    let target = bulk_target(&mut f, body);
    let pause = if action == BulkAction::Pause { PauseRequest::read(&mut f) } else { PauseRequest::default() };
    f.finish((BulkWork { action, pause }, target)).map_err(Problem::invalid)
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
        enabled: value.get("enabled").map(|_| f.boolean("enabled", true)),
        ..TaskFilter::default()
    };
    f.finish(filter)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
