//! The small chart of a task's latest runs: one bar a run, its height by duration, its color by outcome.

use serde::Serialize;

use crate::domain::recent_outcomes::RecentOutcome;

/// Height of the chart in SVG units, and width of a run with its gap.
const HEIGHT: i64 = 20;
const STEP: i64 = 2;
/// Minimum height of a bar.
const MIN_HEIGHT: i64 = 2;

/// The bars by outcome: each outcome is one path of filled steps, which the style sheet colors and cuts into bars.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spark {
    pub paths: Vec<SparkPath>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SparkPath {
    /// The status; determines the color.
    pub kind: &'static str,
    /// Path data.
    pub d: String,
}

impl Spark {
    /// `runs`: the latest runs, oldest first.
    pub fn new(runs: &[RecentOutcome]) -> Spark {
        let longest = runs.iter().map(|run| run.duration_ms).max().unwrap_or_default().max(1);
        let height = |run: &RecentOutcome| (run.duration_ms.max(0).saturating_mul(HEIGHT) / longest).max(MIN_HEIGHT);
        let bars: Vec<_> = runs.iter().map(|run| (run.status.as_str(), HEIGHT - height(run))).collect();
        let mut paths: Vec<SparkPath> = Vec::new();
        let mut x = 0;
        // Neighbours of the same outcome are one shape, and of the same height one step.
        for shape in bars.chunk_by(|one, next| one.0 == next.0) {
            let mut d = format!("M{x} {HEIGHT}");
            for step in shape.chunk_by(|one, next| one.1 == next.1) {
                x += i64::try_from(step.len()).unwrap_or_default() * STEP;
                d.push_str(&format!("V{}H{x}", step[0].1));
            }
            d.push_str(&format!("V{HEIGHT}"));
            match paths.iter_mut().find(|path| path.kind == shape[0].0) {
                Some(path) => path.d.push_str(&d),
                None => paths.push(SparkPath { kind: shape[0].0, d }),
            }
        }
        Spark { paths }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::execution::Status;

    #[test]
    fn each_outcome_is_one_path() {
        let run = |status, duration_ms| RecentOutcome { status, duration_ms };
        let spark = Spark::new(&[run(Status::Succeeded, 100), run(Status::Failed, 50), run(Status::Succeeded, 0)]);
        let path = |kind, d: &str| SparkPath { kind, d: d.to_owned() };
        assert_eq!(spark.paths, [path("succeeded", "M0 20V0H2V20M4 20V18H6V20"), path("failed", "M2 20V10H4V20")]);
        let same = Spark::new(&[run(Status::Succeeded, 100), run(Status::Succeeded, 100), run(Status::Succeeded, 50)]);
        assert_eq!(same.paths, [path("succeeded", "M0 20V0H4V10H6V20")]);
        assert_eq!(Spark::new(&[]), Spark::default());
    }
}
