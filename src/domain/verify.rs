//! Verification of the log: the occurrences that the kept rules expect are matched with the recorded ones, one to one.

mod overlaps;
mod spans;
mod zones;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::execution::Status;
use super::pause_record::PausedOccurrences;
use super::schedule::{FROZEN, REASONS};
use super::trigger::Kind;

use self::overlaps::Account;
pub use self::overlaps::{OVERLAP, Overlaps, RunInterval};
use self::spans::{Closed, is_fire_time};
pub use self::spans::{Definition, RuleSpan, rule_spans};
pub use self::zones::ZoneHistory;
use crate::i18n::{Message, message};

/// How long after a change the rule of before may still fire: a change takes its time before it is committed.
const COMMIT_TIME: TimeDelta = TimeDelta::seconds(5);
/// The code of the reason of an occurrence in whose place a later one ran.
pub const COALESCED: &str = "firing.coalesced";

/// What is known of a task besides its log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskHistory {
    pub task_id: String,
    /// Oldest first; those of a deleted task of the same id come before.
    pub spans: Vec<RuleSpan>,
    /// The first occurrence that is not decided yet. `None`: the schedule ended or the task was deleted.
    pub next_run_at: Option<DateTime<Utc>>,
    /// Rows of earlier occurrences may have been deleted by retention.
    pub kept_from: Option<DateTime<Utc>>,
    /// What its limit of concurrent runs and its runs were.
    pub overlaps: Overlaps,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    pub execution_id: String,
    pub scheduled_at: DateTime<Utc>,
    pub queued_at: DateTime<Utc>,
    /// Whether it stands for an occurrence of the rule; otherwise the run was requested.
    pub is_occurrence: bool,
    pub status: Status,
    /// The code of the reason, if it did not run.
    pub reason: Option<String>,
    /// The occurrences that it stands for, if they fell into a pause.
    pub paused: Option<PausedOccurrences>,
    /// The limit of concurrent runs that its reason names.
    pub limit: Option<i64>,
}

impl LogRow {
    fn ran(&self) -> bool {
        !matches!(self.status, Status::Skipped | Status::Missed)
    }

    /// The first and the last occurrence of a row that stands for several.
    fn covers(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.paused.filter(|paused| paused.count > 1).map(|paused| (paused.first, paused.last))
    }
}

/// One difference between the rules and the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub task_id: String,
    pub scheduled_at: DateTime<Utc>,
    pub execution_ids: Vec<String>,
    /// Why the row is not explained.
    pub reason: Option<Message>,
}

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// The number of occurrences that the rules require.
    pub expected: u64,
    /// The number of rows of occurrences.
    pub rows: u64,
    /// Occurrences without a row.
    pub lost: Vec<Finding>,
    /// Occurrences with several rows.
    pub doubled: Vec<Finding>,
    /// Rows that no rule explains, or whose reason is not true.
    pub unexplained: Vec<Finding>,
    /// Rows whose reason cannot be computed anew from what is kept. They are no differences.
    pub undetermined: Vec<Finding>,
}

impl Findings {
    /// Adds those of another task.
    pub fn add(&mut self, other: Findings) {
        self.expected += other.expected;
        self.rows += other.rows;
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.unexplained.extend(other.unexplained);
        self.undetermined.extend(other.undetermined);
    }

    /// Whether rules and log agree.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.unexplained.is_empty()
    }
}

/// An occurrence that the rules expect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Expectation {
    /// Whether a row is required; otherwise there may be one.
    required: bool,
    /// Whether the task was not paused.
    may_run: bool,
    closed: Closed,
}

impl Expectation {
    /// What is wrong with a row of this occurrence, as to calendars and freezes.
    fn closing_fault(&self, row: &LogRow) -> Option<Message> {
        let says = |codes: &[&str]| row.reason.as_deref().is_some_and(|code| codes.contains(&code));
        match self.closed {
            Closed::ByCalendar if row.ran() => Some(message!("verify.closed")),
            Closed::ByCalendar => None,
            Closed::ByFreeze if says(&FROZEN) => None,
            _ if says(&REASONS) || says(&FROZEN) => Some(message!("verify.not_closed")),
            _ => None,
        }
    }
}

