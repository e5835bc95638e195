//! Next fire times by the algorithm of APScheduler 3.11, independent of Belfry's search, so that the two can be compared. Local times
//! inside a gap follow Python; ambiguous ones mean the first pass.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::{Calendar, Cron, Expression, Field, Interval, Trigger};

/// Number of steps after which a rule is considered never to fire again.
const MAX_STEPS: usize = 200_000;

/// Returns the next firing after `previous`, or at or after `now` if there is no previous one.
pub(super) fn next(trigger: &Trigger, previous: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match trigger {
        Trigger::Date(at, _) => previous.is_none().then_some(*at),
        Trigger::Interval(interval) => next_interval(interval, previous, now),
        Trigger::Cron(cron) => next_cron(cron, previous, now),
        Trigger::Calendar(calendar) => next_calendar(calendar, previous),
        // APScheduler passes the previous firing of the combined trigger to each of them.
        Trigger::Or(inner) => inner.iter().filter_map(|one| next(one, previous, now)).min(),
        Trigger::And(inner) => next_of_all(inner, previous.map_or(now, |previous| previous + Duration::microseconds(1))),
    }
}

/// Returns the first time at or after `from` at which all fire. APScheduler passes the previous firing on too, with which its search does
/// not end where the triggers do not agree at once.
fn next_of_all(triggers: &[Trigger], mut from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    for _ in 0..MAX_STEPS {
        let times: Vec<DateTime<Utc>> = triggers.iter().map(|one| next(one, None, from)).collect::<Option<_>>()?;
        let (first, last) = (times.iter().min()?, times.iter().max()?);
        if first == last {
            return Some(*first).filter(|at| *at >= from);
        }
        from = *last;
    }
    None
}

fn next_interval(interval: &Interval, previous: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let length = interval.micros.max(1);
    let next = match (previous, interval.start) {
        (Some(previous), _) => previous.checked_add_signed(Duration::microseconds(length))?,
        (None, Some(start)) if start <= now => {
            let passed = (now - start).num_microseconds()?;
            start.checked_add_signed(Duration::microseconds(
                passed.div_euclid(length) * length + if passed % length == 0 { 0 } else { length },
            ))?
        }
        (None, start) => start.unwrap_or(now),
    };
    interval.end.is_none_or(|end| next <= end).then_some(next)
}

fn next_cron(cron: &Cron, previous: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let start = match previous {
        Some(previous) => previous + Duration::microseconds(1),
        None => cron.start.map_or(now, |start| start.max(now)),
    };
    let ceiled = start.with_nanosecond(0)? + Duration::seconds(i64::from(start.nanosecond() > 0));
    let mut cursor = FieldCursor {
        cron,
        wall: ceiled.with_timezone(&cron.zone).naive_local(),
        second_pass: is_second_pass(ceiled, cron.zone),
        field: 0,
    };
    for _ in 0..MAX_STEPS {
        let Some(field) = cron.fields.get(cursor.field) else { break };
        let current = value(field.name, cursor.wall);
        match next_value(field, cursor.wall) {
            None => cursor.increment_field(cursor.field.checked_sub(1)?)?,
            Some(next) if next > current && is_settable(field.name) => cursor.set_field(next)?,
            Some(next) if next > current => cursor.increment_field(cursor.field)?,
            Some(_) => cursor.field += 1,
        }
        if cron.end.is_some_and(|end| cursor.instant() > end) {
            return None;
        }
    }
    (cursor.field == cron.fields.len()).then(|| cursor.instant())
}

/// The state of the field-by-field search.
struct FieldCursor<'c> {
    cron: &'c Cron,
    wall: NaiveDateTime,
    second_pass: bool,
    field: usize,
}

impl FieldCursor<'_> {
    fn instant(&self) -> DateTime<Utc> {
        instant(self.wall, self.second_pass, self.cron.zone)
    }

    /// Sets the current field to a higher value and resets the fields after it.
    fn set_field(&mut self, next: i64) -> Option<()> {
        self.wall = self.with(self.field, next)?;
        self.second_pass = false;
        Some(())
    }

    /// Increments a field, or the nearest field before it that is not at its maximum, and resets the fields after it.
    fn increment_field(&mut self, mut field: usize) -> Option<()> {
        loop {
            let name = self.cron.fields[field].name;
            let current = value(name, self.wall);
            if is_settable(name) && current < maximum(name, self.wall) {
                self.wall = self.with(field, current + 1)?;
                // Like Python: a local time inside a gap moves past the gap by the same amount.
                let at = instant(self.wall, false, self.cron.zone);
                self.wall = at.with_timezone(&self.cron.zone).naive_local();
                self.second_pass = is_second_pass(at, self.cron.zone);
                self.field = field;
                return Some(());
            }
            field = field.checked_sub(1)?;
        }
    }

    /// Returns the local time with a field set; fields before it are kept, fields after it are at their minimum.
    fn with(&self, field: usize, set: i64) -> Option<NaiveDateTime> {
        let part = |name: &str| {
            let place = super::FIELDS.iter().position(|known| *known == name).unwrap_or_default();
            match place.cmp(&field) {
                std::cmp::Ordering::Less => value(name, self.wall),
                std::cmp::Ordering::Equal => set,
                std::cmp::Ordering::Greater => minimum(name),
            }
        };
        let number = |name: &str| u32::try_from(part(name)).ok();
        let date = NaiveDate::from_ymd_opt(i32::try_from(part("year")).ok()?, number("month")?, number("day")?)?;
        date.and_hms_opt(number("hour")?, number("minute")?, number("second")?)
    }
}

