//! The account of overlaps: whether as many runs of a task were unfinished as the reason of a skipped occurrence says.

use chrono::{DateTime, TimeDelta, Utc};

use super::{COMMIT_TIME, LogRow, TaskHistory};
use crate::i18n::{Message, message};

/// The code of the reason of an occurrence that was skipped at the limit of concurrent runs.
pub const OVERLAP: &str = "firing.overlap";
/// How long after its end a run may have counted as unfinished: another process is still recording it, or could not.
const RECORDING: TimeDelta = TimeDelta::seconds(30);

/// What is known of the runs of a task besides its occurrences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// The limits of concurrent runs, each with the time from which it was in force, oldest first.
    pub limits: Vec<(DateTime<Utc>, i64)>,
    /// The runs of every cause.
    pub runs: Vec<RunInterval>,
    /// The times that a clock showed twice because it was set back, from the first to the last.
    pub repeated: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// From when until when a run was unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunInterval {
    pub queued_at: DateTime<Utc>,
    /// `None`: it still is.
    pub finished_at: Option<DateTime<Utc>>,
}

impl RunInterval {
    /// Whether it was unfinished at a time; `late`: that long after its end as well.
    fn was_active(&self, at: DateTime<Utc>, late: TimeDelta) -> bool {
        self.queued_at <= at && self.finished_at.is_none_or(|ended| at <= ended + late)
    }
}

/// Whether a reason is true.
pub(super) enum Account {
    True,
    Untrue(Message),
    Undetermined(Message),
}

/// Computes anew whether as many runs were unfinished as the reason of a row requires.
pub(super) fn account(history: &TaskHistory, row: &LogRow) -> Account {
    let Some(limit) = row.limit else { return Account::True };
    let (overlaps, at) = (&history.overlaps, row.queued_at);
    let in_force = overlaps.limit_at(at);
    if in_force.as_ref().is_some_and(|limits| !limits.contains(&limit)) {
        return Account::Untrue(message!("verify.other_limit", limit));
    }
    let active = |late: TimeDelta| overlaps.runs.iter().filter(|run| run.was_active(at, late)).count() as i64;
    let certain = active(TimeDelta::zero());
    if in_force.is_some() && certain >= limit {
        return Account::True;
    }
    // Of what may have been deleted, or lies in a time that passed twice, nothing certain can be said.
    let is_kept = history.kept_from.is_none_or(|kept_from| kept_from + RECORDING <= at);
    let is_repeated = overlaps.repeated.iter().any(|(from, to)| *from - RECORDING <= at && at <= *to + RECORDING);
    if in_force.is_some() && is_kept && !is_repeated && active(RECORDING) < limit {
        return Account::Untrue(message!("verify.no_overlap", limit, active = certain));
    }
    Account::Undetermined(message!("verify.overlap_unknown", limit, active = certain))
}

impl Overlaps {
    /// The limits that may have been in force at a time; `None`: none is known.
    fn limit_at(&self, at: DateTime<Utc>) -> Option<Vec<i64>> {
        let last = self.limits.iter().rposition(|(from, _)| *from <= at)?;
        let (from, limit) = self.limits[last];
        let before = self.limits[..last].last().filter(|_| at <= from + COMMIT_TIME);
        Some(before.map(|(_, limit)| *limit).into_iter().chain([limit]).collect())
    }
}
