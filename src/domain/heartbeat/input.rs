//! The fields of a heartbeat that clients may set.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Heartbeat, HeartbeatRule};
use crate::domain::fault::Fault;
use crate::domain::input::{Fields, display_value};
use crate::domain::task::read_tags;
use crate::domain::task_id::check_id;
use crate::domain::trigger::{Trigger, parse_zone};
use crate::i18n::message;

const MAX_NAME: usize = 200;
const MIN_PERIOD: i64 = 10;
const MAX_SECONDS: i64 = 31_622_400;
const DEFAULT_GRACE: i64 = 300;

/// A heartbeat as a client gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeartbeatInput {
    pub id: String,
    pub name: String,
    pub tags: Vec<String>,
    pub rule: HeartbeatRule,
    pub grace: TimeDelta,
    pub enabled: bool,
}

impl HeartbeatInput {
    /// Parses `{"id", "name"?, "cron" or "period_seconds", "timezone"?, "grace_seconds"?, "tags"?, "enabled"?}`. `zone` is the
    /// server's, for a rule without one.
    ///
    /// # Errors
    /// Every fault.
    pub fn parse(value: &Value, zone: Tz) -> Result<HeartbeatInput, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let id = f.text("id", 64, "");
        if let Err(message) = check_id(&id) {
            f.fault("id", message);
        }
        let name = f.text("name", MAX_NAME, &id);
        let tags = read_tags(&mut f);
        let rule = read_rule(&mut f, zone);
        let grace = f.integer("grace_seconds", 0, MAX_SECONDS, DEFAULT_GRACE);
        let enabled = f.boolean("enabled", true);
        match rule {
            Some(rule) => f.finish(HeartbeatInput { id, name, tags, rule, grace: TimeDelta::seconds(grace), enabled }),
            None => Err(f.finish(()).err().unwrap_or_default()),
        }
    }
}

fn read_rule(f: &mut Fields, zone: Tz) -> Option<HeartbeatRule> {
    f.refuse_null(&["period_seconds"]);
    let period = f.optional_integer("period_seconds", MIN_PERIOD, MAX_SECONDS);
    let cron = f.take("cron");
    let zone = match f.text("timezone", 64, "").as_str() {
        "" => zone,
        name => parse_zone(name).map_err(|message| f.fault("timezone", message)).ok()?,
    };
    match (cron, period) {
        (Some(_), Some(_)) => f.fault("cron", message!("heartbeat.two_rules")),
        (None, None) => f.fault("cron", message!("heartbeat.no_rule")),
        (None, Some(seconds)) => return Some(HeartbeatRule::Period(TimeDelta::seconds(seconds))),
        (Some(Value::String(expression)), None) => return read_cron(f, &expression, zone),
        (Some(other), None) => f.fault("cron", message!("value.not_text", value = display_value(&other))),
    }
    None
}

fn read_cron(f: &mut Fields, expression: &str, zone: Tz) -> Option<HeartbeatRule> {
    match Trigger::parse(&json!({"type": "cron", "expression": expression}), zone) {
        Ok(Trigger::Cron(_)) => HeartbeatRule::cron(expression, zone),
        Ok(_) => {
            f.fault("cron", message!("heartbeat.every"));
            None
        }
        Err(faults) => {
            let first = faults.into_iter().next();
            f.fault("cron", first.map_or_else(|| message!("value.required"), |fault| fault.message));
            None
        }
    }
}

impl Heartbeat {
    /// The settable fields as JSON, the form of the API and the audit log.
    pub fn to_input(&self) -> Value {
        let mut value = json!({"id": self.id, "name": self.name, "tags": self.tags, "grace_seconds": self.grace.num_seconds(),
            "enabled": self.enabled});
        if let (Some(value), Value::Object(rule)) = (value.as_object_mut(), self.rule.to_json()) {
            value.extend(rule);
        }
        value
    }
}
