//! Percentiles and medians of durations and latenesses.

use crate::domain::execution::Status;
use crate::domain::stats::RunPoint;

/// Percentiles in milliseconds; `None` without runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: Option<i64>,
    pub p95: Option<i64>,
    pub p99: Option<i64>,
    pub max: Option<i64>,
}

impl Percentiles {
    /// The percentiles of these values, in any order.
    pub fn from_values(mut values: Vec<i64>) -> Percentiles {
        values.sort_unstable();
        let at = |share: f64| values.get(((values.len().max(1) - 1) as f64 * share).round() as usize).copied();
        Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) }
    }
}

/// The middle of the values, in any order; the upper one of an even number.
pub fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// The median duration of the succeeded runs, in milliseconds.
pub fn median_duration<'r>(runs: impl IntoIterator<Item = &'r RunPoint>) -> Option<i64> {
    let good = runs.into_iter().filter(|run| run.status == Status::Succeeded);
    median(good.filter_map(|run| run.duration_ms).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_an_empty_and_a_full_sample() {
        assert_eq!(Percentiles::from_values(Vec::new()), Percentiles::default());
        let found = Percentiles::from_values((1..=101).rev().collect());
        assert_eq!((found.p50, found.p95, found.p99, found.max), (Some(51), Some(96), Some(100), Some(101)));
    }
}
