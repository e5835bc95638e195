//! The record of a pause: which rows stand for the occurrences that fall into it. A task that fires about once a minute or more
//! often gets one row for up to an hour, any other one row for each occurrence.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::decision::Firing;
use super::execution::Status;
use super::pause::Pause;
use super::schedule::Schedule;
use super::task::Task;
use crate::i18n::{Message, message};

/// The code of the reason of a row for several occurrences.
pub const SPAN_CODE: &str = "pause.skipped_span";
/// The code of the reason of a row for one occurrence.
pub const CODE: &str = "pause.skipped";

/// The time that one row covers at most.
pub const SPAN: TimeDelta = TimeDelta::hours(1);
/// With more occurrences than this within [`SPAN`], one row stands for all of them.
const MAX_ROWS_PER_SPAN: usize = 30;
/// The form of a time in a reason.
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S%.f %:z";

/// Occurrences that one row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PausedOccurrences {
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    pub count: i64,
}

/// What is recorded of a pause, and what is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRecord {
    /// Oldest first.
    pub rows: Vec<PausedOccurrences>,
    /// The first occurrence that is not on record.
    pub next: Option<Firing>,
    /// As [`Pause::event_at`].
    pub event_at: Option<DateTime<Utc>>,
}

impl PauseRecord {
    /// Whether further occurrences have to be recorded now.
    #[must_use]
    pub fn has_more(&self, pause: &Pause, now: DateTime<Utc>) -> bool {
        self.event_at.is_some_and(|at| at <= now) && self.event_at != pause.until
    }
}

/// Records the occurrences of a pause up to `now`. `flush`: also the begun part of an hour, because the task changes. About
/// `limit` occurrences are visited; the rest is left to the next call. `decided`: occurrences that are on record otherwise.
pub fn record(
    task: &Task,
    rule: &Schedule,
    pause: &Pause,
    decided: &HashSet<DateTime<Utc>>,
    now: DateTime<Utc>,
    flush: bool,
    limit: usize,
) -> PauseRecord {
    let firing = |rule_at| Firing { rule_at, run_at: rule.fire_time(rule_at, &task.id, task.anchor_at) };
    let next = |after: Firing| rule.next_after(after.rule_at, task.anchor_at).map(firing);
    let undecided = |from: Option<Firing>| std::iter::successors(from, |at| next(*at)).find(|at| !decided.contains(&at.run_at));
    let falls_in = |firing: &Firing| pause.lasts_at(firing.run_at);
    let mut first = undecided(pause.rule_at.map(firing));
    let (mut rows, mut visited) = (Vec::new(), 0);
    let event_at = loop {
        let Some(at) = first.filter(falls_in) else { break pause.until };
        let end = at.run_at + SPAN;
        let within = std::iter::successors(Some(at), |at| next(*at)).take_while(|one| one.run_at < end);
        let is_dense = within.take(MAX_ROWS_PER_SPAN + 1).count() > MAX_ROWS_PER_SPAN;
        let due = match is_dense && !flush {
            true => pause.until.map_or(end, |until| until.min(end)),
            false => at.run_at,
        };
        if due > now || visited >= limit {
            break Some(due);
        }
        let mut row = PausedOccurrences { first: at.run_at, last: at.run_at, count: 1 };
        let mut following = undecided(next(at));
        while let Some(one) = following.filter(|one| is_dense && falls_in(one) && one.run_at < end && one.run_at <= now) {
            row = PausedOccurrences { last: one.run_at, count: row.count + 1, ..row };
            following = undecided(next(one));
        }
        visited += usize::try_from(row.count).unwrap_or(usize::MAX);
        rows.push(row);
        first = following;
    };
    PauseRecord { rows, next: first, event_at }
}

/// The reason of a row. Times are written in the task's zone.
pub fn reason(pause: &Pause, row: &PausedOccurrences, zone: Tz) -> Message {
    let time = |at: DateTime<Utc>| at.with_timezone(&zone).format(TIME_FORMAT).to_string();
    let until = pause.until.map_or(Message::verbatim(""), |until| message!("pause.until", time = time(until)));
    let why = match pause.reason.as_str() {
        "" => Message::verbatim(""),
        text => message!("pause.reason", text),
    };
    match row.count {
        1 => message!("pause.skipped", by = &pause.by, until, why),
        count => message!("pause.skipped_span", by = &pause.by, until, why, count, last = time(row.last)),
    }
}

/// Whether a reason is a pause.
pub fn is_pause(reason: &Message) -> bool {
    matches!(reason.code(), CODE | SPAN_CODE)
}

/// The occurrences that a row of the log stands for, by its reason; `None`: the row is no record of a pause.
pub fn occurrences_of(scheduled_at: DateTime<Utc>, status: Status, reason: Option<&Message>) -> Option<PausedOccurrences> {
    let reason = reason.filter(|_| status == Status::Skipped)?;
    let one = PausedOccurrences { first: scheduled_at, last: scheduled_at, count: 1 };
    match reason.code() {
        CODE => Some(one),
        SPAN_CODE => {
            let last = DateTime::parse_from_str(&reason.text_of("last")?, TIME_FORMAT).ok()?;
            Some(PausedOccurrences { last: last.to_utc(), count: reason.text_of("count")?.parse().ok()?, ..one })
        }
        _ => None,
    }
}
