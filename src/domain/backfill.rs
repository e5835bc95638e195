//! Backfills: occurrences of a span of time that are run on purpose, in order, a few at a time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
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
/// The most occurrences that are chosen one by one.
pub const MAX_TIMES: usize = 1000;
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
        /// Those chosen one by one, whatever became of them.
        Chosen = "chosen",
    }
}

impl Selection {
    /// Whether an occurrence is run. One that is queued or running is left alone.
    #[must_use]
    pub fn includes(self, occurrence: &TaskOccurrence) -> bool {
        match (occurrence.outcome, self) {
            (Outcome::Planned | Outcome::Recorded(Status::Queued | Status::Running), _) => false,
            (_, Self::All | Self::Chosen) => true,
            (Outcome::Unrecorded | Outcome::Recorded(Status::Skipped | Status::Missed), _) => self == Self::Missing,
            (Outcome::Recorded(status), _) => self == Self::Failed && (status.is_failure() || status == Status::Cancelled),
        }
    }
}

/// What a backfill is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillRequest {
    /// The span as given, its end exclusive; times without an offset are read in the task's zone. Both may be empty with `times`.
    pub from: String,
    pub to: String,
    /// The scheduled times that are chosen one by one, as given.
    pub times: Vec<String>,
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
        let times = value.get("times").is_some().then(|| f.texts("times"));
        if let Some(message) = times.as_ref().and_then(|times| times_fault(times)) {
            f.fault("times", message);
        }
        let [from, to] = ["from", "to"].map(|name| {
            let is_missing = value.is_object() && value.get(name).is_none() && times.is_none();
            if is_missing {
                f.fault(name, message!("value.required"));
            }
            f.text(name, MAX_TIME, "")
        });
        let known = [Selection::Missing, Selection::Failed, Selection::All].map(|one| (one.as_str(), one));
        let has_choice = value.get("only").is_some_and(|only| !only.is_null());
        let mut selection = f.choice("only", &known, Selection::default());
        if times.is_some() {
            selection = Selection::Chosen;
            if has_choice {
                f.fault("only", message!("backfill.only_with_times"));
            }
        }
        let concurrency = f.integer("concurrency", 1, MAX_CONCURRENCY, 1);
        f.finish(Self { from, to, times: times.unwrap_or_default(), selection, concurrency })
    }

    /// The times that are chosen one by one, each with its place in the request. `zone` is the task's.
    ///
    /// # Errors
    /// Times that cannot be read.
    pub fn chosen_times(&self, zone: Tz) -> Result<Vec<DateTime<Utc>>, Vec<Fault>> {
        let read = |(place, text): (usize, &String)| {
            parse_timestamp(text, zone).map_err(|message| vec![Fault::new(format!("/times/{place}"), message.of("times"))])
        };
        self.times.iter().enumerate().map(read).collect()
    }

    /// The span; without one, that of the chosen times. `zone` is the task's; what lies after `now` is cut off.
    ///
    /// # Errors
    /// Times that cannot be read, or an end that is not after the start.
    pub fn span(&self, zone: Tz, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Vec<Fault>> {
        let read = |name: &str, text: &str| {
            parse_timestamp(text, zone).map_err(|message: Message| vec![Fault::new(format!("/{name}"), message.of(name))])
        };
        let times = self.chosen_times(zone)?;
        let (first, last) = (times.iter().min(), times.iter().max().map(|last| *last + TimeDelta::milliseconds(1)));
        let or_chosen = |name: &str, text: &str, chosen: Option<DateTime<Utc>>| match chosen {
            Some(chosen) if text.is_empty() => Ok(chosen),
            _ => read(name, text),
        };
        let (from, to) = (or_chosen("from", &self.from, first.copied())?, or_chosen("to", &self.to, last)?);
        if from >= to {
            return Err(vec![Fault::new("/to", message!("backfill.to_not_after_from").of("to"))]);
        }
        Ok((from, to.min(now)))
    }
}

