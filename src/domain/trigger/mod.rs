//! Triggers: decide when a task runs. The four kinds (date, interval, cron, idle) are parsed from JSON and compute their firings. Those
//! of the first three may have conditions.
//!
//! Everything here is pure: the caller passes the current time.

mod and;
mod cron;
mod date;
mod datetime;
mod describe;
mod every;
mod explain;
mod idle;
mod input;
mod interval;
mod jitter;
mod notes;
mod text;
mod zone;
mod zone_names;

use crate::i18n::{Language, Message, message};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

pub use and::{And, MAX_CONDITIONS};
pub use cron::{ClockChangeClass, Cron, Rule};
pub use date::Date;
pub use datetime::{format_datetime, parse_datetime, parse_timestamp, parse_timestamp_rounded_up};
pub(crate) use describe::{MONTHS as MONTH_NAMES, WEEKDAYS as WEEKDAY_NAMES};
pub use every::as_interval;
pub use explain::Check;
pub use idle::{Idle, IdleState};
pub use interval::Interval;
pub use zone::parse_zone;
pub(crate) use zone::{LocalTime, offset_at, resolve};
pub use zone_names::{advice as zone_advice, zone_of_windows};

use super::fault::Fault;
use super::text_enum::text_enum;

/// A rule that decides when a task runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    Date(Date),
    Interval(Interval),
    Cron(Cron),
    Idle(Idle),
    /// One of the others, at those of its times at which its conditions fire too.
    And(And),
}

text_enum! {
    /// The kind of a trigger: `type` in its JSON.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Kind {
        Date = "date",
        Interval = "interval",
        Cron = "cron",
        Idle = "idle",
    }
}

/// The first and last time at which a trigger may fire, both inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
}

impl Bounds {
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at <= end)
    }
}

impl Trigger {
    /// Parses a trigger's JSON object. `zone` is the default for `timezone`. An `@every` expression is parsed as the interval that
    /// it means.
    ///
    /// # Errors
    /// One or more faults with pointers below `/trigger`, in the order of the object's keys.
    pub fn parse(value: &Value, zone: Tz) -> Result<Self, Vec<Fault>> {
        match value.as_object().and_then(|object| Some((object, object.get(and::KEY)?))) {
            Some((object, conditions)) => And::parse(object, conditions, zone),
            None => Self::parse_without_conditions(value, zone),
        }
    }

    /// As [`Trigger::parse`], but conditions are an unknown field.
    fn parse_without_conditions(value: &Value, zone: Tz) -> Result<Self, Vec<Fault>> {
        let Some(object) = value.as_object() else {
            return Err(vec![Fault::new(input::BASE, message!("trigger.not_object", kinds = message!("trigger.kinds")))]);
        };
        let refuse = |message: Message| Err(vec![Fault::new(format!("{}/type", input::BASE), message.of("type"))]);
        match object.get("type") {
            Some(Value::String(name)) => match Kind::parse(name) {
                Some(Kind::Date) => Date::parse(object, zone).map(Self::Date),
                Some(Kind::Interval) => Interval::parse(object, zone).map(Self::Interval),
                Some(Kind::Cron) => match as_interval(object) {
                    Some(interval) => Interval::parse(&interval?, zone).map(Self::Interval),
                    None => Cron::parse(object, zone).map(Self::Cron),
                },
                Some(Kind::Idle) => Idle::parse(object, zone).map(Self::Idle),
                None => refuse(message!("trigger.unknown_type", name = text::truncate(name), kinds = message!("trigger.kinds"))),
            },
            None | Some(Value::Null) => refuse(message!("trigger.type_required", kinds = message!("trigger.kinds"))),
            Some(_) => refuse(message!("trigger.type_not_text", kinds = message!("trigger.kinds"))),
        }
    }

