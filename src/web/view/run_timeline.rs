//! The timeline of a run to scale: waiting, attempts and the pauses between them.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::context::ViewContext;
use crate::domain::execution::{Execution, ExecutionDetail};

/// Width of the chart in SVG units, and the least width of a part.
const WIDTH: i64 = 1000;
const MIN_WIDTH: i64 = 3;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunTimeline {
    pub parts: Vec<TimePart>,
    /// From the scheduled time to the end, in milliseconds.
    pub span: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimePart {
    /// `waiting`, or the status of an attempt.
    pub kind: &'static str,
    pub x: i64,
    pub width: i64,
    pub duration: i64,
    /// The number of the attempt, 0 for waiting.
    pub attempt: i64,
}

impl RunTimeline {
    pub fn new(ctx: &ViewContext, detail: &ExecutionDetail) -> RunTimeline {
        let run = &detail.execution;
        let begin = run.scheduled_at.min(run.queued_at);
        let end = end(run, ctx.now).max(begin);
        let span = (end - begin).num_milliseconds();
        let place = |at: DateTime<Utc>| (at - begin).num_milliseconds().clamp(0, span).saturating_mul(WIDTH) / span.max(1);
        let mut parts = Vec::new();
        let mut reached = begin;
        let mut push = |kind, from: DateTime<Utc>, to: DateTime<Utc>, attempt| {
            let duration = (to - from).num_milliseconds().max(0);
            if duration > 0 || attempt > 0 {
                let x = place(from).min(WIDTH - MIN_WIDTH);
                parts.push(TimePart { kind, x, width: (place(to) - x).max(MIN_WIDTH), duration, attempt });
            }
        };
        for attempt in &detail.attempts {
            let Some(started) = attempt.started_at else { continue };
            let finished = attempt.finished_at.unwrap_or(end);
            push("waiting", reached, started, 0);
            push(attempt.status.as_str(), started, finished, attempt.attempt);
            reached = finished;
        }
        push("waiting", reached, end, 0);
        RunTimeline { parts, span }
    }

    pub fn sample() -> RunTimeline {
        let part = |kind, x, attempt| TimePart { kind, x, width: 500, duration: 5, attempt };
        RunTimeline { parts: vec![part("waiting", 0, 0), part("failed", 500, 1)], span: 10 }
    }
}

/// The end of the run, or now.
fn end(run: &Execution, now: DateTime<Utc>) -> DateTime<Utc> {
    run.finished_at.unwrap_or(if run.status.is_final() { run.queued_at } else { now })
}
