//! Windows: times of the week, or one span of time, in which a calendar is closed.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use regex::{Captures, Regex};

use crate::domain::input::truncate;
use crate::domain::trigger::{LocalTime, offset_at, resolve};
use crate::i18n::{Message, message};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// 1970-01-01 was a Thursday: this many seconds after the start of its week.
const EPOCH_IN_WEEK: i64 = 3 * DAY;

/// A window; times are local.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// Spans of seconds since Monday 00:00, begin inclusive, end exclusive; one that ends before it begins wraps around.
    Weekly(Vec<(i64, i64)>),
    /// A span of local seconds since 1970, begin inclusive, end exclusive.
    Once(i64, i64),
}

static ONCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\d{4}-\d{2}-\d{2})[ T](\d{1,2}:\d{2})\s*-\s*(\d{4}-\d{2}-\d{2})[ T](\d{1,2}:\d{2})$").ok());
static WEEKLY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let day = r"([A-Za-z]{3,9}|[周星期]{1,2}[一二三四五六日天])";
    Regex::new(&format!(r"^(?:{day}(?:\s*-\s*{day})?\s*)?(\d{{1,2}}:\d{{2}})\s*-\s*(?:{day}\s*)?(\d{{1,2}}:\d{{2}})$")).ok()
});

impl Window {
    /// Parses `Sat 22:00-Sun 02:00`, `Mon-Fri 12:00-13:00`, `22:00-02:00` (every day) or
    /// `2026-12-30 22:00 - 2027-01-02 08:00`.
    ///
    /// # Errors
    /// A message with the text and the forms that are allowed.
    pub fn parse(text: &str) -> Result<Window, Message> {
        let plain = text.trim().replace(['–', '—', '~', '～', '至'], "-");
        let once = || ONCE.as_ref()?.captures(&plain).and_then(|found| once(&found));
        let weekly = || WEEKLY.as_ref()?.captures(&plain).and_then(|found| weekly(&found));
        once().or_else(weekly).ok_or_else(|| message!("calendar.invalid_window", text = truncate(text, 60)))
    }

    /// When the window that is closed at `at` opens again; `None`: it is not closed then.
    pub(super) fn open_again(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let instant = at.timestamp();
        let wall = instant.checked_add(offset_at(zone, instant))?;
        let end = match self {
            Window::Once(from, until) => (*from..*until).contains(&wall).then_some(*until)?,
            Window::Weekly(spans) => {
                let second = (wall + EPOCH_IN_WEEK).rem_euclid(WEEK);
                let left = |(from, until): &(i64, i64)| {
                    let inside =
                        if from < until { (*from..*until).contains(&second) } else { second >= *from || second < *until };
                    inside.then(|| (until - second).rem_euclid(WEEK))
                };
                wall.checked_add(spans.iter().filter_map(left).max()?)?
            }
        };
        instant_after(at, end, zone)
    }
}

/// The instant of a local time, which lies after `at`: of a local time that passes twice, that may be the second pass.
pub(super) fn instant_after(at: DateTime<Utc>, wall: i64, zone: Tz) -> Option<DateTime<Utc>> {
    let instant = at.timestamp();
    let after = match resolve(zone, wall) {
        LocalTime::Ambiguous(first, second) if first <= instant => second,
        resolved => resolved.first(),
    };
    DateTime::from_timestamp(after.max(instant.saturating_add(1)), 0)
}

fn once(found: &Captures<'_>) -> Option<Window> {
    let wall = |date: &str, time: &str| {
        let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
        Some(date.and_time(NaiveTime::MIN).and_utc().timestamp() + seconds_of_day(time)?)
    };
    let (from, until) = (wall(&found[1], &found[2])?, wall(&found[3], &found[4])?);
    (from < until).then_some(Window::Once(from, until))
}

fn weekly(found: &Captures<'_>) -> Option<Window> {
    let day = |place: usize| found.get(place).map(|text| weekday(text.as_str()).ok_or(()));
    let time = |place: usize| found.get(place).and_then(|text| seconds_of_day(text.as_str()));
    let (from, until) = (time(3)?, time(5)?);
    if from == until && found.get(4).is_none() {
        return None; // no time, or all of it
    }
    let (first, last, end) = (day(1).transpose().ok()?, day(2).transpose().ok()?, day(4).transpose().ok()?);
    let span = |begin: i64, end: i64| (begin.rem_euclid(WEEK), end.rem_euclid(WEEK));
    let of_day = |day: i64| span(day * DAY + from, day * DAY + until + if until <= from { DAY } else { 0 });
    let spans = match (first, last, end) {
        (None, None, None) => (0..7).map(of_day).collect(),
        (Some(day), None, None) => vec![of_day(day)],
        (Some(first), Some(last), None) => (0..=(last - first).rem_euclid(7)).map(|step| of_day((first + step) % 7)).collect(),
        (Some(first), None, Some(end)) => vec![span(first * DAY + from, end * DAY + until)],
        _ => return None,
    };
    // The same of a span of several days.
    spans.iter().all(|(from, until)| from != until).then_some(Window::Weekly(spans))
}

