//! When a task runs: the four kinds of triggers, read from JSON and asked for their next fire.
//!
//! Everything here is pure: whoever asks tells the time.

mod cron;
mod date;
mod describe;
mod idle;
mod input;
mod instant;
mod interval;
mod jitter;
mod notes;
mod text;
mod zone;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

pub use cron::{Class, Cron, DaySet, Rule, Years};
pub use date::Date;
pub use idle::{Idle, IdleState};
pub use instant::{format_instant, parse_asked, parse_instant};
pub use interval::Interval;
pub use zone::parse_zone;

use super::fault::Fault;

/// When a task runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    Date(Date),
    Interval(Interval),
    Cron(Cron),
    Idle(Idle),
}

/// What tells triggers apart: `type` in their JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Date,
    Interval,
    Cron,
    Idle,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Date, Self::Interval, Self::Cron, Self::Idle];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Interval => "interval",
            Self::Cron => "cron",
            Self::Idle => "idle",
        }
    }
}

/// The languages of descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    En,
    Zh,
}

/// The first and the last instant that a trigger may fire at, both inclusive.
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
    /// Reads a trigger's JSON object. `zone` stands in where `timezone` is left out; a key that is
    /// `null` counts as left out.
    ///
    /// # Errors
    /// At least one fault, with pointers below `/trigger`, in the order of the object's keys.
    pub fn parse(value: &Value, zone: Tz) -> Result<Self, Vec<Fault>> {
        let kinds = "date, interval, cron or idle";
        let Some(object) = value.as_object() else {
            return Err(vec![Fault::new(input::BASE, format!("a trigger must be an object with a type: {kinds}"))]);
        };
        let refuse = |message: String| Err(vec![Fault::new(format!("{}/type", input::BASE), message)]);
        match object.get("type") {
            Some(Value::String(name)) => match Kind::ALL.into_iter().find(|kind| kind.as_str() == name) {
                Some(Kind::Date) => Date::parse(object, zone).map(Self::Date),
                Some(Kind::Interval) => Interval::parse(object, zone).map(Self::Interval),
                Some(Kind::Cron) => Cron::parse(object, zone).map(Self::Cron),
                Some(Kind::Idle) => Idle::parse(object, zone).map(Self::Idle),
                None => refuse(format!("type: unknown type '{}'; write {kinds}", text::cut(name))),
            },
            None | Some(Value::Null) => refuse(format!("type: is required; write {kinds}")),
            Some(_) => refuse(format!("type: must be a string; write {kinds}")),
        }
    }

    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Date(_) => Kind::Date,
            Self::Interval(_) => Kind::Interval,
            Self::Cron(_) => Kind::Cron,
            Self::Idle(_) => Kind::Idle,
        }
    }

    #[must_use]
    pub const fn zone(&self) -> Tz {
        match self {
            Self::Date(date) => date.zone,
            Self::Interval(interval) => interval.zone,
            Self::Cron(cron) => cron.zone,
            Self::Idle(idle) => idle.zone,
        }
    }

    /// The first instant of the rule, without jitter, at or after `after`; `None`: never again.
    /// `anchor` is the creation time, the base of an interval without a start date. Idle: `None`.
    #[must_use]
    pub fn next_at_or_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Date(date) => date.next(after),
            Self::Interval(interval) => interval.next(after, anchor),
            Self::Cron(cron) => cron.next(after),
            Self::Idle(_) => None,
        }
    }

    /// As `next_at_or_after`, but strictly later than `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.next_at_or_after(after.checked_add_signed(TimeDelta::nanoseconds(1))?, anchor)
    }

    /// The instant at which the rule's instant `at` really fires: put off by 0 to `jitter` seconds,
    /// derived from `key` and `at` alone; never past the end date, and before the next rule instant.
    #[must_use]
    pub fn fire_time(&self, at: DateTime<Utc>, key: &str, anchor: DateTime<Utc>) -> DateTime<Utc> {
        let jitter = self.jitter();
        if jitter == 0 {
            return at;
        }
        let until_end = self.bounds().end.map(|end| (end - at).num_milliseconds());
        let until_next = self.next_after(at, anchor).map(|next| (next - at).num_milliseconds() - 1);
        let room = until_end.into_iter().chain(until_next).min().map_or(u64::MAX, |millis| millis.max(0).cast_unsigned());
        let delay = jitter::delay_millis(key, at, room.min(jitter.saturating_mul(1000)));
        let delay = i64::try_from(delay).ok().and_then(TimeDelta::try_milliseconds);
        delay.and_then(|delay| at.checked_add_signed(delay)).unwrap_or(at)
    }

    /// At most `count` instants of the rule at or after `after`, ascending, without jitter, as of a
    /// trigger created at `after`.
    #[must_use]
    pub fn preview(&self, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Tz>> {
        let first = self.next_at_or_after(after, after);
        let instants = std::iter::successors(first, |at| self.next_after(*at, after));
        instants.take(count).map(|at| at.with_timezone(&self.zone())).collect()
    }

    /// One line in no language. Of a cron rule it reads back as the same rule.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Date(date) => instant::wall_text(date.run_date, date.zone),
            Self::Interval(interval) => format!("every {}", text::duration(interval.seconds)),
            Self::Cron(cron) => cron.text(),
            Self::Idle(idle) => {
                let repeat = if idle.repeat { " repeat" } else { "" };
                format!("idle {}s cpu<{}%{repeat}", idle.idle_duration, idle.cpu_below_percent)
            }
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn describe(&self, lang: Lang) -> String {
        describe::describe(self, lang)
    }

    /// Remarks on a preview: what clock changes within `shown` do, that it never fires again, jitter.
    #[must_use]
    pub fn notes(&self, shown: &[DateTime<Tz>], after: DateTime<Utc>, lang: Lang) -> Vec<String> {
        notes::notes(self, shown, after, lang)
    }

    /// Seconds.
    const fn jitter(&self) -> u64 {
        match self {
            Self::Interval(interval) => interval.jitter,
            Self::Cron(cron) => cron.jitter,
            Self::Date(_) | Self::Idle(_) => 0,
        }
    }

    fn bounds(&self) -> Bounds {
        match self {
            Self::Interval(interval) => interval.bounds,
            Self::Cron(cron) => cron.bounds,
            Self::Idle(idle) => idle.bounds,
            Self::Date(_) => Bounds::default(),
        }
    }
}
