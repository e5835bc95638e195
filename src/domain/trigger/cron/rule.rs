//! Cron rules as sets of dates and times of day, and the search for the next matching local time.

use super::calendar::{MonthMask, YearKind, civil, day_count};
use super::days::DaySet;
use super::field::{DAY, DAY_OF_WEEK, HOUR, MONTH, Values, WEEK, YEAR};
use super::years::{FIRST_YEAR, LAST_YEAR, Years};

const DAY_SECONDS: i64 = 86_400;

/// How a rule behaves at clock changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChangeClass {
    /// Fires once: at the end of a gap, and only in the first pass of an overlap.
    Plain,
    /// `minute` or `second` has an element with `*` or `/`: fires in both passes of an overlap.
    Repeating,
    /// `hour` covers all 24 hours: fires in both passes of an overlap, and times inside a gap are dropped.
    Hourly,
}

/// The dates and times that match. Equivalent rules are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `None`: every year.
    pub years: Option<Years>,
    /// Bit n for month n.
    pub months: u32,
    /// Bit n for ISO week n; `None`: every week.
    pub weeks: Option<u64>,
    pub days: DaySet,
    /// A second set of days; both must match.
    pub and_days: Option<DaySet>,
    pub hours: u32,
    pub minutes: u64,
    pub seconds: u64,
    pub class: ClockChangeClass,
    /// Further sets of days that must match, of an intersection.
    more_days: Vec<DaySet>,
    /// The kinds of years with at least one matching date, bit n for `YearKind::index` n.
    kinds: u32,
}

/// The values of all eight fields.
pub(crate) struct Fields {
    pub year: Values,
    pub month: Values,
    pub day: Values,
    pub week: Values,
    pub day_of_week: Values,
    pub hour: Values,
    pub minute: Values,
    pub second: Values,
    /// Whether a day matches if either of the two day fields does.
    pub either_day: bool,
}

impl Rule {
    pub(crate) fn new(fields: Fields) -> Self {
        let (days, and_days) = combine_day_fields(&fields);
        let hourly = fields.hour.is_full(&HOUR);
        let repeating = fields.minute.stepped || fields.second.stepped;
        let mut rule = Self {
            years: (!fields.year.is_full(&YEAR)).then_some(fields.year.years),
            months: u32::try_from(fields.month.bits).unwrap_or(0),
            weeks: (!fields.week.is_full(&WEEK)).then_some(fields.week.bits),
            days,
            and_days,
            hours: u32::try_from(fields.hour.bits).unwrap_or(0),
            minutes: fields.minute.bits,
            seconds: fields.second.bits,
            class: if hourly {
                ClockChangeClass::Hourly
            } else if repeating {
                ClockChangeClass::Repeating
            } else {
                ClockChangeClass::Plain
            },
            more_days: Vec::new(),
            kinds: 0,
        };
        rule.kinds = rule.matching_kinds();
        rule
    }

