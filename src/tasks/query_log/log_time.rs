//! The time at the beginning of a log line, in the usual forms or in one of the task's own.

use chrono::offset::LocalResult;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

mod custom;
mod forms;
mod json;

pub(super) use custom::TimeFormat;

/// Times later than the reference by at most this are of the same year, for clocks that do not agree.
const FUTURE: TimeDelta = TimeDelta::days(1);
/// Lines may be out of order by this where a local time is ambiguous.
const DISORDER: TimeDelta = TimeDelta::minutes(5);

/// A time as a line gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    Instant(DateTime<Utc>),
    /// Without an offset.
    Local(NaiveDateTime),
    /// With the name of its zone.
    In(Tz, NaiveDateTime),
    /// Without a year; the date is of a leap year.
    NoYear(NaiveDate, NaiveTime),
}

/// Reads the times of the lines of a file, in order.
pub(super) struct TimeReader<'f> {
    zone: Tz,
    format: Option<&'f TimeFormat>,
    /// When the file was written at the latest, for lines without a year.
    reference: DateTime<Utc>,
    /// The form of the last time found, which the next line most likely has too.
    form: forms::Last,
    /// The time of the line before.
    previous: Option<DateTime<Utc>>,
}

impl<'f> TimeReader<'f> {
    /// A reader for times that are in `zone` unless they have an offset; `format` replaces the usual forms. A time without a year
    /// is in the latest year in which it is not after `reference`.
    pub fn new(zone: Tz, format: Option<&'f TimeFormat>, reference: DateTime<Utc>) -> Self {
        Self { zone, format, reference, form: forms::Last::default(), previous: None }
    }

    /// The time at the beginning of a line, if it has one.
    pub fn read(&mut self, line: &str) -> Option<DateTime<Utc>> {
        let stamp = match self.format {
            Some(format) => format.find(line),
            None => json::find(line).or_else(|| forms::find(line, &mut self.form)),
        };
        let at = self.instant(stamp?)?;
        self.previous = Some(at);
        Some(at)
    }

    fn instant(&self, stamp: Stamp) -> Option<DateTime<Utc>> {
        match stamp {
            Stamp::Instant(at) => Some(at),
            Stamp::Local(wall) => self.local_instant(self.zone, wall),
            Stamp::In(zone, wall) => self.local_instant(zone, wall),
            Stamp::NoYear(date, time) => {
                let latest = self.reference + FUTURE;
                // Only every fourth or eighth year has 29 February.
                let years = (0..=8).filter_map(|back| date.with_year(latest.with_timezone(&self.zone).year() - back));
                years.filter_map(|date| self.local_instant(self.zone, date.and_time(time))).find(|at| *at <= latest)
            }
        }
    }

    /// The instant of a local time. One that occurs twice is the first unless the line before is later; one that the clocks skip is
    /// read with the offset before.
    fn local_instant(&self, zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(at) => Some(at.to_utc()),
            LocalResult::Ambiguous(one, other) => {
                let (first, second) = (one.to_utc().min(other.to_utc()), one.to_utc().max(other.to_utc()));
                let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
                let is_second = |previous: DateTime<Utc>| {
                    previous > first && (previous > first + DISORDER || offset(previous) == offset(second))
                };
                Some(if self.previous.is_some_and(is_second) { second } else { first })
            }
            LocalResult::None => {
                let before = wall.checked_sub_signed(TimeDelta::days(1))?;
                let offset = zone.offset_from_utc_datetime(&before).fix().local_minus_utc();
                Some(wall.checked_sub_signed(TimeDelta::seconds(i64::from(offset)))?.and_utc())
            }
        }
    }
}

#[cfg(test)]
mod tests;
