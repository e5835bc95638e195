//! The runs of a task as charts with an axis: durations with median and 95th percentile, start delays as a line. Values far above
//! the others are clipped and marked, so that they do not flatten the rest.

use serde::Serialize;

use super::context::ViewContext;
use crate::domain::execution::Status;
use crate::domain::stats::RunPoint;
use crate::stats::percentiles::Percentiles;
use crate::web::urls::encode;

/// Height of the values in SVG units; the strip of outcomes is below.
const HEIGHT: i64 = 100;
const SLOT: i64 = 10;
/// The least number of slots, so that a few runs do not get too wide.
const MIN_SLOTS: i64 = 30;
/// Values above this multiple of the 95th percentile are clipped at half of it.
const OUTLIER: i64 = 3;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunChart {
    pub width: i64,
    pub runs: Vec<RunBar>,
    /// Path of the values as a line; empty for bars.
    pub line: String,
    /// The value at the top of the chart and half of it.
    pub top: i64,
    pub half: i64,
    /// Values and heights of the median and the 95th percentile; `None` without values.
    pub median: Option<Level>,
    pub p95: Option<Level>,
    /// The number of clipped values.
    pub clipped: usize,
}

/// A horizontal line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Level {
    pub value: i64,
    pub y: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunBar {
    pub href: String,
    pub label: String,
    /// The status; determines the color.
    pub kind: &'static str,
    pub x: i64,
    pub y: i64,
    /// 0 without a value.
    pub height: i64,
    pub is_clipped: bool,
}

impl RunChart {
    /// Bars of the durations. The usual values are those of the successful runs.
    pub fn durations(ctx: &ViewContext, runs: &[RunPoint]) -> RunChart {
        let good = runs.iter().filter(|run| run.status == Status::Succeeded).filter_map(|run| run.duration_ms).collect();
        RunChart::new(ctx, runs, good, |run| run.duration_ms)
    }

    /// A line of the start delays.
    pub fn start_delays(ctx: &ViewContext, runs: &[RunPoint]) -> RunChart {
        let all = runs.iter().filter_map(|run| run.lateness_ms).collect();
        let mut chart = RunChart::new(ctx, runs, all, |run| run.lateness_ms);
        let mut is_drawn = false;
        for (bar, run) in chart.runs.iter().zip(runs) {
            if run.lateness_ms.is_some() {
                chart.line.push_str(&format!("{}{} {}", if is_drawn { "L" } else { "M" }, bar.x + SLOT / 2, bar.y));
            }
            is_drawn = run.lateness_ms.is_some();
        }
        chart
    }

    fn new(ctx: &ViewContext, runs: &[RunPoint], usual: Vec<i64>, value: impl Fn(&RunPoint) -> Option<i64>) -> RunChart {
        let found = Percentiles::from_values(usual);
        let Some(largest) = runs.iter().filter_map(&value).max() else { return RunChart::default() };
        let top = top(largest, found.p95).max(1);
        let y = |value: i64| HEIGHT - (value.clamp(0, top).saturating_mul(HEIGHT) / top);
        let level = |value: Option<i64>| value.map(|value| Level { value, y: y(value) });
        let bar = |(place, run): (i64, &RunPoint)| {
            let value = value(run);
            let height = value.map_or(0, |value| (HEIGHT - y(value)).max(1));
            RunBar {
                href: format!("/executions/{}", encode(&run.id)),
                label: label(ctx, run, value),
                kind: run.status.as_str(),
                x: place * SLOT,
                y: HEIGHT - height,
                height,
                is_clipped: value.is_some_and(|value| value > top),
            }
        };
        let bars: Vec<RunBar> = (0..).zip(runs).map(bar).collect();
        RunChart {
            width: SLOT * (bars.len() as i64).max(MIN_SLOTS),
            clipped: bars.iter().filter(|bar| bar.is_clipped).count(),
            runs: bars,
            line: String::new(),
            top,
            half: top / 2,
            median: level(found.p50),
            p95: level(found.p95),
        }
    }

    pub fn sample() -> RunChart {
        let bar = |x, is_clipped| RunBar {
            href: "/executions/01J".into(),
            label: "…".into(),
            kind: "failed",
            x,
            y: 20,
            height: 80,
            is_clipped,
        };
        RunChart {
            width: 300,
            runs: vec![bar(0, false), bar(10, true)],
            line: "M5 20L15 20".into(),
            top: 10,
            half: 5,
            median: Some(Level { value: 5, y: 50 }),
            p95: Some(Level { value: 9, y: 10 }),
            clipped: 1,
        }
    }
}

/// The value at the top: the largest one, unless it is far above the 95th percentile.
fn top(largest: i64, p95: Option<i64>) -> i64 {
    match p95 {
        Some(p95) if p95 > 0 && largest > p95.saturating_mul(OUTLIER) => p95.saturating_mul(OUTLIER) / 2,
        _ => largest,
    }
}

fn label(ctx: &ViewContext, run: &RunPoint, value: Option<i64>) -> String {
    let began = run.started_at.map(|at| at.with_timezone(&ctx.zone).format("%Y-%m-%d %H:%M:%S").to_string());
    let value = value.map(|value| ctx.language.duration(value));
    let status = ctx.t(&format!("status.{}", run.status.as_str())).to_owned();
    [began, value, Some(status)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_far_above_the_others_are_clipped() {
        assert_eq!(top(300, Some(100)), 300);
        assert_eq!(top(301, Some(100)), 150);
        assert_eq!(top(50, None), 50);
        assert_eq!(top(50, Some(0)), 50);
    }
}