    /// The local times that match both rules. It fires in the second pass of an overlap if both do.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let both_years = |one: &Years, other: &Years| {
            let mut years = Years::default();
            one.iter().filter(|year| other.contains(*year)).for_each(|year| years.insert(year));
            years
        };
        let classes = [self.class, other.class];
        let days = |rule: &Self| rule.and_days.into_iter().chain(rule.more_days.iter().copied()).collect::<Vec<_>>();
        let mut rule = Self {
            years: match (&self.years, &other.years) {
                (Some(one), Some(other)) => Some(both_years(one, other)),
                (one, other) => one.as_ref().or(other.as_ref()).cloned(),
            },
            months: self.months & other.months,
            weeks: match (self.weeks, other.weeks) {
                (Some(one), Some(other)) => Some(one & other),
                (one, other) => one.or(other),
            },
            days: self.days,
            and_days: Some(other.days),
            hours: self.hours & other.hours,
            minutes: self.minutes & other.minutes,
            seconds: self.seconds & other.seconds,
            class: if classes == [ClockChangeClass::Hourly; 2] {
                ClockChangeClass::Hourly
            } else if classes.contains(&ClockChangeClass::Plain) {
                ClockChangeClass::Plain
            } else {
                ClockChangeClass::Repeating
            },
            more_days: [days(self), days(other)].concat(),
            kinds: 0,
        };
        let has_times = rule.hours != 0 && rule.minutes != 0 && rule.seconds != 0;
        rule.kinds = if has_times { rule.matching_kinds() } else { 0 };
        rule
    }

    /// The kinds of years with a matching date.
    fn matching_kinds(&self) -> u32 {
        YearKind::all().filter(|kind| self.has_date(*kind)).fold(0, |kinds, kind| kinds | 1 << kind.index())
    }

    pub(crate) fn every_month(&self) -> bool {
        u64::from(self.months) == MONTH.all()
    }

    /// Returns the first matching local time at or after `from`; `None` if there is none up to the year 9999.
    pub(crate) fn next_wall(&self, from: i64) -> Option<i64> {
        let today = from.div_euclid(DAY_SECONDS);
        let date = self.next_date(today)?;
        if date > today {
            return Some(date * DAY_SECONDS + self.first_time());
        }
        match self.next_time(from.rem_euclid(DAY_SECONDS)) {
            Some(time) => Some(date * DAY_SECONDS + time),
            None => Some(self.next_date(today + 1)? * DAY_SECONDS + self.first_time()),
        }
    }

    fn next_date(&self, from: i64) -> Option<i64> {
        let (year, month, day) = civil(from.max(0));
        if self.may_match(year) {
            let kind = YearKind::from_year(year);
            let rest_of_month = self.mask(kind, month) & (u32::MAX << day);
            if rest_of_month != 0 {
                return Some(day_count(year, month, rest_of_month.trailing_zeros()));
            }
            if let Some(date) = self.first_date(year, kind, month + 1) {
                return Some(date);
            }
        }
        // Every kind of year occurs within 400 years, and `kinds` tells whether any of them matches.
        let last = i64::from(LAST_YEAR);
        let year = (year + 1..=last).take_while(|_| self.kinds != 0).find(|year| self.may_match(*year))?;
        self.first_date(year, YearKind::from_year(year), 1)
    }

    fn first_date(&self, year: i64, kind: YearKind, from_month: u32) -> Option<i64> {
        (from_month..=12).find_map(|month| {
            let mask = self.mask(kind, month);
            (mask != 0).then(|| day_count(year, month, mask.trailing_zeros()))
        })
    }

    fn may_match(&self, year: i64) -> bool {
        let listed = self.years.as_ref().is_none_or(|years| u32::try_from(year).is_ok_and(|year| years.contains(year)));
        listed
            && (i64::from(FIRST_YEAR)..=i64::from(LAST_YEAR)).contains(&year)
            && self.kinds >> YearKind::from_year(year).index() & 1 == 1
    }

    fn has_date(&self, kind: YearKind) -> bool {
        (1..=12).any(|month| self.mask(kind, month) != 0)
    }

    fn mask(&self, kind: YearKind, month: u32) -> MonthMask {
        if self.months >> month & 1 == 0 {
            return 0;
        }
        let mut mask = self.days.in_month(kind, month);
        for days in self.and_days.iter().chain(&self.more_days) {
            mask &= days.in_month(kind, month);
        }
        match self.weeks {
            Some(weeks) if mask != 0 => mask & kind.days_in_weeks(month, weeks),
            _ => mask,
        }
    }

    fn first_time(&self) -> i64 {
        time(self.hours.trailing_zeros(), self.minutes.trailing_zeros(), self.seconds.trailing_zeros())
    }

    /// Returns the first matching second of the day at or after `from`.
    fn next_time(&self, from: i64) -> Option<i64> {
        let from = u32::try_from(from).ok()?;
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        if self.hours >> hour & 1 == 1 {
            if self.minutes >> minute & 1 == 1
                && let Some(second) = at_or_after(self.seconds, second)
            {
                return Some(time(hour, minute, second));
            }
            if let Some(minute) = at_or_after(self.minutes, minute + 1) {
                return Some(time(hour, minute, self.seconds.trailing_zeros()));
            }
        }
        let hour = at_or_after(u64::from(self.hours), hour + 1)?;
        Some(time(hour, self.minutes.trailing_zeros(), self.seconds.trailing_zeros()))
    }
}

fn time(hour: u32, minute: u32, second: u32) -> i64 {
    i64::from(hour * 3600 + minute * 60 + second)
}

fn at_or_after(bits: u64, from: u32) -> Option<u32> {
    let rest = bits & u64::MAX.checked_shl(from)?;
    (rest != 0).then(|| rest.trailing_zeros())
}

/// Combines the two day fields into one set or, if both must match, two.
fn combine_day_fields(fields: &Fields) -> (DaySet, Option<DaySet>) {
    let by_day = fields.day.day_set(&DAY);
    let by_weekday = fields.day_of_week.day_set(&DAY_OF_WEEK);
    if fields.either_day {
        (by_day.union(&by_weekday), None)
    } else if by_weekday.is_every() || by_day == by_weekday {
        (by_day, None)
    } else if by_day.is_every() {
        (by_weekday, None)
    } else {
        (by_day, Some(by_weekday))
    }
}
