//! Response models of explanations.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::{StatusWord, Timestamp};
use super::timestamp;
use crate::domain::trigger::Check;
use crate::domain::why;
use crate::i18n::Language;

/// Why a task ran at a time, or why it did not.
#[derive(Default, Object)]
#[oai(rename = "Explanation", read_only_all)]
pub struct ExplanationView {
    at: Timestamp,
    /// Whether the task was to run then, by its rules or by its record.
    due: bool,
    /// The status of its record. Null: there is none.
    decided: Option<StatusWord>,
    /// The record.
    execution_id: Option<String>,
    /// The conditions of a run, one by one.
    reasons: Vec<ReasonView>,
}

/// One condition of a run.
#[derive(Default, Object)]
#[oai(rename = "Reason", read_only_all)]
pub struct ReasonView {
    /// What it is about: `task`, `rule`, a field such as `minute`, `clock_change`, `jitter`, `calendar`, `freeze`, `pause`, `server`,
    /// `lateness`, `coalesce`, `overlap`, `record`, `change`, `next` and others.
    what: String,
    /// Whether it speaks for a run.
    holds: bool,
    /// In the caller's language.
    detail: String,
}

impl ExplanationView {
    pub fn new(found: why::Explanation, zone: Tz, language: Language) -> Self {
        let reason =
            |check: Check| ReasonView { what: check.what.to_owned(), holds: check.holds, detail: check.detail.text(language) };
        Self {
            at: timestamp(found.at, zone),
            due: found.due,
            decided: found.decided.map(|status| StatusWord(status.as_str())),
            execution_id: found.execution_id,
            reasons: found.reasons.into_iter().map(reason).collect(),
        }
    }
}
