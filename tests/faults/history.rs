//! What was done to a task, and the occurrences that follow from it. Computed in the simplest way, independent of the program: rules
//! fire at the full multiples of a number of seconds.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

/// A change is in force some time between its request and its answer; it may be committed a little after the answer of a clock.
const COMMIT_TIME: TimeDelta = TimeDelta::seconds(3);

/// A time between two moments.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub after: DateTime<Utc>,
    pub before: DateTime<Utc>,
}

/// A time during which the task fired by one rule.
#[derive(Debug, Clone, Copy)]
struct Span {
    seconds: i64,
    from: Moment,
    until: Option<Moment>,
}

/// A task with its rule over time.
#[derive(Debug, Clone)]
pub struct TaskHistory {
    pub id: String,
    spans: Vec<Span>,
}

impl TaskHistory {
    pub fn new(id: &str) -> TaskHistory {
        TaskHistory { id: id.to_owned(), spans: Vec::new() }
    }

    /// The task fires every `seconds`; another rule before it ends.
    pub fn fires(&mut self, seconds: i64, from: Moment) {
        self.ends(from);
        self.spans.push(Span { seconds, from, until: None });
    }

    /// The task does not fire any more.
    pub fn ends(&mut self, at: Moment) {
        if let Some(span) = self.spans.last_mut().filter(|span| span.until.is_none()) {
            span.until = Some(at);
        }
    }

    /// The number of seconds between two occurrences now; `None`: it does not fire.
    pub fn seconds(&self) -> Option<i64> {
        self.spans.last().filter(|span| span.until.is_none()).map(|span| span.seconds)
    }

    /// The occurrences that must be on record, and those that may be, in milliseconds.
    pub fn occurrences(&self, until: DateTime<Utc>) -> (BTreeSet<i64>, BTreeSet<i64>) {
        let (mut required, mut allowed) = (BTreeSet::new(), BTreeSet::new());
        for span in &self.spans {
            let end = span.until.unwrap_or(Moment { after: until, before: until });
            let period = span.seconds * 1000;
            let mut at = span.from.after.timestamp_millis().div_euclid(period) * period;
            while at <= (end.before + COMMIT_TIME).timestamp_millis() {
                if at >= span.from.after.timestamp_millis() {
                    allowed.insert(at);
                }
                if at > span.from.before.timestamp_millis() && at < end.after.timestamp_millis() {
                    required.insert(at);
                }
                at += period;
            }
        }
        (required, allowed)
    }
}
