//! The outcomes of a range: counts by status and slot, for the histogram and the tabs of the executions.

use chrono::{DateTime, Duration, Utc};

use super::timeline::{Slot, slots};
use crate::domain::execution::Status;
use crate::domain::page::ExecutionFilter;
use crate::domain::stats::Outcome;
use crate::domain::tag_scope::TagScope;
pub use crate::storage::execution_list::{OUTCOME_LIMIT, OUTCOME_SEARCH_LIMIT, OutcomeLimit};
use crate::storage::{Reader, Result, execution_list, stats, tag_scope_stats};

/// The lengths of a slot to choose from, in minutes.
const STEPS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 4320, 10_080];
/// The most slots, but for one that begins before the range.
const MAX_SLOTS: i64 = 84;
/// Active executions are counted up to this number.
const ACTIVE_LIMIT: i64 = 10_000;

/// A range in slots: from the slot that contains its start to the one that contains its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotRange {
    /// Number of the first slot since 1970.
    first: i64,
    count: i64,
    step_minutes: i64,
}

impl SlotRange {
    /// The range in at most 85 slots of whole minutes; `None` if it is empty or longer than about 19 months.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<SlotRange> {
        let span = (to - from).num_minutes();
        let step_minutes = STEPS.into_iter().find(|step| span <= step * MAX_SLOTS).filter(|_| from < to)?;
        let slot = |at: DateTime<Utc>| at.timestamp().div_euclid(step_minutes * 60);
        let first = slot(from);
        Some(SlotRange { first, count: slot(to - Duration::milliseconds(1)) - first + 1, step_minutes })
    }

    pub fn step(self) -> Duration {
        Duration::minutes(self.step_minutes)
    }

    fn slots(self, outcomes: &[Outcome]) -> Vec<Slot> {
        slots(self.begin(0), self.step(), usize::try_from(self.count).unwrap_or_default(), outcomes)
    }

    fn begin(self, place: i64) -> DateTime<Utc> {
        DateTime::from_timestamp((self.first + place) * self.step_minutes * 60, 0).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeHistory {
    pub slots: Vec<Slot>,
    /// Queued and running executions, now.
    pub active: Vec<(Status, i64)>,
    /// Why only the newest executions are counted; `None`: all are.
    pub limit: Option<OutcomeLimit>,
}

impl OutcomeHistory {
    /// The number of executions with a status: of queued and running ones now, of ended ones those that began in the range.
    /// `None` for those that never begin.
    pub fn count(&self, status: Status) -> Option<i64> {
        let of =
            |counts: &[(Status, i64)]| counts.iter().filter(|(found, _)| *found == status).map(|(_, runs)| runs).sum::<i64>();
        match status {
            Status::Skipped | Status::Missed => None,
            Status::Queued | Status::Running => Some(of(&self.active)),
            _ => Some(self.slots.iter().map(|slot| of(&slot.outcomes)).sum()),
        }
    }
}

/// The outcomes of the tasks in scope.
pub async fn load(reader: &mut Reader, scope: &TagScope, range: SlotRange) -> Result<OutcomeHistory> {
    let (from, to) = (range.begin(0), range.begin(range.count));
    let outcomes = tag_scope_stats::outcomes(reader, scope, from, to, range.step().num_milliseconds()).await?;
    let active = stats::active_up_to(reader, scope, ACTIVE_LIMIT).await?;
    Ok(OutcomeHistory { slots: range.slots(&outcomes), active, limit: None })
}

/// The outcomes of the newest executions that match a filter without statuses and times.
pub async fn load_matching(reader: &mut Reader, filter: &ExecutionFilter, range: SlotRange) -> Result<OutcomeHistory> {
    let period = (range.begin(0), range.begin(range.count));
    let found = execution_list::outcomes(reader, filter, period, range.step().num_milliseconds()).await?;
    Ok(OutcomeHistory { slots: range.slots(&found.outcomes), active: found.active, limit: found.limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_have_few_slots_of_whole_minutes() {
        let to = at("2026-11-21T08:20:30Z");
        for (hours, minutes, count) in [(1, 1, 61), (24, 30, 49), (168, 120, 85), (720, 720, 61)] {
            let range = SlotRange::new(to - Duration::hours(hours), to).unwrap();
            assert_eq!((range.step_minutes, range.count), (minutes, count), "{hours} h");
            assert!(range.begin(0) <= to - Duration::hours(hours) && range.begin(range.count) >= to);
        }
        assert_eq!(SlotRange::new(to, to), None);
        assert_eq!(SlotRange::new(to - Duration::days(800), to), None);
    }

    #[test]
    fn executions_that_never_begin_are_not_counted() {
        let slot = |runs| Slot {
            from: at("2026-11-21T08:00:00Z"),
            to: at("2026-11-21T09:00:00Z"),
            outcomes: vec![(Status::Failed, runs)],
        };
        let history = OutcomeHistory { slots: vec![slot(2), slot(3)], active: vec![(Status::Running, 4)], limit: None };
        let counts = [Status::Failed, Status::Running, Status::Queued, Status::Missed].map(|status| history.count(status));
        assert_eq!(counts, [Some(5), Some(4), Some(0), None]);
    }
}