    /// The kind; with conditions, that of the trigger itself.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::And(and) => and.base.kind(),
            Self::Date(_) => Kind::Date,
            Self::Interval(_) => Kind::Interval,
            Self::Cron(_) => Kind::Cron,
            Self::Idle(_) => Kind::Idle,
        }
    }

    #[must_use]
    pub const fn zone(&self) -> Tz {
        match self {
            Self::And(and) => and.base.zone(),
            Self::Date(date) => date.zone,
            Self::Interval(interval) => interval.zone,
            Self::Cron(cron) => cron.zone,
            Self::Idle(idle) => idle.zone,
        }
    }

    /// Returns the first scheduled time, without jitter, at or after `after`; `None` if there is none. Always `None` for idle
    /// triggers. `anchor` is the creation time, on which an interval without a start date is based.
    #[must_use]
    pub fn next_at_or_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Date(date) => date.next(after),
            Self::Interval(interval) => interval.next(after, anchor),
            Self::Cron(cron) => cron.next(after),
            Self::Idle(_) => None,
            Self::And(and) => and.next(after, anchor),
        }
    }

    /// Returns the first scheduled time, without jitter, strictly later than `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.next_at_or_after(after.checked_add_signed(TimeDelta::nanoseconds(1))?, anchor)
    }

    /// Adds jitter to the scheduled time `at`: a delay of 0 to `jitter` seconds that depends only on `key` and `at`. The result is
    /// not past the end date and is before the next scheduled time.
    #[must_use]
    pub fn fire_time(&self, at: DateTime<Utc>, key: &str, anchor: DateTime<Utc>) -> DateTime<Utc> {
        if self.jitter() == 0 { at } else { self.fire_time_before(at, key, self.next_after(at, anchor)) }
    }

    /// As [`Trigger::fire_time`], before another next scheduled time than the trigger's own.
    pub(crate) fn fire_time_before(&self, at: DateTime<Utc>, key: &str, next: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let jitter = self.jitter();
        if jitter == 0 {
            return at;
        }
        let until_end = self.bounds().end.map(|end| (end - at).num_milliseconds());
        let until_next = next.map(|next| (next - at).num_milliseconds() - 1);
        let room = until_end.into_iter().chain(until_next).min().map_or(u64::MAX, |millis| millis.max(0).cast_unsigned());
        let delay = jitter::delay_millis(key, at, room.min(jitter.saturating_mul(1000)));
        let delay = i64::try_from(delay).ok().and_then(TimeDelta::try_milliseconds);
        delay.and_then(|delay| at.checked_add_signed(delay)).unwrap_or(at)
    }

    /// Returns up to `count` scheduled times at or after `after`, ascending, without jitter, for a trigger created at `after`.
    #[must_use]
    pub fn preview(&self, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Tz>> {
        let first = self.next_at_or_after(after, after);
        let times = std::iter::successors(first, |at| self.next_after(*at, after));
        times.take(count).map(|at| at.with_timezone(&self.zone())).collect()
    }

    /// Returns a language-independent one-line text. The text of a cron rule parses back to the same rule.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Date(date) => datetime::wall_text(date.run_date, date.zone),
            Self::Interval(interval) => format!("every {}", text::duration(interval.seconds)),
            Self::Cron(cron) => cron.text(),
            Self::Idle(idle) => {
                let repeat = if idle.repeat { " repeat" } else { "" };
                format!("idle {}s cpu<{}%{repeat}", idle.idle_duration, idle.cpu_below_percent)
            }
            Self::And(and) => and.text(),
        }
    }

    /// Returns a one-sentence description.
    #[must_use]
    pub fn describe(&self, lang: Language) -> String {
        describe::describe(self, lang)
    }

    /// Returns remarks on the rule and its preview `shown`: how it is read where it could be mistaken, effects of clock changes, the
    /// end of the schedule, jitter.
    #[must_use]
    pub fn notes(&self, shown: &[DateTime<Tz>], after: DateTime<Utc>) -> Vec<Message> {
        notes::notes(self, shown, after)
    }

    /// Returns remarks on the rule alone: how it is read where it could be mistaken.
    pub(crate) fn remarks(&self) -> Vec<Message> {
        notes::remarks(self)
    }

    /// Maximum jitter, in seconds.
    pub(crate) const fn jitter(&self) -> u64 {
        match self {
            Self::Interval(interval) => interval.jitter,
            Self::Cron(cron) => cron.jitter,
            Self::Date(_) | Self::Idle(_) => 0,
            Self::And(and) => and.base.jitter(),
        }
    }

    fn bounds(&self) -> Bounds {
        match self {
            Self::Interval(interval) => interval.bounds,
            Self::Cron(cron) => cron.bounds,
            Self::Idle(idle) => idle.bounds,
            Self::Date(_) => Bounds::default(),
            Self::And(and) => and.base.bounds(),
        }
    }
}