/// What is wrong with a list of times.
fn times_fault(times: &[String]) -> Option<Message> {
    if times.is_empty() {
        return Some(message!("backfill.no_times"));
    }
    if times.len() > MAX_TIMES {
        return Some(message!("value.too_many", count = times.len(), max = MAX_TIMES));
    }
    times.iter().any(|text| text.chars().count() > MAX_TIME).then(|| message!("value.too_long", max = MAX_TIME))
}

/// The chosen ones among the occurrences of a span, oldest first.
///
/// # Errors
/// The chosen times, by their place in the request, that are no occurrences or are going on.
pub fn choose(
    occurrences: &[TaskOccurrence],
    selection: Selection,
    times: &[DateTime<Utc>],
) -> Result<Vec<DateTime<Utc>>, Vec<Fault>> {
    let included = occurrences.iter().filter(|one| selection.includes(one)).map(|one| one.scheduled_at);
    if selection != Selection::Chosen {
        return Ok(included.collect());
    }
    let (included, all): (BTreeSet<_>, BTreeSet<_>) =
        (included.collect(), occurrences.iter().map(|one| one.scheduled_at).collect());
    let refused = times.iter().enumerate().filter(|(_, at)| !included.contains(at)).map(|(place, at)| {
        let at_text = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let message = if all.contains(at) {
            message!("backfill.going_on", at = at_text)
        } else {
            message!("backfill.no_occurrence", at = at_text)
        };
        Fault::new(format!("/times/{place}"), message.of("times"))
    });
    let refused: Vec<Fault> = refused.collect();
    if refused.is_empty() { Ok(times.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()) } else { Err(refused) }
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
        let chosen =
            |outcome| [Selection::Missing, Selection::Failed, Selection::All].map(|one| one.includes(&occurrence(outcome)));
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
        assert_eq!(pointers(json!({"times": ["2026-11-01 08:00"]})), [""; 0]);
        assert_eq!(pointers(json!({"times": []})), ["/times"]);
        assert_eq!(pointers(json!({"times": [1], "only": "all"})), ["/times/0", "/times", "/only"]);
        assert_eq!(pointers(json!({"times": vec!["2026-11-01"; MAX_TIMES + 1]})), ["/times"]);
        let request = BackfillRequest::parse(&json!({"from": "2026-11-02", "to": "2026-11-02"})).unwrap();
        assert_eq!(request.span(Tz::UTC, DateTime::UNIX_EPOCH).unwrap_err()[0].pointer, "/to");
    }

    #[test]
    fn chosen_times_must_be_occurrences_that_are_not_going_on() {
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap();
        let outcomes = [Outcome::Recorded(Status::Succeeded), Outcome::Recorded(Status::Running), Outcome::Unrecorded];
        let all =
            (0..).zip(outcomes).map(|(place, outcome)| TaskOccurrence { outcome, ..TaskOccurrence::planned(at(place * 60)) });
        let all: Vec<TaskOccurrence> = all.collect();
        assert_eq!(choose(&all, Selection::Chosen, &[at(120), at(0), at(120)]), Ok(vec![at(0), at(120)]));
        let refused = choose(&all, Selection::Chosen, &[at(0), at(60), at(61)]).unwrap_err();
        let codes: Vec<_> = refused.iter().map(|fault| (fault.pointer.as_str(), fault.message.to_string())).collect();
        assert_eq!((codes[0].0, codes[1].0, codes.len()), ("/times/1", "/times/2", 2));
        assert!(codes[0].1.contains("queued or running") && codes[1].1.contains("no occurrence"), "{codes:?}");
        assert_eq!(choose(&all, Selection::Missing, &[]), Ok(vec![at(120)]));
        let request = BackfillRequest::parse(&json!({"times": ["1970-01-01 00:02", "1970-01-01 00:01"]})).unwrap();
        assert_eq!(request.span(Tz::UTC, at(1000)), Ok((at(60), at(120) + TimeDelta::milliseconds(1))));
    }
}
