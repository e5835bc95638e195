//! Explanations: each field of a cron rule against one time.

use chrono::{DateTime, Utc};

use super::Cron;
use super::calendar::{YearKind, civil};
use super::number_list::values;
use super::rule::ClockChangeClass;
use crate::domain::trigger::Check;
use crate::domain::trigger::datetime::{in_zone, wall_text};
use crate::domain::trigger::zone::{LocalTime, offset_at, resolve};
use crate::i18n::{Message, message};

/// The most values of a field that are listed.
const LISTED: usize = 24;

impl Cron {
    /// Compares each field with the local time of `at`.
    pub(crate) fn explain(&self, at: DateTime<Utc>) -> Vec<Check> {
        let wall = at.timestamp() + offset_at(self.zone, at.timestamp());
        let mut checks = vec![Check::new("timezone", true, self.local_time(at))];
        checks.extend(self.clock_change(at, wall));
        checks.extend(self.date_checks(wall));
        let second_of_day = wall.rem_euclid(86_400);
        let parts = [
            ("hour", second_of_day / 3600, u64::from(self.rule.hours), 24),
            ("minute", second_of_day / 60 % 60, self.rule.minutes, 60),
            ("second", second_of_day % 60, self.rule.seconds, 60),
        ];
        checks.extend(
            parts.map(|(what, value, bits, all)| Check::new(what, bits >> value & 1 == 1, field(value, &listed(bits, all)))),
        );
        checks
    }

    fn local_time(&self, at: DateTime<Utc>) -> Message {
        let offset = in_zone(at, self.zone).format("%:z").to_string();
        message!("why.local_time", time = wall_text(at, self.zone), offset, zone = self.zone.name())
    }

    /// The effect of a clock change on the time.
    fn clock_change(&self, at: DateTime<Utc>, wall: i64) -> Option<Check> {
        let seconds = at.timestamp();
        if let LocalTime::Ambiguous(_, second) = resolve(self.zone, wall) {
            let repeats = self.rule.class != ClockChangeClass::Plain;
            let holds = repeats || seconds != second;
            let detail = match (seconds == second, repeats) {
                (false, _) => message!("why.overlap_first"),
                (true, true) => message!("why.overlap_repeats"),
                (true, false) => message!("why.overlap_second"),
            };
            return Some(Check::new("clock_change", holds, detail));
        }
        let skipped = wall - seconds - offset_at(self.zone, seconds - 1);
        (skipped > 0).then(|| {
            let holds = self.rule.class != ClockChangeClass::Hourly;
            let detail = if holds { message!("why.gap_end") } else { message!("why.gap_dropped") };
            Check::new("clock_change", holds, detail)
        })
    }

    fn date_checks(&self, wall: i64) -> Vec<Check> {
        let (year, month, day) = civil(wall.div_euclid(86_400).max(0));
        let kind = YearKind::from_year(year);
        let number = |value: i64| u32::try_from(value).unwrap_or(0);
        let mut checks = Vec::new();
        if let Some(years) = &self.rule.years {
            let all: Vec<String> = years.iter().take(LISTED).map(|year| year.to_string()).collect();
            checks.push(Check::new("year", years.contains(number(year)), field(year, &all.join(", "))));
        }
        let months = u64::from(self.rule.months);
        if !self.rule.every_month() {
            checks.push(Check::new("month", months >> month & 1 == 1, field(i64::from(month), &listed(months, 13))));
        }
        let day_sets = [Some(&self.rule.days), self.rule.and_days.as_ref()];
        let is_day = day_sets.into_iter().flatten().all(|days| days.in_month(kind, month) >> day & 1 == 1);
        let weekday = (kind.month_weekday(month) + day - 1) % 7;
        let date = format!("{year:04}-{month:02}-{day:02}");
        checks.push(Check::new("day", is_day, message!("why.day", date, weekday = weekday_name(weekday))));
        if let Some(weeks) = self.rule.weeks {
            let holds = kind.days_in_weeks(month, weeks) >> day & 1 == 1;
            checks.push(Check::new("week", holds, message!("why.weeks", weeks = listed(weeks, 54))));
        }
        checks
    }
}

fn field(value: i64, allowed: &str) -> Message {
    message!("why.field", value, allowed)
}

/// The values of a field; `*` for all.
fn listed(bits: u64, all: u32) -> String {
    let values = values(bits);
    if values.len() >= all as usize {
        return "*".to_owned();
    }
    let shown: Vec<String> = values.iter().take(LISTED).map(u32::to_string).collect();
    let more = if values.len() > LISTED { ", …" } else { "" };
    shown.join(", ") + more
}

fn weekday_name(weekday: u32) -> Message {
    Message::new(
        ["weekday.sun", "weekday.mon", "weekday.tue", "weekday.wed", "weekday.thu", "weekday.fri", "weekday.sat"]
            [weekday as usize % 7],
    )
}