/// Matches the rows of one task with its rules, for occurrences from `from` (inclusive) to `to` (exclusive). Rows of pauses may
/// stand for occurrences after them, so `rows` begin an hour earlier.
pub fn verify(history: &TaskHistory, rows: &[LogRow], from: DateTime<Utc>, to: DateTime<Utc>) -> Findings {
    let kept_from = history.kept_from.map_or(from, |kept_from| kept_from.max(from));
    let expected = expected(history, kept_from, to);
    let finding = |at: DateTime<Utc>, rows: &[&LogRow], reason: Option<Message>| Finding {
        task_id: history.task_id.clone(),
        scheduled_at: at,
        execution_ids: rows.iter().map(|row| row.execution_id.clone()).collect(),
        reason,
    };
    let mut found: BTreeMap<DateTime<Utc>, Vec<&LogRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_occurrence && from <= row.scheduled_at && row.scheduled_at < to) {
        found.entry(row.scheduled_at).or_default().push(row);
    }
    let spans: BTreeMap<DateTime<Utc>, DateTime<Utc>> = rows.iter().filter_map(LogRow::covers).collect();
    let is_covered = |at: &DateTime<Utc>| spans.range(..*at).next_back().is_some_and(|(_, last)| at <= last);
    let mut findings = Findings {
        expected: expected.values().filter(|one| one.required).count() as u64,
        rows: found.values().map(|rows| rows.len() as u64).sum(),
        ..Findings::default()
    };
    let lost = expected.iter().filter(|(at, one)| one.required && !found.contains_key(*at) && !is_covered(at));
    findings.lost = lost.map(|(at, _)| finding(*at, &[], None)).collect();
    // The run of a request is due when it is requested.
    let copies = rows.iter().filter(|row| !row.is_occurrence && row.scheduled_at != row.queued_at);
    for copy in copies {
        if let Some(rows) = found.get_mut(&copy.scheduled_at) {
            rows.push(copy);
        }
    }
    for (at, rows) in &found {
        if rows.len() > 1 || is_covered(at) {
            findings.doubled.push(finding(*at, rows, None));
        }
        let paused = |row: &&LogRow| row.paused.is_some();
        let is_expected = expected.get(at).is_some_and(|one| one.may_run || !rows.iter().any(|row| row.ran()));
        if !is_expected && !rows.iter().all(|row| is_explained(history, row)) {
            findings.unexplained.push(finding(*at, rows, Some(message!("verify.no_rule"))));
        } else if rows.iter().copied().filter(paused).any(|row| !is_true_pause(history, row)) {
            findings.unexplained.push(finding(*at, rows, Some(message!("verify.not_paused"))));
        } else if let Some(fault) = rows.iter().find_map(|row| expected.get(at)?.closing_fault(row)) {
            findings.unexplained.push(finding(*at, rows, Some(fault)));
        }
    }
    let untrue = untrue_reasons(found.values().map(|rows| rows[0]));
    findings.unexplained.extend(untrue.map(|row| finding(row.scheduled_at, &[row], Some(message!("verify.no_later_run")))));
    for row in found.values().map(|rows| rows[0]) {
        match overlaps::account(history, row) {
            Account::Untrue(why) => findings.unexplained.push(finding(row.scheduled_at, &[row], Some(why))),
            Account::Undetermined(why) => findings.undetermined.push(finding(row.scheduled_at, &[row], Some(why))),
            Account::True => {}
        }
    }
    findings
}

