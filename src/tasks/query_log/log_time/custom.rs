//! A time format of the task's own, in the codes of `strftime`.

use chrono::format::{Item, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{DateTime, NaiveDate, TimeDelta};

use super::Stamp;

/// The time may begin at the start of a line or after one of the separators within this many bytes.
const WITHIN: usize = 64;
const SEPARATORS: [char; 12] = [' ', '\t', '[', '(', '{', '<', '"', '\'', '|', '=', ',', ';'];

/// A parsed format.
#[derive(Debug)]
pub(in crate::tasks::query_log) struct TimeFormat(Vec<Item<'static>>);

impl TimeFormat {
    /// Parses a format. `None` if it has an unknown code, or lacks a day of the year or a time of day.
    pub fn parse(format: &str) -> Option<Self> {
        let format = Self(StrftimeItems::new(format).parse_to_owned().ok()?);
        let sample = DateTime::from_timestamp(1_795_248_551, 0)?;
        let mut text = String::new();
        std::fmt::write(&mut text, format_args!("{}", sample.format_with_items(format.0.iter()))).ok()?;
        format.read(&text).is_some().then_some(format)
    }

    /// The time near the beginning of a line.
    pub(super) fn find(&self, line: &str) -> Option<Stamp> {
        let head = &line[..line.floor_char_boundary(WITHIN)];
        let after = head.char_indices().filter(|(_, c)| SEPARATORS.contains(c)).map(|(place, _)| place + 1);
        std::iter::once(0).chain(after).find_map(|place| self.read(&line[place..]))
    }

    fn read(&self, text: &str) -> Option<Stamp> {
        let mut parsed = Parsed::new();
        parse_and_remainder(&mut parsed, text, self.0.iter()).ok()?;
        if let Some(seconds) = parsed.timestamp() {
            return DateTime::from_timestamp(seconds, parsed.nanosecond().unwrap_or(0)).map(Stamp::Instant);
        }
        let time = parsed.to_naive_time().ok()?;
        let Ok(date) = parsed.to_naive_date() else { return Some(Stamp::NoYear(without_year(&parsed)?, time)) };
        let wall = date.and_time(time);
        match parsed.offset() {
            Some(offset) => Some(Stamp::Instant(wall.checked_sub_signed(TimeDelta::seconds(i64::from(offset)))?.and_utc())),
            None => Some(Stamp::Local(wall)),
        }
    }
}

/// The date in a leap year, of a time without a year.
fn without_year(parsed: &Parsed) -> Option<NaiveDate> {
    let has_year = parsed.year().is_some() || parsed.year_mod_100().is_some();
    NaiveDate::from_ymd_opt(2000, parsed.month()?, parsed.day()?).filter(|_| !has_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_needs_a_date_and_a_time() {
        for format in
            ["%d.%m.%Y %H:%M:%S", "%Y%j %H%M", "%b %d %I:%M:%S %p", "%s", "%m-%d %T%.3f", "%a %d %b %H:%M:%S", "%FT%T%:z"]
        {
            assert!(TimeFormat::parse(format).is_some(), "{format}");
        }
        for format in ["", "now", "%Y-%m-%d", "%H:%M:%S", "%Q", "%Y %H:%M", "%d.%m.%Y %H"] {
            assert!(TimeFormat::parse(format).is_none(), "{format}");
        }
    }
}
