//! The trend of the overview: a chart of the outcomes, with the ranges to choose from.

use chrono_tz::Tz;
use serde::Serialize;

use super::Moment;
use super::chart::Chart;
use super::context::ViewContext;
use super::executions::Range;
use super::outcome_column::{column, window};
use crate::stats::timeline::Slot;
use crate::stats::trend::{Trend, TrendRange};
use crate::web::urls::with_query;

#[derive(Debug, Clone, Serialize)]
pub struct TrendView {
    pub ranges: Vec<Range>,
    /// The chosen range.
    pub range: &'static str,
    /// Rounded down.
    pub success_percent: Option<i64>,
    /// The executions of the range.
    pub href: String,
    pub chart: Chart,
    /// Labels below the chart.
    pub marks: Vec<Moment>,
    /// The statuses that occur.
    pub legend: Vec<&'static str>,
}

impl TrendView {
    pub fn new(ctx: &ViewContext, trend: &Trend) -> TrendView {
        let range = |range: TrendRange| Range {
            key: range.as_str(),
            href: with_query("/", &[("trend", range.as_str())]),
            active: range == trend.range,
        };
        let bars = trend.slots.iter().map(|slot| column(ctx, slot, &label(trend.range, slot, ctx.zone)));
        let occurs = |status| trend.slots.iter().any(|slot| slot.outcomes.iter().any(|(found, _)| *found == status));
        let statuses = crate::domain::execution::Status::ALL.into_iter().filter(|status| occurs(*status));
        TrendView {
            ranges: TrendRange::ALL.map(range).into(),
            range: trend.range.as_str(),
            success_percent: trend.success_rate.map(|rate| (rate * 100.0).floor() as i64),
            href: trend.slots.first().map(|slot| window(slot.from, None, ctx.zone)).unwrap_or_default(),
            chart: Chart::new(bars.collect()),
            marks: marks(trend, ctx.zone),
            legend: statuses.map(|status| status.as_str()).collect(),
        }
    }

    pub fn sample() -> TrendView {
        let range = |key, active| Range { key, href: "/?trend=week".into(), active };
        TrendView {
            ranges: vec![range("day", false), range("week", true)],
            range: "week",
            success_percent: Some(97),
            href: "/executions".into(),
            chart: Chart::sample(),
            marks: vec![Moment::sample()],
            legend: vec!["succeeded"],
        }
    }
}

/// The period of a slot in words; the last slot of a day ends on the next one.
fn label(range: TrendRange, slot: &Slot, zone: Tz) -> String {
    let (from, to) = (slot.from.with_timezone(&zone), slot.to.with_timezone(&zone));
    match range {
        TrendRange::Day => format!("{}–{}", from.format("%H:%M"), to.format("%H:%M")),
        TrendRange::Week => format!("{}–{}", from.format("%m-%d %H:%M"), to.format("%H:%M")),
        TrendRange::Month => from.format("%m-%d").to_string(),
    }
}

/// A mark every 6 hours, every day, or every 5 days.
fn marks(trend: &Trend, zone: Tz) -> Vec<Moment> {
    let every = |slots: usize| trend.slots.iter().step_by(slots);
    match trend.range {
        TrendRange::Day => every(6).map(|slot| Moment::clock(slot.from, zone)).collect(),
        TrendRange::Week => every(4).map(|slot| Moment::day(slot.from, zone)).collect(),
        TrendRange::Month => every(5).map(|slot| Moment::day(slot.from, zone)).collect(),
    }
}
