//! Occurrences of a task: the times that its rules plan in a span, each with its outcome.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::execution::{Cause, Status};
use super::pause_record;
use super::verify::RuleSpan;
use crate::i18n::{Language, Message, message};

/// What became of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is not decided yet.
    Planned,
    /// It has this status.
    Recorded(Status),
    /// There is no record: the task did not exist, or retention has deleted it.
    Unrecorded,
}

impl Outcome {
    /// `planned`, `unrecorded`, or the status of an execution.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Recorded(status) => status.as_str(),
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// An occurrence with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOccurrence {
    /// Its time, jitter included.
    pub scheduled_at: DateTime<Utc>,
    pub outcome: Outcome,
    pub cause: Option<Cause>,
    /// Why it did not run, or failed: in English, and as a message.
    pub error: Option<String>,
    pub reason: Option<Message>,
    /// The record; one record may stand for several occurrences of a pause.
    pub execution_id: Option<String>,
}

impl TaskOccurrence {
    /// One that is not decided.
    #[must_use]
    pub const fn planned(scheduled_at: DateTime<Utc>) -> Self {
        Self { scheduled_at, outcome: Outcome::Planned, cause: None, error: None, reason: None, execution_id: None }
    }

    /// Why it did not run or failed, in a language; empty if it ran well.
    #[must_use]
    pub fn error_text(&self, language: Language) -> String {
        match (&self.reason, &self.error) {
            (Some(reason), None) => reason.text(language),
            (Some(reason), Some(_)) if language != Language::English => reason.text(language),
            (_, error) => error.clone().unwrap_or_default(),
        }
    }

    fn unrecorded(scheduled_at: DateTime<Utc>, reason: Message) -> Self {
        Self { outcome: Outcome::Unrecorded, reason: Some(reason), ..Self::planned(scheduled_at) }
    }
}

/// A record of an occurrence.
#[derive(Debug, Clone, PartialEq)]
pub struct OccurrenceRow {
    pub execution_id: String,
    pub scheduled_at: DateTime<Utc>,
    /// When it was decided.
    pub queued_at: DateTime<Utc>,
    pub cause: Cause,
    pub status: Status,
    pub error: Option<String>,
    pub error_message: Option<Message>,
}

/// A span of time of a task's history.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// From, inclusive.
    pub from: DateTime<Utc>,
    /// To, exclusive.
    pub to: DateTime<Utc>,
    /// Occurrences from here on are not decided; `None`: none is left to be.
    pub undecided_from: Option<DateTime<Utc>>,
    pub now: DateTime<Utc>,
    /// The most occurrences.
    pub limit: usize,
}

/// Lists the occurrences of a window, oldest first, and the time of the next one beyond the limit. `rows` begin an hour before the
/// window, and of several at one time the newest comes last.
pub fn list(
    task_id: &str,
    spans: &[RuleSpan],
    rows: &[OccurrenceRow],
    window: Window,
) -> (Vec<TaskOccurrence>, Option<DateTime<Utc>>) {
    let mut found: BTreeMap<DateTime<Utc>, TaskOccurrence> = BTreeMap::new();
    let created = spans.first().map(|span| span.from);
    for span in RuleSpan::before(spans).iter().chain(spans) {
        let times = span.firings(task_id, window.from, window.to).take(window.limit + 1);
        found.extend(times.map(|at| (at, without_row(at, created, window))));
    }
    for row in rows {
        record(&mut found, row, window);
    }
    let next = found.keys().nth(window.limit).copied();
    (found.into_values().take(window.limit).collect(), next)
}

fn without_row(at: DateTime<Utc>, created: Option<DateTime<Utc>>, window: Window) -> TaskOccurrence {
    match window.undecided_from {
        _ if created.is_some_and(|created| at < created) => TaskOccurrence::unrecorded(at, message!("occurrence.before_task")),
        Some(undecided) if undecided <= at => TaskOccurrence::planned(at),
        _ if at > window.now => TaskOccurrence::planned(at),
        _ => TaskOccurrence::unrecorded(at, message!("occurrence.no_record")),
    }
}

/// Puts a row at its occurrences.
fn record(found: &mut BTreeMap<DateTime<Utc>, TaskOccurrence>, row: &OccurrenceRow, window: Window) {
    let at = |scheduled_at| TaskOccurrence {
        scheduled_at,
        outcome: Outcome::Recorded(row.status),
        cause: Some(row.cause),
        error: row.error.clone(),
        reason: row.error_message.clone(),
        execution_id: Some(row.execution_id.clone()),
    };
    if (window.from..window.to).contains(&row.scheduled_at) {
        found.insert(row.scheduled_at, at(row.scheduled_at));
    }
    let covered = pause_record::occurrences_of(row.scheduled_at, row.status, row.error_message.as_ref());
    if let Some(covered) = covered.filter(|covered| covered.count > 1) {
        for (time, one) in found.range_mut(covered.first..=covered.last) {
            *one = at(*time);
        }
    }
}
