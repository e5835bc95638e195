//! Idle triggers: fire when CPU use has stayed low for a given time.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Bounds;
use super::input::Reader;
use crate::domain::fault::Fault;
use crate::i18n::message;

const KEYS: [&str; 6] = ["idle_duration", "cpu_below_percent", "repeat", "start_date", "end_date", "timezone"];
/// 366 days.
const MAX_IDLE_SECONDS: u64 = 31_622_400;
/// Samples further apart than this end the idle period: the machine was suspended, or the clock was set.
const MAX_SAMPLE_GAP: TimeDelta = TimeDelta::seconds(30);

/// Fires when CPU use has stayed below a limit for `idle_duration`.
#[derive(Debug, Clone, PartialEq)]
pub struct Idle {
    /// Seconds, 1 to 31622400.
    pub idle_duration: u64,
    /// Above 0, at most 100.
    pub cpu_below_percent: f64,
    /// Whether to fire again after each further `idle_duration` of the same idle period.
    pub repeat: bool,
    pub bounds: Bounds,
    pub zone: Tz,
}

impl Idle {
    pub(crate) fn parse(object: &Map<String, Value>, zone: Tz) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(object, &KEYS);
        let zone = reader.zone(zone);
        let idle = Self {
            idle_duration: reader.integer("idle_duration", 1, MAX_IDLE_SECONDS).unwrap_or(60),
            cpu_below_percent: percent(&mut reader),
            repeat: reader.boolean("repeat").unwrap_or(false),
            bounds: reader.bounds(zone),
            zone,
        };
        reader.finish(Some(idle))
    }

    fn duration(&self) -> TimeDelta {
        i64::try_from(self.idle_duration).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX)
    }
}

fn percent(reader: &mut Reader<'_>) -> f64 {
    const DEFAULT: f64 = 20.0;
    let Some(value) = reader.value("cpu_below_percent") else { return DEFAULT };
    match value.as_f64() {
        Some(percent) if percent > 0.0 && percent <= 100.0 => percent,
        Some(_) => {
            let shown = value.to_string();
            reader.fault("cpu_below_percent", message!("idle.percent_out_of_range", value = super::text::truncate(&shown)));
            DEFAULT
        }
        None => {
            reader.fault("cpu_below_percent", message!("idle.not_percent"));
            DEFAULT
        }
    }
}

/// The state of idle detection. Pure: the caller supplies the samples and the time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdleState {
    /// Start of the current idle period, or the last firing within it.
    since: Option<DateTime<Utc>>,
    /// Time of the last sample.
    last: Option<DateTime<Utc>>,
    /// Whether the trigger has fired in the current idle period.
    fired: bool,
}

impl IdleState {
    /// Records the CPU use (percent) since the previous sample and returns whether to fire now.
    /// A busy sample ends the idle period; so does a gap of more than 30 seconds between samples.
    pub fn observe(&mut self, rule: &Idle, cpu_percent: f64, now: DateTime<Utc>) -> bool {
        let sampling_gap = self.last.is_some_and(|last| now < last || now - last > MAX_SAMPLE_GAP);
        self.last = Some(now);
        if sampling_gap || cpu_percent.is_nan() || cpu_percent >= rule.cpu_below_percent {
            (self.since, self.fired) = (None, false);
        }
        if cpu_percent.is_nan() || cpu_percent >= rule.cpu_below_percent {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let due = now - since >= rule.duration() && (rule.repeat || !self.fired) && rule.bounds.contains(now);
        if due {
            (self.since, self.fired) = (Some(now), true);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(repeat: bool) -> Idle {
        Idle { idle_duration: 60, cpu_below_percent: 20.0, repeat, bounds: Bounds::default(), zone: Tz::UTC }
    }

    fn fires(rule: &Idle, samples: impl IntoIterator<Item = (i64, f64)>) -> Vec<i64> {
        let mut state = IdleState::default();
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        samples.into_iter().filter(|(second, cpu)| state.observe(rule, *cpu, at(*second))).map(|(second, _)| second).collect()
    }

    #[test]
    fn fires_once_per_idle_period() {
        let samples = (0..60).map(|n| (n * 5, if n == 20 { 90.0 } else { 3.0 }));
        assert_eq!(fires(&rule(false), samples), [60, 165]);
    }

    #[test]
    fn repeats_after_each_further_duration() {
        assert_eq!(fires(&rule(true), (0..50).map(|n| (n * 5, 3.0))), [60, 120, 180, 240]);
    }

    #[test]
    fn gap_between_samples_restarts_the_idle_period() {
        assert_eq!(fires(&rule(false), [(0, 1.0), (10, 1.0), (500, 1.0), (520, 1.0), (545, 1.0), (565, 1.0)]), [565]);
    }

    #[test]
    fn cpu_use_at_the_limit_counts_as_busy() {
        assert_eq!(fires(&rule(false), (0..50).map(|n| (n * 5, 20.0))), [0_i64; 0]);
    }

    #[test]
    fn start_date_delays_the_firing() {
        let mut rule = rule(false);
        rule.bounds.start = DateTime::from_timestamp(100, 0);
        assert_eq!(fires(&rule, (0..50).map(|n| (n * 5, 3.0))), [100]);
    }
}
