//! Columns that hold JSON of the domain.

use std::cell::RefCell;

use super::{Error, Result, json};
use crate::domain::calendar::Calendar;
use crate::domain::chain::{self, Link};
use crate::domain::heartbeat::HeartbeatRule;
use crate::domain::notify::rule::NotifyRule;
use crate::domain::policy::Policy;
use crate::domain::run_input::{self, InputField};
use crate::domain::schedule::ScheduleSettings;

thread_local! {
    /// The policy that this thread read last, with its text.
    static LAST_POLICY: RefCell<Option<(String, Policy)>> = const { RefCell::new(None) };
}

/// Most tasks have the same policy as the one that was read before.
pub(super) fn parse_policy(text: &str) -> Result<Policy> {
    LAST_POLICY.with_borrow_mut(|last| match last {
        Some((known, policy)) if known == text => Ok(policy.clone()),
        _ => {
            let policy = read_policy(text)?;
            *last = Some((text.to_owned(), policy.clone()));
            Ok(policy)
        }
    })
}

fn read_policy(text: &str) -> Result<Policy> {
    Policy::parse(&json(text)?, &Policy::default()).map_err(|faults| {
        Error::InvalidValue(faults.first().map_or_else(|| "policy".to_owned(), |fault| format!("policy: {}", fault.message)))
    })
}

pub(super) fn parse_calendar(text: &str) -> Result<Calendar> {
    Calendar::parse(&json(text)?, "").map_err(|faults| {
        let fault = faults.first().map(ToString::to_string).unwrap_or_default();
        Error::InvalidValue(format!("calendar: {fault}"))
    })
}

pub(super) fn parse_notify_rule(text: &str) -> Result<NotifyRule> {
    NotifyRule::parse(&json(text)?, None).map_err(|faults| {
        Error::InvalidValue(faults.first().map_or_else(|| "rule".to_owned(), |fault| format!("rule: {}", fault.message)))
    })
}

pub(super) fn parse_schedule(text: &str) -> Result<ScheduleSettings> {
    if text == "{}" {
        return Ok(ScheduleSettings::default());
    }
    ScheduleSettings::parse(&json(text)?).map_err(|_| Error::InvalidValue("schedule".to_owned()))
}

pub(super) fn parse_chain(text: &str) -> Result<Vec<Link>> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    chain::parse(&json(text)?, "/chain").map_err(|_| Error::InvalidValue("chain".to_owned()))
}

pub(super) fn parse_heartbeat_rule(text: &str) -> Result<HeartbeatRule> {
    HeartbeatRule::from_json(&json(text)?).ok_or_else(|| Error::InvalidValue("rule".to_owned()))
}

pub(super) fn parse_inputs(text: &str) -> Result<Vec<InputField>> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    run_input::parse(&json(text)?, "/inputs").map_err(|_| Error::InvalidValue("inputs".to_owned()))
}