/// Whether a field can be set directly; week and weekday follow from the date.
fn is_settable(name: &str) -> bool {
    !matches!(name, "week" | "day_of_week")
}

fn value(name: &str, at: NaiveDateTime) -> i64 {
    match name {
        "year" => i64::from(at.year()),
        "month" => i64::from(at.month()),
        "day" => i64::from(at.day()),
        "week" => i64::from(at.date().iso_week().week()),
        "day_of_week" => i64::from(at.weekday().num_days_from_monday()),
        "hour" => i64::from(at.hour()),
        "minute" => i64::from(at.minute()),
        _ => i64::from(at.second()),
    }
}

fn minimum(name: &str) -> i64 {
    match name {
        "year" => 1970,
        "month" | "day" | "week" => 1,
        _ => 0,
    }
}

fn maximum(name: &str, at: NaiveDateTime) -> i64 {
    match name {
        "year" => 9999,
        "month" => 12,
        "day" => i64::from(month_length(at)),
        "week" => 53,
        "day_of_week" => 6,
        "hour" => 23,
        _ => 59,
    }
}

fn month_length(at: NaiveDateTime) -> u32 {
    (28..=31).rev().find(|day| at.date().with_day(*day).is_some()).unwrap_or(28)
}

fn next_value(field: &Field, at: NaiveDateTime) -> Option<i64> {
    field.expressions.iter().filter_map(|expression| next_expression_value(expression, field.name, at)).min()
}

fn next_expression_value(expression: &Expression, name: &str, at: NaiveDateTime) -> Option<i64> {
    let (start, min, max) = (value(name, at), minimum(name), maximum(name, at));
    let (min, max, step) = match *expression {
        Expression::All { step } => (min, max, step),
        Expression::Range { first, last, step } => (min.max(first), last.map_or(max, |last| max.min(last)), step),
        Expression::Position { which, weekday } => return nth_weekday(which, weekday, at).filter(|day| *day >= start),
        Expression::LastDay => return Some(i64::from(month_length(at))),
    };
    let start = start.max(min);
    let next = match step.filter(|step| *step > 0) {
        Some(step) => start + (step - (start - min)).rem_euclid(step),
        None => start,
    };
    (next <= max).then_some(next)
}

/// Returns the day of the n-th or last occurrence of a weekday in the month.
fn nth_weekday(which: i64, weekday: i64, at: NaiveDateTime) -> Option<i64> {
    let first = i64::from(at.date().with_day(1)?.weekday().num_days_from_monday());
    let length = i64::from(month_length(at));
    let earliest = (weekday - first).rem_euclid(7) + 1;
    let day = if which < 5 { earliest + which * 7 } else { earliest + (length - earliest) / 7 * 7 };
    (day <= length).then_some(day)
}

/// Converts a local time like Python's `timestamp()`: inside a gap the offset before the gap applies.
fn instant(wall: NaiveDateTime, second_pass: bool, zone: Tz) -> DateTime<Utc> {
    let found = zone.from_local_datetime(&wall);
    if let Some(at) = if second_pass { found.latest() } else { found.earliest() } {
        return at.to_utc();
    }
    let before = zone.offset_from_utc_datetime(&(wall - Duration::days(1))).fix().local_minus_utc();
    wall.and_utc() - Duration::seconds(i64::from(before))
}

fn is_second_pass(at: DateTime<Utc>, zone: Tz) -> bool {
    let wall = at.with_timezone(&zone).naive_local();
    zone.from_local_datetime(&wall).earliest().is_some_and(|first| first.to_utc() < at)
}

fn next_calendar(calendar: &Calendar, previous: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let [years, months, weeks, days] = calendar.every;
    let mut before = previous.map(|at| at.with_timezone(&calendar.zone).date_naive());
    for _ in 0..1000 {
        let date = match before {
            None => calendar.start,
            Some(before) => {
                let mut month = i64::from(before.year()) * 12 + i64::from(before.month0());
                let found = (0..1000).find_map(|_| {
                    month += years * 12 + months;
                    let year = i32::try_from(month.div_euclid(12)).ok()?;
                    NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, before.day())
                });
                found?.checked_add_signed(Duration::days(days + weeks * 7))?
            }
        };
        if calendar.end.is_some_and(|end| date > end) {
            return None;
        }
        let [hour, minute, second] = calendar.time.map(|part| u32::try_from(part).unwrap_or(u32::MAX));
        let wall = date.and_hms_opt(hour, minute, second)?;
        let at = instant(wall, false, calendar.zone);
        if at.with_timezone(&calendar.zone).naive_local() == wall {
            return Some(at);
        }
        before = Some(date);
    }
    None
}
