//! The head of the list of executions: tabs by status, and the histogram of a range.

use chrono::Duration;
use chrono_tz::Tz;
use serde::Serialize;

use super::View;
use super::chart::{Chart, Column};
use super::context::ViewContext;
use crate::domain::execution::Status;
use crate::i18n::thousands;
use crate::stats::outcome_history::{OUTCOME_LIMIT, OUTCOME_SEARCH_LIMIT, OutcomeHistory, OutcomeLimit};
use crate::stats::timeline::Slot;

/// The tabs and the histogram, to be drawn.
#[derive(Debug, Clone, Serialize)]
pub struct DrawnWorkbench {
    pub tabs: Vec<StatusTab>,
    /// The outcomes of the range, by slot; without slots where the range is too long.
    pub histogram: Histogram,
}

impl View for DrawnWorkbench {
    const TEMPLATE: &'static str = "fragments/workbench.html";

    fn samples() -> Vec<Self> {
        let tabs = || {
            vec![
                StatusTab { status: "", href: "/executions".into(), count: None, active: true },
                StatusTab { status: "failed", href: "/executions?status=failed".into(), count: Some(1234), active: false },
            ]
        };
        let sample = |histogram| DrawnWorkbench { tabs: tabs(), histogram };
        [Histogram::default(), Histogram::sample()].map(sample).into()
    }
}

/// A tab: one status, or all of them if it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusTab {
    pub status: &'static str,
    pub href: String,
    /// The number of executions, if it is known.
    pub count: Option<i64>,
    pub active: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    pub chart: Chart,
    /// The start of the first slot and the length of a slot, in milliseconds.
    pub from: i64,
    pub step: i64,
    /// The first and last time, and the middle.
    pub marks: Vec<String>,
    /// Which of the newest executions are counted, if not all are.
    pub note: String,
}

impl Histogram {
    /// `zone`: of the marks and of the times in URLs. `address`: the URL of the list between two times.
    pub fn new(ctx: &ViewContext, history: &OutcomeHistory, zone: Tz, address: impl Fn(&str, &str) -> String) -> Histogram {
        let Some((first, last)) = history.slots.first().zip(history.slots.last()) else { return Histogram::default() };
        let middle = first.from + (last.to - first.from) / 2;
        let format = if last.to - first.from > Duration::days(2) { "%m-%d" } else { "%H:%M" };
        Histogram {
            chart: Chart::new(history.slots.iter().map(|slot| column(ctx, slot, zone, &address)).collect()),
            from: first.from.timestamp_millis(),
            step: (first.to - first.from).num_milliseconds(),
            marks: [first.from, middle, last.to].map(|at| at.with_timezone(&zone).format(format).to_string()).into(),
            note: history.limit.map(|limit| note(ctx, limit)).unwrap_or_default(),
        }
    }

    fn sample() -> Histogram {
        Histogram { chart: Chart::sample(), from: 0, step: 60_000, marks: vec!["…".into()], note: "…".into() }
    }
}

fn note(ctx: &ViewContext, limit: OutcomeLimit) -> String {
    let (key, count) = match limit {
        OutcomeLimit::Matches => ("executions.counted", OUTCOME_LIMIT),
        OutcomeLimit::Searched => ("executions.counted_search", OUTCOME_SEARCH_LIMIT),
    };
    ctx.texts.fill(key, &[("n", &thousands(count))])
}

fn column(ctx: &ViewContext, slot: &Slot, zone: Tz, address: impl Fn(&str, &str) -> String) -> Column {
    let (from, to) = (slot.from.with_timezone(&zone), slot.to.with_timezone(&zone));
    let counts =
        slot.outcomes.iter().map(|(status, runs)| format!(" · {} {runs}", ctx.t(&format!("status.{}", status.as_str()))));
    let url = |at: &chrono::DateTime<Tz>| at.format("%Y-%m-%dT%H:%M:%S").to_string();
    Column {
        href: if slot.total() > 0 { address(&url(&from), &url(&to)) } else { String::new() },
        label: format!("{} – {}{}", from.format("%m-%d %H:%M"), to.format("%H:%M"), counts.collect::<String>()),
        amounts: slot.outcomes.iter().map(|(status, runs)| (status.as_str(), *runs)).collect(),
    }
}

/// The tabs: all, and each status. `address` is the URL of the list with one status, or with all for `None`.
pub fn tabs(history: Option<&OutcomeHistory>, chosen: &[String], address: impl Fn(Option<Status>) -> String) -> Vec<StatusTab> {
    let all = StatusTab { status: "", href: address(None), count: None, active: chosen.is_empty() };
    let tab = |status: Status| StatusTab {
        status: status.as_str(),
        href: address(Some(status)),
        count: history.and_then(|history| history.count(status)),
        active: chosen == [status.as_str()],
    };
    std::iter::once(all).chain(Status::ALL.map(tab)).collect()
}
