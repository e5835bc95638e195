//! Shared by several statistics: the step of the counters and the success rate.

use crate::domain::execution::Status;

/// The step of the counters in milliseconds: hours and days of every time zone begin at a quarter of an hour.
pub const QUARTER_MS: i64 = 900_000;

/// Succeeded / (succeeded + failures), 0 to 1; `None` if there were none.
pub fn success_rate(by_status: &[(Status, i64)]) -> Option<f64> {
    let sum = |wanted: fn(Status) -> bool| by_status.iter().filter(|(status, _)| wanted(*status)).map(|(_, n)| n).sum::<i64>();
    let succeeded = sum(|status| status == Status::Succeeded);
    let ended = succeeded + sum(Status::is_failure);
    (ended > 0).then(|| succeeded as f64 / ended as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_rate_ignores_missed_and_cancelled() {
        let rate = success_rate(&[(Status::Succeeded, 3), (Status::Failed, 1), (Status::Missed, 9), (Status::Cancelled, 5)]);
        assert_eq!(rate, Some(0.75));
        assert_eq!(success_rate(&[(Status::Skipped, 4)]), None);
    }
}
