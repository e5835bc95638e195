//! Why a task ran at a time, or why it did not: the conditions of a run one by one, from the kept rules and the record.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::execution::Status;
use super::occurrence::OccurrenceRow;
use super::pause::Pause;
use super::pause_record;
use super::trigger::{Check, format_datetime};
use super::verify::RuleSpan;
use crate::i18n::{Message, message};

/// A decision later than this is listed as late.
const LATE: TimeDelta = TimeDelta::seconds(10);
/// The most changes that are listed.
const MAX_CHANGES: usize = 5;

/// A change of the task, as its versions tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub version: i64,
    pub at: DateTime<Utc>,
    pub author: String,
}

/// What is known of a task.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    pub task_id: &'k str,
    /// Oldest first.
    pub spans: &'k [RuleSpan],
    /// Oldest first.
    pub changes: &'k [Change],
    /// The pause that is going on.
    pub paused: Option<&'k Pause>,
    /// The records of occurrences around the time, in the order of scheduled times.
    pub rows: &'k [OccurrenceRow],
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub at: DateTime<Utc>,
    /// Whether the task was to run then, by its rules or by its record.
    pub due: bool,
    /// The status of its record.
    pub decided: Option<Status>,
    pub execution_id: Option<String>,
    pub reasons: Vec<Check>,
}

/// The time of the occurrence, jitter included, that is planned at a time with or without jitter; `None`: there is none.
pub fn run_time(task_id: &str, spans: &[RuleSpan], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let before = RuleSpan::before(spans);
    spans.iter().rev().find(|span| span.from <= at).or(before.as_ref())?.run_time(task_id, at)
}

/// Explains what happened, or will happen, at a time: the scheduled time of an occurrence with or without jitter, or any other.
pub fn explain(known: &Known<'_>, at: DateTime<Utc>) -> Explanation {
    let before = RuleSpan::before(known.spans);
    let in_force = known.spans.iter().rev().find(|span| span.from <= at);
    let span = in_force.or(before.as_ref());
    let run_at = span.and_then(|span| span.run_time(known.task_id, at));
    let row = record_at(known.rows, at).or_else(|| record_at(known.rows, run_at?));
    // Jitter puts an occurrence off; a change of the rule before that drops it.
    let goes_on = |run_at: DateTime<Utc>| {
        let then = known.spans.iter().rev().find(|span| span.from <= run_at);
        then.is_some_and(|then| then.run_time(known.task_id, at) == Some(run_at))
    };
    let is_planned = in_force.is_some() && run_at.is_some_and(goes_on);
    let mut reasons = vec![existence(known, in_force.is_some())];
    if let Some(span) = span {
        reasons.extend(rule_checks(span, run_at.map_or(at, |run_at| span.rule_time(known.task_id, run_at)), run_at, known.zone));
    }
    reasons.extend(in_force.map(|span| pause_check(known, span, at, row)));
    reasons.extend(row.into_iter().flat_map(|row| record_checks(row, known.zone)));
    if row.is_none() {
        let detail = if at > known.now { message!("why.lies_ahead") } else { message!("why.no_record") };
        reasons.push(Check::new("record", at > known.now, detail));
    }
    reasons.extend(changes(known, at));
    reasons.extend(next(known, span, at));
    Explanation {
        at,
        due: is_planned || row.is_some(),
        decided: row.map(|row| row.status),
        execution_id: row.map(|row| row.execution_id.clone()),
        reasons,
    }
}

/// The record of the occurrence at a time; a record of a pause may stand for it. Of several, the first: later ones are backfills.
fn record_at(rows: &[OccurrenceRow], at: DateTime<Utc>) -> Option<&OccurrenceRow> {
    let covers = |row: &&OccurrenceRow| {
        pause_record::occurrences_of(row.scheduled_at, row.status, row.error_message.as_ref())
            .is_some_and(|covered| covered.first <= at && at <= covered.last)
    };
    rows.iter().find(|row| row.scheduled_at == at).or_else(|| rows.iter().find(covers))
}

fn existence(known: &Known<'_>, existed: bool) -> Check {
    let Some(first) = known.changes.first() else { return Check::new("task", false, message!("why.no_rule")) };
    let (by, time) = (&first.author, format_datetime(first.at, known.zone));
    let detail = match existed {
        true => message!("why.created", by, time),
        false => message!("why.before_created", by, time),
    };
    Check::new("task", existed, detail)
}

