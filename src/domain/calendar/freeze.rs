//! Freezes: spans of time in which nothing starts by its schedule, of all tasks or of those with a tag.

use chrono::{DateTime, Utc};

/// The maximum length of a reason, in characters.
pub const MAX_REASON: usize = 500;

/// A freeze, from `from` inclusive to `until` exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// A ULID.
    pub id: String,
    /// The tag whose tasks are frozen; `None`: all tasks.
    pub tag: Option<String>,
    pub from: DateTime<Utc>,
    /// Its end: as planned, or when it was ended early.
    pub until: DateTime<Utc>,
    pub reason: String,
    /// The account that made it.
    pub created_by: String,
    pub created_at: DateTime<Utc>,
}

impl Freeze {
    fn holds(&self, tags: &[String], at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until && self.tag.as_ref().is_none_or(|tag| tags.contains(tag))
    }
}

/// The freezes that a decision must know: those not over, and for an account of the past those that were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreezeSet(Vec<Freeze>);

impl FreezeSet {
    pub fn new(freezes: Vec<Freeze>) -> Self {
        Self(freezes)
    }

    /// The freeze that covers an instant for a task with these tags: of several the one that ends last.
    pub fn closed_at(&self, tags: &[String], at: DateTime<Utc>) -> Option<&Freeze> {
        self.0.iter().filter(|freeze| freeze.holds(tags, at)).max_by_key(|freeze| freeze.until)
    }

    /// When no freeze covers a task with these tags any more, from `at` on.
    pub fn open_again(&self, tags: &[String], at: DateTime<Utc>) -> DateTime<Utc> {
        let mut open = at;
        while let Some(freeze) = self.closed_at(tags, open) {
            open = freeze.until;
        }
        open
    }

    pub fn iter(&self) -> impl Iterator<Item = &Freeze> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn freeze(tag: Option<&str>, from: i64, until: i64) -> Freeze {
        let tag = tag.map(str::to_owned);
        let texts = (String::new(), String::new(), String::new());
        Freeze { id: texts.0, tag, from: at(from), until: at(until), reason: texts.1, created_by: texts.2, created_at: at(0) }
    }

    #[test]
    fn a_freeze_covers_its_span_and_its_tag() {
        let set = FreezeSet::new(vec![freeze(Some("red"), 10, 20), freeze(None, 20, 30)]);
        let red = ["red".to_owned()];
        let closed = |tags: &[String], second| set.closed_at(tags, at(second)).map(|freeze| freeze.until.timestamp());
        assert_eq!((closed(&red, 9), closed(&red, 10), closed(&red, 20), closed(&red, 30)), (None, Some(20), Some(30), None));
        assert_eq!((closed(&[], 10), closed(&[], 29)), (None, Some(30)));
        assert_eq!((set.open_again(&red, at(12)), set.open_again(&[], at(12))), (at(30), at(12)));
    }
}
