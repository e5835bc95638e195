//! Patterns in number sets, for descriptions: one value, all, every n-th, a range, or a list.

use crate::domain::trigger::cron::Rule;

/// Maximum number of times of day that a description lists.
const MAX_LISTED_TIMES: usize = 24;
/// Up to this number of times of day, a description always lists them.
const MAX_ALWAYS_LISTED_TIMES: usize = 4;

/// The pattern of the values of an hour, minute or second field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    All,
    One(u32),
    /// Every n-th value from 0; n divides the size of the range.
    Every(u32),
    Range(u32, u32),
    /// First, last, step.
    Stepped(u32, u32, u32),
    List(Vec<u32>),
}

impl Shape {
    /// Returns the pattern of a bit set whose values range from 0 to `size` - 1.
    pub(super) fn from_bits(bits: u64, size: u32) -> Self {
        let values = set(bits);
        let (Some(first), Some(last)) = (values.first().copied(), values.last().copied()) else { return Self::List(values) };
        let step = values.get(1).map_or(0, |second| second - first);
        let even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
        match values.len() {
            1 => Self::One(first),
            count if count == size as usize => Self::All,
            _ if even && first == 0 && step > 1 && size.is_multiple_of(step) && last + step == size => Self::Every(step),
            3.. if even && step == 1 => Self::Range(first, last),
            4.. if even => Self::Stepped(first, last, step),
            _ => Self::List(values),
        }
    }
}

/// The times of day at which a rule fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Times {
    /// At these times: hour, minute, second.
    At(Vec<(u32, u32, u32)>),
    /// At one minute and second of these hours.
    InHours { hour: Shape, minute: u32, second: u32 },
    /// More than once an hour.
    Often { hour: Shape, minute: Shape, second: Shape },
}

impl Times {
    pub(super) fn from_rule(rule: &Rule) -> Self {
        let (hours, minutes, seconds) = (set(u64::from(rule.hours)), set(rule.minutes), set(rule.seconds));
        let (hour, minute) = (Shape::from_bits(u64::from(rule.hours), 24), Shape::from_bits(rule.minutes, 60));
        let count = hours.len() * minutes.len() * seconds.len();
        let listed = count <= MAX_ALWAYS_LISTED_TIMES
            || count <= MAX_LISTED_TIMES && minutes.len() * seconds.len() == 1 && matches!(hour, Shape::List(_));
        if listed {
            return Self::At(product(&hours, &minutes, &seconds));
        }
        match (minute, Shape::from_bits(rule.seconds, 60)) {
            (Shape::One(minute), Shape::One(second)) => Self::InHours { hour, minute, second },
            (minute, second) => Self::Often { hour, minute, second },
        }
    }
}

/// Returns the values of a bit set, ascending.
pub(super) fn set(bits: u64) -> Vec<u32> {
    (0..64).filter(|value| bits >> value & 1 == 1).collect()
}

/// Splits ascending values into runs of consecutive values: first and last of each.
pub(super) fn runs(values: &[u32]) -> Vec<(u32, u32)> {
    let runs = values.chunk_by(|before, after| before + 1 == *after);
    runs.filter_map(|run| Some((*run.first()?, *run.last()?))).collect()
}

/// Returns first, last and step of five or more evenly spaced values with a step above 1.
pub(super) fn stepped(values: &[u32]) -> Option<(u32, u32, u32)> {
    let (first, last) = (*values.first()?, *values.last()?);
    let step = values.get(1)? - first;
    let even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
    (even && step > 1 && values.len() >= 5).then_some((first, last, step))
}

fn product(hours: &[u32], minutes: &[u32], seconds: &[u32]) -> Vec<(u32, u32, u32)> {
    let minutes = |hour| minutes.iter().map(move |minute| (hour, *minute));
    let pairs = hours.iter().flat_map(|hour| minutes(*hour));
    pairs.flat_map(|(hour, minute)| seconds.iter().map(move |second| (hour, minute, *second))).collect()
}

/// Formats one time of day, with seconds if they are not 0.
pub(super) fn clock_time(hour: u32, minute: u32, second: u32) -> String {
    clock_times(&[(hour, minute, second)]).concat()
}

/// Formats times of day as `08:00`, with seconds if any of them has seconds other than 0.
pub(super) fn clock_times(times: &[(u32, u32, u32)]) -> Vec<String> {
    let seconds = times.iter().any(|(_, _, second)| *second > 0);
    let form = |(hour, minute, second): &(u32, u32, u32)| {
        if seconds { format!("{hour:02}:{minute:02}:{second:02}") } else { format!("{hour:02}:{minute:02}") }
    };
    times.iter().map(form).collect()
}
