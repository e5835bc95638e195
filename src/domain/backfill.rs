//! Backfills: occurrences of a span of time that are run on purpose, in order, a few at a time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::execution::Status;
use super::fault::Fault;
use super::input::Fields;
use super::occurrence::{Outcome, TaskOccurrence};
use super::overlap::{ActiveRuns, OnOverlap};
use super::policy::Policy;
use super::text_enum::text_enum;
use super::trigger::parse_timestamp;
use crate::i18n::{Message, message};

/// The most occurrences of one backfill.
pub const MAX_OCCURRENCES: usize = 10_000;
/// The most runs of a backfill at once.
pub const MAX_CONCURRENCY: i64 = 100;
/// The most characters of a time.
const MAX_TIME: usize = 64;

text_enum! {
    /// Which occurrences of the span are run.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum Selection {
        /// Those without a run: missed, skipped, paused, or from before the task existed.
        #[default]
        Missing = "missing",
        /// Those whose newest run failed, timed out, was interrupted or cancelled.
        Failed = "failed",
        /// All of them, also those that succeeded.
        All = "all",
    }
}

impl Selection {
    /// Whether an occurrence is run. One that is queued or running is left alone.
    #[must_use]
    pub fn includes(self, occurrence: &TaskOccurrence) -> bool {
        match (occurrence.outcome, self) {
            (Outcome::Planned | Outcome::Recorded(Status::Queued | Status::Running), _) => false,
            (_, Self::All) => true,
            (Outcome::Unrecorded | Outcome::Recorded(Status::Skipped | Status::Missed), _) => self == Self::Missing,
            (Outcome::Recorded(status), _) => self == Self::Failed && (status.is_failure() || status == Status::Cancelled),
        }
    }
}

/// What a backfill is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillRequest {
    /// The span as given, its end exclusive; times without an offset are read in the task's zone.
    pub from: String,
    pub to: String,
    pub selection: Selection,
    /// How many runs there are at once.
    pub concurrency: i64,
}

impl BackfillRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// Every fault, with pointers into `value`.
    pub fn parse(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let [from, to] = ["from", "to"].map(|name| {
            let is_missing = value.is_object() && value.get(name).is_none();
            if is_missing {
                f.fault(name, message!("value.required"));
            }
            f.text(name, MAX_TIME, "")
        });
        let known = Selection::ALL.map(|one| (one.as_str(), one));
        let selection = f.choice("only", &known, Selection::default());
        let concurrency = f.integer("concurrency", 1, MAX_CONCURRENCY, 1);
        f.finish(Self { from, to, selection, concurrency })
    }

    /// The span. `zone` is the task's; what lies after `now` is cut off.
    ///
    /// # Errors
    /// Times that cannot be read, or an end that is not after the start.
    pub fn span(&self, zone: Tz, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Vec<Fault>> {
        let read = |name: &str, text: &str| {
            parse_timestamp(text, zone).map_err(|message: Message| vec![Fault::new(format!("/{name}"), message.of(name))])
        };
        let (from, to) = (read("from", &self.from)?, read("to", &self.to)?);
        if from >= to {
            return Err(vec![Fault::new("/to", message!("backfill.to_not_after_from").of("to"))]);
        }
        Ok((from, to.min(now)))
    }
}

/// A backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// A ULID.
    pub id: String,
    pub task_id: String,
    /// Tells the task from one of the same id that was created later.
    pub task_key: String,
    /// The account that requested it.
    pub actor: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub selection: Selection,
    pub concurrency: i64,
    /// The number of chosen occurrences.
    pub planned: i64,
    pub cancelled: bool,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl Backfill {
    /// `running`, `finished` or `cancelled`.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match (self.cancelled, self.finished_at) {
            (true, _) => "cancelled",
            (false, Some(_)) => "finished",
            (false, None) => "running",
        }
    }
}

/// A backfill with what became of its occurrences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillProgress {
    pub backfill: Backfill,
    /// The number of occurrences that wait for their turn; cancelled ones if the backfill was cancelled.
    pub waiting: i64,
    /// The runs that are still on record, by status.
    pub runs: BTreeMap<&'static str, i64>,
}

/// How many further runs of a backfill may start: at most `concurrency` at once, and never one that the task's own limit would
/// refuse, put off or let replace another.
#[must_use]
pub fn free_slots(policy: &Policy, concurrency: i64, unfinished: i64, active: ActiveRuns) -> i64 {
    let own = concurrency - unfinished;
    let of_task = match policy.on_overlap {
        OnOverlap::Allow => own,
        _ => i64::from(policy.max_instances) - active.total(),
    };
    own.min(of_task).max(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn occurrence(outcome: Outcome) -> TaskOccurrence {
        TaskOccurrence { outcome, ..TaskOccurrence::planned(DateTime::UNIX_EPOCH) }
    }

    #[test]
    fn selection_leaves_alone_what_is_going_on() {
        let chosen = |outcome| Selection::ALL.map(|one| one.includes(&occurrence(outcome)));
        assert_eq!(chosen(Outcome::Planned), [false; 3]);
        assert_eq!(chosen(Outcome::Recorded(Status::Running)), [false; 3]);
        assert_eq!(chosen(Outcome::Unrecorded), [true, false, true]);
        assert_eq!(chosen(Outcome::Recorded(Status::Missed)), [true, false, true]);
        assert_eq!(chosen(Outcome::Recorded(Status::TimedOut)), [false, true, true]);
        assert_eq!(chosen(Outcome::Recorded(Status::Cancelled)), [false, true, true]);
        assert_eq!(chosen(Outcome::Recorded(Status::Succeeded)), [false, false, true]);
    }

    #[test]
    fn free_slots_are_within_both_limits() {
        let active = |started| ActiveRuns { started, waiting: 0 };
        let policy = Policy { max_instances: 3, ..Policy::default() };
        assert_eq!(free_slots(&policy, 2, 1, active(1)), 1);
        assert_eq!(free_slots(&policy, 5, 1, active(2)), 1, "a scheduled run has a slot");
        assert_eq!(free_slots(&policy, 5, 0, active(3)), 0);
        let allow = Policy { on_overlap: OnOverlap::Allow, ..policy };
        assert_eq!(free_slots(&allow, 5, 1, active(30)), 4);
    }

    #[test]
    fn request_names_its_faults() {
        let pointers = |value: Value| match BackfillRequest::parse(&value) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>(),
        };
        assert_eq!(pointers(json!({"from": "2026-11-01", "to": "2026-11-02"})), [""; 0]);
        assert_eq!(pointers(json!({})), ["/from", "/to"]);
        let all = json!({"from": 1, "to": null, "only": "none", "concurrency": 0, "x": 1});
        assert_eq!(pointers(all), ["/from", "/to", "/only", "/concurrency", "/x"]);
        let request = BackfillRequest::parse(&json!({"from": "2026-11-02", "to": "2026-11-02"})).unwrap();
        assert_eq!(request.span(Tz::UTC, DateTime::UNIX_EPOCH).unwrap_err()[0].pointer, "/to");
    }
}
