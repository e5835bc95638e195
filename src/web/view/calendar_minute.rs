//! View of a crowded minute: what fires in it, and where it could move.

use serde::Serialize;

use super::View;
use super::chart::Chart;

#[derive(Debug, Clone, Serialize)]
pub struct CalendarMinute {
    /// The minute and the proposed one, as `HH:MM`, with their firings.
    pub clock: String,
    pub firings: i64,
    pub quiet_clock: String,
    pub quiet_firings: i64,
    pub day: String,
    /// Firings of the hour by minute.
    pub chart: Chart,
    pub tasks: Vec<MinuteTask>,
    /// URL that moves a task.
    pub post_to: String,
    pub back: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MinuteTask {
    pub id: String,
    pub href: String,
    pub rule: String,
    pub version: i64,
    /// Whether the reader may move it, and its rule can be moved.
    pub can_move: bool,
}

impl View for CalendarMinute {
    const TEMPLATE: &'static str = "pages/calendar_minute.html";

    fn samples() -> Vec<Self> {
        let task = |can_move| MinuteTask { id: "<b>".into(), href: "/tasks/x".into(), rule: "…".into(), version: 3, can_move };
        let minute = |tasks| CalendarMinute {
            clock: "18:00".into(),
            firings: 6,
            quiet_clock: "18:01".into(),
            quiet_firings: 0,
            day: "2026-11-21".into(),
            chart: Chart::sample(),
            tasks,
            post_to: "/calendar/-/minute?at=x".into(),
            back: "/calendar".into(),
        };
        vec![minute(vec![task(true), task(false)]), minute(Vec::new())]
    }
}