/// The occurrences of a window.
fn expected(history: &TaskHistory, from: DateTime<Utc>, to: DateTime<Utc>) -> BTreeMap<DateTime<Utc>, Expectation> {
    let mut expected: BTreeMap<DateTime<Utc>, Expectation> = BTreeMap::new();
    for span in &history.spans {
        let undecided = history.next_run_at.filter(|_| span.until.is_none());
        let required_until = [span.until, undecided].into_iter().flatten().fold(to, DateTime::min);
        let until = span.until.map_or(required_until, |until| (until + COMMIT_TIME).min(to));
        for (run_at, rule_at) in span.occurrences(&history.task_id, from, until).filter(|(run_at, _)| *run_at < to) {
            let one = expected.entry(run_at).or_default();
            one.closed = span.closed(rule_at);
            one.required |= run_at < required_until;
            one.may_run |= span.enabled;
        }
    }
    expected
}

/// Whether the task was paused at the occurrences of a row, and whether they are as many as the row says: counted by the rule in
/// force at each instant. A change takes its time before it is committed, so the rule before it may have counted a little longer.
fn is_true_pause(history: &TaskHistory, row: &LogRow) -> bool {
    let Some(paused) = row.paused else { return true };
    let id = &history.task_id;
    let is_number = |counted: usize| paused.count == 1 || i64::try_from(counted).is_ok_and(|counted| counted == paused.count);
    let holds = |span: &&RuleSpan| {
        !span.enabled && span.from <= paused.first && span.until.is_none_or(|until| paused.last <= until + COMMIT_TIME)
    };
    if history.spans.iter().filter(holds).any(|span| is_number(span.count(id, paused.first, paused.last))) {
        return true;
    }
    let ends_after = |span: &&RuleSpan, at: DateTime<Utc>| span.until.is_none_or(|until| until > at);
    let mut in_force = history.spans.iter().filter(|span| span.from <= paused.last && ends_after(span, paused.first)).peekable();
    let is_whole = in_force.peek().is_some_and(|first| first.from <= paused.first) && in_force.clone().all(|span| !span.enabled);
    let counted = |span: &RuleSpan| {
        let last = span.until.map_or(paused.last, |until| paused.last.min(until - TimeDelta::milliseconds(1)));
        span.count(id, paused.first.max(span.from), last)
    };
    is_whole && is_number(in_force.map(counted).sum())
}

/// Whether a row that is not among the expected ones follows from a rule: at the edge of the window, not decided when the task was
/// read, of an idle trigger, or recorded while the task was paused.
fn is_explained(history: &TaskHistory, row: &LogRow) -> bool {
    let at = row.scheduled_at;
    // A date that was past when it was given is recorded at once.
    let given_late = |span: &RuleSpan| span.schedule.rules().kind() == Kind::Date && at < span.from && span.from <= row.queued_at;
    if history.spans.iter().any(|span| given_late(span) && is_fire_time(span, &history.task_id, at)) {
        return true;
    }
    let in_force =
        history.spans.iter().filter(|span| span.from <= at && span.until.is_none_or(|until| at <= until + COMMIT_TIME));
    in_force.filter(|span| span.enabled || !row.ran()).any(|span| match span.schedule.rules().kind() {
        Kind::Idle => true,
        _ => is_fire_time(span, &history.task_id, at),
    })
}

/// The rows, in order, that name a later run in their place although the next other occurrence did not run.
fn untrue_reasons<'r>(rows: impl DoubleEndedIterator<Item = &'r LogRow>) -> impl Iterator<Item = &'r LogRow> {
    let mut later_ran = None;
    let mut untrue: Vec<&LogRow> = Vec::new();
    for row in rows.rev() {
        match row.reason.as_deref() {
            Some(COALESCED) if later_ran == Some(false) => untrue.push(row),
            Some(COALESCED) => {}
            // What a pause or a calendar leaves out was never meant to run.
            _ if row.paused.is_some() => {}
            Some(code) if REASONS.contains(&code) || FROZEN.contains(&code) => {}
            _ => later_ran = Some(row.ran()),
        }
    }
    untrue.into_iter().rev()
}

#[cfg(test)]
mod tests;