/// Days since Monday.
fn weekday(text: &str) -> Option<i64> {
    const CHINESE: [char; 8] = ['一', '二', '三', '四', '五', '六', '日', '天'];
    let chinese = text.chars().last().and_then(|last| CHINESE.iter().position(|day| *day == last));
    let days = chinese.map(|place| place.min(6) as i64);
    days.or_else(|| text.parse::<Weekday>().ok().map(|day| i64::from(day.num_days_from_monday())))
}

/// Seconds since midnight; `24:00` is the end of the day.
fn seconds_of_day(text: &str) -> Option<i64> {
    if text == "24:00" {
        return Some(DAY);
    }
    NaiveTime::parse_from_str(text, "%H:%M").ok().map(|time| i64::from(time.num_seconds_from_midnight()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_again(window: &str, at: &str, zone: Tz) -> Option<String> {
        let again = Window::parse(window).unwrap().open_again(at.parse().unwrap(), zone);
        again.map(|at| at.with_timezone(&zone).format("%F %H:%M").to_string())
    }

    #[test]
    fn windows_are_closed_from_begin_to_end() {
        let zone = chrono_tz::Asia::Shanghai;
        let closed = |window, at: &str| open_again(window, &format!("{at}+08:00"), zone);
        for window in ["Sat 22:00-Sun 02:00", "saturday 22:00 – Sunday 02:00", "周六 22:00 至 周日 02:00", "Sat 22:00-02:00"]
        {
            assert_eq!(closed(window, "2026-11-28T21:59:59"), None, "{window}");
            assert_eq!(closed(window, "2026-11-28T22:00:00").as_deref(), Some("2026-11-29 02:00"), "{window}");
            assert_eq!(closed(window, "2026-11-29T01:59:59").as_deref(), Some("2026-11-29 02:00"), "{window}");
            assert_eq!(closed(window, "2026-11-29T02:00:00"), None, "{window}");
        }
        assert_eq!(closed("Sun 22:00-Mon 02:00", "2026-11-30T00:30:00").as_deref(), Some("2026-11-30 02:00"));
        assert_eq!(closed("Mon-Fri 12:00-13:00", "2026-11-30T12:30:00").as_deref(), Some("2026-11-30 13:00"));
        assert_eq!(closed("Mon-Fri 12:00-13:00", "2026-11-29T12:30:00"), None);
        assert_eq!(closed("18:00-24:00", "2026-11-29T23:59:00").as_deref(), Some("2026-11-30 00:00"));
        let once = "2026-12-30 22:00 - 2027-01-02 08:00";
        assert_eq!(closed(once, "2027-01-01T00:00:00").as_deref(), Some("2027-01-02 08:00"));
        assert_eq!(closed(once, "2027-01-02T08:00:00"), None);
    }

    #[test]
    fn a_window_that_ends_in_a_clock_change_ends_later_than_it_is_asked() {
        let zone = chrono_tz::Europe::Berlin;
        // 02:00 to 03:00 passes twice on 2026-10-25, and not at all on 2026-03-29.
        assert_eq!(open_again("00:00-02:30", "2026-10-25T00:10:00Z", zone).as_deref(), Some("2026-10-25 02:30"));
        assert_eq!(open_again("00:00-02:30", "2026-10-25T01:10:00Z", zone).as_deref(), Some("2026-10-25 02:30"));
        assert_eq!(open_again("00:00-02:30", "2026-03-29T00:10:00Z", zone).as_deref(), Some("2026-03-29 03:00"));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "22:00",
            "Sat 25:00-26:00",
            "Xyz 1:00-2:00",
            "02:00-02:00",
            "Mon-Tue 1:00-Wed 2:00",
            "2027-01-02 08:00 - 2026-01-01 00:00",
        ] {
            assert!(Window::parse(bad).is_err(), "{bad}");
        }
    }
}
