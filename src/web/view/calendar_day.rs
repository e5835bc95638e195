//! View of one day of the calendar: a line a task, with runs and planned runs to scale.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::View;
use super::calendar::CalendarNav;
use super::context::ViewContext;
use super::tasks::task_href;
use crate::stats::day_plan::{DayPlan, DayRow};
use crate::web::urls::with_query;

/// Width of a day in SVG units, and the least width of a bar.
const WIDTH: i64 = 2_880;
const MIN_WIDTH: i64 = 5;
/// Hours between the marks.
const MARK_HOURS: i64 = 3;

#[derive(Debug, Clone, Serialize)]
pub struct CalendarDay {
    #[serde(flatten)]
    pub nav: CalendarNav,
    pub rows: Vec<DayLine>,
    /// Clock times of the axis.
    pub marks: Vec<String>,
    /// Place of the current time; `None` on other days.
    pub now: Option<i64>,
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayLine {
    pub task_id: String,
    pub href: String,
    /// URL of its executions of the day.
    pub runs_href: String,
    /// Usual duration in milliseconds; `None` if it is not known.
    pub usual: Option<i64>,
    pub runs: usize,
    pub planned: usize,
    pub bars: Vec<DayBar>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayBar {
    /// A status or `planned`; determines the color.
    pub kind: &'static str,
    pub x: i64,
    pub width: i64,
    pub label: String,
}

impl CalendarDay {
    /// The day from `from` to `to`.
    pub fn new(ctx: &ViewContext, nav: CalendarNav, plan: &DayPlan, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> CalendarDay {
        let scale = Scale { from, to };
        let hours = (to - from).num_hours();
        let marks = (0..hours).step_by(MARK_HOURS as usize).map(|hour| from + Duration::hours(hour));
        CalendarDay {
            nav,
            rows: plan.rows.iter().map(|row| line(ctx, row, scale)).collect(),
            marks: marks.map(|at| at.with_timezone(&ctx.zone).format("%H:%M").to_string()).collect(),
            now: (from..to).contains(&ctx.now).then(|| scale.place(ctx.now)),
            more: plan.more,
        }
    }
}

#[derive(Clone, Copy)]
struct Scale {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Scale {
    fn place(self, at: DateTime<Utc>) -> i64 {
        let whole = (self.to - self.from).num_milliseconds().max(1);
        (at - self.from).num_milliseconds().clamp(0, whole) * WIDTH / whole
    }
}

fn line(ctx: &ViewContext, row: &DayRow, scale: Scale) -> DayLine {
    let clock = |at: DateTime<Utc>| at.with_timezone(&ctx.zone).format("%H:%M:%S").to_string();
    let bar = |kind: &'static str, at: DateTime<Utc>, duration: Option<i64>| {
        let x = scale.place(at).min(WIDTH - MIN_WIDTH);
        let end = at.checked_add_signed(Duration::milliseconds(duration.unwrap_or_default())).unwrap_or(at);
        let text = duration.map(|ms| format!(" · {}", ctx.language.duration(ms))).unwrap_or_default();
        let label = format!("{}{text} · {}", clock(at), ctx.t(&format!("status.{kind}")));
        DayBar { kind, x, width: (scale.place(end) - x).max(MIN_WIDTH), label }
    };
    let running = |at: DateTime<Utc>| (ctx.now - at).num_milliseconds().max(0);
    let planned = row.planned.iter().map(|at| bar("planned", *at, row.usual_ms));
    let ran =
        row.runs.iter().rev().map(|run| {
            bar(run.status.as_str(), run.started_at, Some(run.duration_ms.unwrap_or_else(|| running(run.started_at))))
        });
    let mut bars: Vec<DayBar> = ran.chain(planned).collect();
    // Bars that touch and look the same are one.
    bars.dedup_by(|next, bar| {
        let touches = bar.kind == next.kind && (bar.x..=bar.x + bar.width).contains(&next.x);
        if touches {
            bar.width = bar.width.max(next.x + next.width - bar.x);
        }
        touches
    });
    let url = |at: DateTime<Utc>| at.with_timezone(&ctx.zone).format("%Y-%m-%dT%H:%M:%S").to_string();
    let (from, to) = (url(scale.from), url(scale.to));
    let pairs = [("task_id", row.task_id.as_str()), ("from", &from), ("to", &to), ("zone", ctx.zone.name())];
    DayLine {
        href: task_href(&row.task_id),
        runs_href: with_query("/executions", &pairs),
        task_id: row.task_id.clone(),
        usual: row.usual_ms,
        runs: row.runs.len(),
        planned: row.planned.len(),
        bars,
    }
}

impl View for CalendarDay {
    const TEMPLATE: &'static str = "pages/calendar_day.html";

    fn samples() -> Vec<Self> {
        let bar = |kind| DayBar { kind, x: 0, width: 5, label: "<b>".into() };
        let line = |usual| DayLine {
            task_id: "<b>".into(),
            href: "/tasks/x".into(),
            runs_href: "/executions?task_id=x".into(),
            usual,
            runs: 1,
            planned: 2,
            bars: vec![bar("failed"), bar("planned")],
        };
        let day = |rows, now, more| CalendarDay { nav: CalendarNav::sample("day"), rows, marks: vec!["00:00".into()], now, more };
        vec![day(vec![line(Some(5)), line(None)], Some(100), true), day(Vec::new(), None, false)]
    }
}
