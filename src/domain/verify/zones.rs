//! The server's time zone over time: triggers that name none were read in the one that was in force.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The zones of the server, each with the time from which it was in force, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneHistory(Vec<(DateTime<Utc>, Tz)>);

impl From<Tz> for ZoneHistory {
    /// One zone at all times.
    fn from(zone: Tz) -> Self {
        Self(vec![(DateTime::UNIX_EPOCH, zone)])
    }
}

impl ZoneHistory {
    /// `changes`: the zones before and after each change, oldest first. `current`: the zone if it never changed.
    pub fn new(changes: &[(DateTime<Utc>, Tz, Tz)], current: Tz) -> ZoneHistory {
        let first = changes.first().map_or(current, |(_, before, _)| *before);
        let later = changes.iter().map(|(at, _, after)| (*at, *after));
        ZoneHistory(std::iter::once((DateTime::UNIX_EPOCH, first)).chain(later).collect())
    }

    /// The zones from `from` on: the one in force then, and each later one with its beginning before `until`.
    pub fn between(&self, from: DateTime<Utc>, until: Option<DateTime<Utc>>) -> impl Iterator<Item = (DateTime<Utc>, Tz)> {
        let first = self.0.iter().rposition(|(at, _)| *at <= from).unwrap_or_default();
        let later = self.0[first..].iter().take_while(move |(at, _)| *at <= from || until.is_none_or(|until| *at < until));
        later.map(move |(at, zone)| ((*at).max(from), *zone))
    }
}
