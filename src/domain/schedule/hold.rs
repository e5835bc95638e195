//! Held occurrences: those within a closure run once, at its end.

use chrono::{DateTime, TimeDelta, Utc};

use super::closing::Note;
use super::source::{Candidate, Source};
use super::{MAX_STEPS, later};

/// The longest closure, in seconds.
const MAX_SECONDS: i64 = 400 * 86_400;

impl Source<'_> {
    /// The first occurrence at or after `after`. What falls into a closure without an end in reach stays closed.
    pub(super) fn next_held(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Candidate> {
        let own = self.next_selected(after, anchor).map(|at| self.place(at));
        let Some(held) = self.held_before(after, anchor) else { return own };
        Some(match own {
            Some(own) if own.at < held.at || own.at == held.at && own.note == Note::Regular => own,
            _ => held,
        })
    }

    /// Where the rule's time `at` takes place.
    fn place(&self, at: DateTime<Utc>) -> Candidate {
        match self.open_again(at) {
            None => self.judged(at, at),
            Some(open) => self.at_opening(open, at),
        }
    }

    /// What is held until an opening at or after `after`, of times before it.
    fn held_before(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<Candidate> {
        // At the very opening, the closure is just before.
        let inside = [after, after - TimeDelta::milliseconds(1)];
        let (closed, open) =
            inside.into_iter().find_map(|at| self.open_again(at).filter(|open| *open >= after).map(|open| (at, open)))?;
        let original = self.next_selected(self.closed_since(closed, open), anchor).filter(|at| *at < open)?;
        Some(self.at_opening(open, original))
    }

    /// The occurrence at an opening. A time of the rule at the opening itself is a regular one.
    fn at_opening(&self, open: DateTime<Utc>, original: DateTime<Utc>) -> Candidate {
        Candidate { original, note: Note::Held, ..self.judged(open, open) }
    }

    /// When all that is closed at a time has opened; `None`: it is open, or does not open within reach.
    fn open_again(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut open = self.closing(at)?.1?;
        for _ in 0..MAX_STEPS {
            match self.closing(open) {
                None => return ((open - at).num_seconds() <= MAX_SECONDS).then_some(open),
                Some((_, until)) => open = until?.max(later(open)?),
            }
        }
        None
    }

    /// The start of the closure that contains `at` and ends at `open`, to the millisecond.
    fn closed_since(&self, at: DateTime<Utc>, open: DateTime<Utc>) -> DateTime<Utc> {
        let is_inside = |at: i64| DateTime::from_timestamp_millis(at).is_some_and(|at| self.open_again(at) == Some(open));
        let (mut inside, mut step) = (at.timestamp_millis(), 1);
        while is_inside(inside - step) {
            inside -= step;
            step *= 2;
        }
        let mut outside = inside - step;
        while inside - outside > 1 {
            let middle = outside + (inside - outside) / 2;
            if is_inside(middle) { inside = middle } else { outside = middle }
        }
        DateTime::from_timestamp_millis(inside).unwrap_or(at)
    }
}
