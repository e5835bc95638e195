//! The pending jobs of a queue: those that are due, in the order in which they were handed over, and those that were handed over before
//! their time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::PendingJob;

/// How long a job that is due waits for a slot before it waits in the database again, by its priority and for all nodes.
pub(super) const SLOT_WAIT: Duration = Duration::from_millis(100);
/// A job waits at most this long for its time; a longer wait is one of a clock that was set back.
const MOST_AHEAD: TimeDelta = TimeDelta::seconds(1);

/// When the jobs of a queue have to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextLook {
    pub after: Duration,
    /// How many jobs wait for their time.
    pub ahead: usize,
}

#[derive(Debug, Default)]
pub(super) struct PendingJobs {
    /// Handed over since the last look.
    new: Vec<PendingJob>,
    /// With the time since when each waits for a slot.
    due: VecDeque<(Instant, PendingJob)>,
    /// The earliest first.
    ahead: BinaryHeap<Reverse<AheadJob>>,
}

#[derive(Debug)]
struct AheadJob(PendingJob);

impl PendingJobs {
    pub fn extend(&mut self, jobs: impl IntoIterator<Item = PendingJob>) {
        self.new.extend(jobs);
    }

    /// Finds what is due at `now`. Returns whether anything is.
    pub fn advance(&mut self, now: DateTime<Utc>) -> bool {
        let is_due =
            |job: &PendingJob| !(TimeDelta::zero() < job.job.scheduled_at - now && job.job.scheduled_at - now <= MOST_AHEAD);
        let since = Instant::now();
        for job in self.new.drain(..) {
            match is_due(&job) {
                true => self.due.push_back((since, job)),
                false => self.ahead.push(Reverse(AheadJob(job))),
            }
        }
        while self.ahead.peek().is_some_and(|Reverse(first)| is_due(&first.0)) {
            self.due.extend(self.ahead.pop().map(|Reverse(first)| (since, first.0)));
        }
        !self.due.is_empty()
    }

    /// Takes the first job that is due.
    pub fn pop(&mut self) -> Option<PendingJob> {
        self.due.pop_front().map(|(_, job)| job)
    }

    /// Takes out the jobs that waited for a slot in vain. Returns whether there are any.
    pub fn drop_expired(&mut self) -> bool {
        let before = self.due.len();
        while self.due.front().is_some_and(|(since, _)| since.elapsed() >= SLOT_WAIT) {
            self.due.pop_front();
        }
        self.due.len() < before
    }

    /// When [`PendingJobs::advance`] or [`PendingJobs::drop_expired`] has to be called next; `None`: not before a slot is free or a job
    /// is handed over.
    pub fn next_look(&self, now: DateTime<Utc>) -> Option<NextLook> {
        let expires = self.due.front().map(|(since, _)| SLOT_WAIT.saturating_sub(since.elapsed()));
        let begins = self.ahead.peek().map(|Reverse(first)| (first.0.job.scheduled_at - now).to_std().unwrap_or_default());
        let after = expires.into_iter().chain(begins).min()?;
        Some(NextLook { after, ahead: self.ahead.len() })
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl AheadJob {
    fn key(&self) -> (DateTime<Utc>, &str) {
        (self.0.job.scheduled_at, &self.0.job.execution_id)
    }
}

impl PartialEq for AheadJob {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for AheadJob {}

impl PartialOrd for AheadJob {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AheadJob {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
