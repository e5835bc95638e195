//! The built-in calendars. `cn` holds the working days of China by the notices of the State Council, with the make-up days; a
//! notice for a year comes in the last quarter of the year before. The days of a year without a notice are provisional.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Deserialize;

use super::compiled::{Base, CompiledCalendar, Exception};
use super::definition::{Calendar, DateRule};
use super::holiday::{DayName, Holiday};
use super::names::{CN, EVERY_DAY, WEEKDAYS};

/// From this day of December on, the next year's notice is overdue.
const OVERDUE_FROM: u32 = 10;

#[derive(Deserialize)]
struct Notices {
    years: BTreeMap<i32, BTreeMap<String, Notice>>,
}

/// The days of one holiday: free days, and the weekend days on which work is made up.
#[derive(Deserialize)]
struct Notice {
    #[serde(default)]
    off: Vec<String>,
    #[serde(default)]
    work: Vec<String>,
}

static NOTICES: LazyLock<(Vec<Exception>, Vec<i32>)> = LazyLock::new(|| {
    let notices: Notices = serde_json::from_str(include_str!("cn.json")).unwrap_or(Notices { years: BTreeMap::new() });
    let years = notices.years.keys().copied().collect();
    let mut days: Vec<Exception> = notices.years.iter().flat_map(|(year, holidays)| exceptions(*year, holidays)).collect();
    days.sort_unstable_by_key(|day| day.date);
    (days, years)
});

static BUILT_IN: LazyLock<[Arc<CompiledCalendar>; 3]> = LazyLock::new(|| {
    let (dates, years) = NOTICES.clone();
    let version = years.last().copied().unwrap_or_default().into();
    let cn = CompiledCalendar { dates, years, version, ..CompiledCalendar::plain(CN, Base::Provisional) };
    [cn, CompiledCalendar::plain(WEEKDAYS, Base::Weekdays), CompiledCalendar::plain(EVERY_DAY, Base::EveryDay)].map(Arc::new)
});

/// The built-in calendars.
pub(super) fn built_in() -> &'static [Arc<CompiledCalendar>; 3] {
    &BUILT_IN
}

/// The names of the built-in calendars.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    [CN, WEEKDAYS, EVERY_DAY].into_iter()
}

/// A built-in calendar as a definition.
pub fn built_in_definition(name: &str) -> Option<Calendar> {
    let compiled = built_in().iter().find(|calendar| &*calendar.name == name)?;
    let date = |day: &Exception| DateRule {
        date: day.date,
        until: day.date,
        working: day.working,
        name: day.name.as_ref().map(DayName::as_text).unwrap_or_default().to_owned(),
    };
    Some(Calendar {
        dates: compiled.dates.iter().map(date).collect(),
        years: compiled.years.clone(),
        ..Calendar::new(name, if name == EVERY_DAY { EVERY_DAY } else { WEEKDAYS })
    })
}

fn exceptions(year: i32, holidays: &BTreeMap<String, Notice>) -> Vec<Exception> {
    let of = |days: &[String], working: bool, name: &Option<DayName>| -> Vec<Exception> {
        let date = |day: &String| NaiveDate::parse_from_str(&format!("{year}-{day}"), "%Y-%m-%d").ok();
        days.iter().filter_map(date).map(|date| Exception { date, working, name: name.clone() }).collect()
    };
    let both = |(id, notice): (&String, &Notice)| {
        let name = Holiday::parse(id).map(DayName::Holiday);
        [of(&notice.off, false, &name), of(&notice.work, true, &name)].concat()
    };
    holidays.iter().flat_map(both).collect()
}

/// The coming year, if `cn` should know it by now but does not: from 10 December on. `cn` is the calendar in force, which an
/// administrator may have completed. The date is that of China.
pub fn missing_year(now: DateTime<Utc>, cn: &CompiledCalendar) -> Option<i32> {
    let today = now.with_timezone(&chrono_tz::Asia::Shanghai).date_naive();
    let due = (today.month() == 12 && today.day() >= OVERDUE_FROM).then(|| today.year() + 1);
    let current = Some(today.year());
    [current, due].into_iter().flatten().find(|year| !cn.knows_year(*year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_cover_2004_to_2026() {
        assert_eq!((NOTICES.1.first(), NOTICES.1.last()), (Some(&2004), Some(&2026)));
        assert!(NOTICES.0.is_sorted_by(|a, b| a.date < b.date));
        assert!(NOTICES.0.iter().all(|day| day.name.is_some()));
    }

    #[test]
    fn a_year_is_missing_from_10_december_of_the_year_before() {
        let missing = |text: &str| missing_year(text.parse().unwrap(), &built_in()[0]);
        assert_eq!(missing("2026-12-09T15:59:59Z"), None);
        assert_eq!(missing("2026-12-09T16:00:00Z"), Some(2027));
        assert_eq!(missing("2027-05-01T00:00:00Z"), Some(2027));
        assert_eq!(missing("2025-12-31T00:00:00Z"), None);
    }
}
