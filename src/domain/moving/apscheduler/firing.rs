//! When APScheduler 3.11 would fire next: its own way from field to field, apart from Belfry's search, so that the two can be
//! compared. A wall time that the clock skips is what Python makes of it; one that comes twice is its first pass.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::{Calendar, Cron, Expression, Field, Interval, Trigger};

/// Steps after which a rule counts as one that never fires again.
const PATIENCE: usize = 200_000;

/// The next firing after the one before (or at or after `now`, where there was none).
pub(super) fn next(trigger: &Trigger, previous: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match trigger {
        Trigger::Date(at, _) => previous.is_none().then_some(*at),
        Trigger::Interval(interval) => of_interval(interval, previous, now),
        Trigger::Cron(cron) => of_cron(cron, previous, now),
        Trigger::Calendar(calendar) => of_calendar(calendar, previous),
        // Each is asked with the firing that any of them had before.
        Trigger::Or(inner) => inner.iter().filter_map(|one| next(one, previous, now)).min(),
    }
}

fn of_interval(interval: &Interval, previous: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
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

fn of_cron(cron: &Cron, previous: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let start = match previous {
        Some(previous) => previous + Duration::microseconds(1),
        None => cron.start.map_or(now, |start| start.max(now)),
    };
    let ceiled = start.with_nanosecond(0)? + Duration::seconds(i64::from(start.nanosecond() > 0));
    let mut walk = Walk {
        cron,
        wall: ceiled.with_timezone(&cron.zone).naive_local(),
        second_pass: is_second_pass(ceiled, cron.zone),
        field: 0,
    };
    for _ in 0..PATIENCE {
        let Some(field) = cron.fields.get(walk.field) else { break };
        let current = value(field.name, walk.wall);
        match next_value(field, walk.wall) {
            None => walk.carry(walk.field.checked_sub(1)?)?,
            Some(next) if next > current && is_real(field.name) => walk.set(next)?,
            Some(next) if next > current => walk.carry(walk.field)?,
            Some(_) => walk.field += 1,
        }
        if cron.end.is_some_and(|end| walk.instant() > end) {
            return None;
        }
    }
    (walk.field == cron.fields.len()).then(|| walk.instant())
}

/// On the way from field to field.
struct Walk<'c> {
    cron: &'c Cron,
    wall: NaiveDateTime,
    second_pass: bool,
    field: usize,
}

impl Walk<'_> {
    fn instant(&self) -> DateTime<Utc> {
        instant(self.wall, self.second_pass, self.cron.zone)
    }

    /// The present field takes a higher value; those after it begin anew.
    fn set(&mut self, next: i64) -> Option<()> {
        self.wall = self.with(self.field, next)?;
        self.second_pass = false;
        Some(())
    }

    /// A field, or where it is at its end one before it, goes on by one; those after it begin anew.
    fn carry(&mut self, mut field: usize) -> Option<()> {
        loop {
            let name = self.cron.fields[field].name;
            let current = value(name, self.wall);
            if is_real(name) && current < maximum(name, self.wall) {
                self.wall = self.with(field, current + 1)?;
                // As Python brings a wall time into being: what is skipped lies as far behind the gap.
                let at = instant(self.wall, false, self.cron.zone);
                self.wall = at.with_timezone(&self.cron.zone).naive_local();
                self.second_pass = is_second_pass(at, self.cron.zone);
                self.field = field;
                return Some(());
            }
            field = field.checked_sub(1)?;
        }
    }

    /// The wall time with a field set, those before it kept and those after it at their least.
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

fn is_real(name: &str) -> bool {
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
    field.expressions.iter().filter_map(|expression| next_of(expression, field.name, at)).min()
}

fn next_of(expression: &Expression, name: &str, at: NaiveDateTime) -> Option<i64> {
    let (start, least, most) = (value(name, at), minimum(name), maximum(name, at));
    let (least, most, step) = match *expression {
        Expression::All { step } => (least, most, step),
        Expression::Range { first, last, step } => (least.max(first), last.map_or(most, |last| most.min(last)), step),
        Expression::Position { which, weekday } => return position(which, weekday, at).filter(|day| *day >= start),
        Expression::LastDay => return Some(i64::from(month_length(at))),
    };
    let start = start.max(least);
    let next = match step.filter(|step| *step > 0) {
        Some(step) => start + (step - (start - least)).rem_euclid(step),
        None => start,
    };
    (next <= most).then_some(next)
}

/// The day on which the month has its so-manieth such weekday.
fn position(which: i64, weekday: i64, at: NaiveDateTime) -> Option<i64> {
    let first = i64::from(at.date().with_day(1)?.weekday().num_days_from_monday());
    let length = i64::from(month_length(at));
    let earliest = (weekday - first).rem_euclid(7) + 1;
    let day = if which < 5 { earliest + which * 7 } else { earliest + (length - earliest) / 7 * 7 };
    (day <= length).then_some(day)
}

/// As Python's `timestamp()`: a skipped wall time is counted with the offset before the gap.
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

fn of_calendar(calendar: &Calendar, previous: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
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