/// The rule as a whole, its parts, and its jitter.
fn rule_checks(span: &RuleSpan, rule_at: DateTime<Utc>, run_at: Option<DateTime<Utc>>, zone: Tz) -> Vec<Check> {
    let mut checks = vec![Check::new("rule", run_at.is_some(), message!("why.rule", rule = span.text()))];
    checks.extend(span.explain(rule_at));
    if let Some(run_at) = run_at.filter(|run_at| *run_at != rule_at) {
        checks.push(Check::new("jitter", true, message!("why.jitter", time = format_datetime(run_at, zone))));
    }
    checks
}

fn pause_check(known: &Known<'_>, span: &RuleSpan, at: DateTime<Utc>, row: Option<&OccurrenceRow>) -> Check {
    let recorded = row.filter(|row| is_pause(row)).and_then(|row| row.error_message.clone());
    let paused_by = || known.changes.iter().rev().find(|change| change.at <= at).map(|change| change.author.clone());
    let has_ended = span.until.is_none() && known.paused.is_some_and(|pause| !pause.lasts_at(at));
    let is_paused = !span.is_enabled() && !has_ended;
    let holds = !is_paused && recorded.is_none();
    let detail = match (recorded, is_paused) {
        (Some(reason), _) => reason,
        (None, false) => message!("why.not_paused"),
        (None, true) => message!("why.paused", by = paused_by().unwrap_or_default()),
    };
    Check::new("pause", holds, detail)
}

fn is_pause(row: &OccurrenceRow) -> bool {
    pause_record::occurrences_of(row.scheduled_at, row.status, row.error_message.as_ref()).is_some()
}

/// What the record says: the condition that decided, how late it was decided, and its status.
fn record_checks(row: &OccurrenceRow, zone: Tz) -> Vec<Check> {
    let mut checks = Vec::new();
    let late = row.queued_at - row.scheduled_at;
    let decided = match late > LATE {
        _ if is_pause(row) => None,
        true => Some(Check::new("server", false, message!("why.late", late = late.num_seconds()))),
        false => Some(Check::new("server", true, message!("why.on_time", late = late.num_milliseconds()))),
    };
    checks.extend(decided);
    if let Some(reason) = row.error_message.clone().filter(|_| matches!(row.status, Status::Skipped | Status::Missed))
        && !is_pause(row)
    {
        checks.push(Check::new(condition(reason.code()), false, reason));
    }
    let ran = !matches!(row.status, Status::Skipped | Status::Missed);
    let status = Message::verbatim(row.status.as_str());
    checks.push(Check::new("record", ran, message!("why.record", status, time = format_datetime(row.queued_at, zone))));
    checks
}

/// The condition that a reason is about.
fn condition(code: &str) -> &'static str {
    match code {
        "firing.too_late" | "firing.past_when_saved" => "lateness",
        "firing.overlap" | "firing.replaced" => "overlap",
        code if code.starts_with("firing.coalesced") => "coalesce",
        "firing.frozen" => "freeze",
        code if code.starts_with("firing.closed") || code == "firing.calendar_open" => "calendar",
        _ => "decision",
    }
}

/// The changes of the task nearest to a time, within a day.
fn changes(known: &Known<'_>, at: DateTime<Utc>) -> Vec<Check> {
    let near = |change: &&Change| (change.at - at).abs() <= TimeDelta::days(1);
    let mut near: Vec<&Change> = known.changes.iter().filter(near).collect();
    near.sort_by_key(|change| (change.at - at).abs());
    near.truncate(MAX_CHANGES);
    near.sort_by_key(|change| change.version);
    let check = |change: &Change| {
        let (version, by, time) = (change.version, &change.author, format_datetime(change.at, known.zone));
        Check::new("change", true, message!("why.change", version, by, time))
    };
    near.into_iter().map(check).collect()
}

/// The occurrence after a time at which there is none.
fn next(known: &Known<'_>, span: Option<&RuleSpan>, at: DateTime<Utc>) -> Option<Check> {
    let span = span.filter(|span| span.run_time(known.task_id, at).is_none())?;
    let next = span.firings(known.task_id, at, DateTime::<Utc>::MAX_UTC).next()?;
    Some(Check::new("next", true, message!("why.next", time = format_datetime(next, known.zone))))
}
