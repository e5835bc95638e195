//! View of one task.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::hooks::HookRow;
use super::incidents::{IncidentRow, MuteView, PageLink};
use super::pause::PauseNote;
use super::run_chart::RunChart;
use super::run_inputs::InputControl;
use super::tasks::{TaskRow, task_href};
use super::versions::VersionRow;
use super::{Moment, View, shortened};
use crate::domain::chain::Link;
use crate::domain::schedule::PreviewOccurrence;

mod samples;

/// A rule is quick if this many runs take less than this time.
const MIN_RUNS: i64 = 5;
const QUICK_SECONDS: i64 = 1_800;

#[derive(Debug, Clone, Serialize)]
pub struct TaskPage {
    pub row: TaskRow,
    pub title: String,
    pub description: String,
    pub zone: String,
    /// Trigger as JSON.
    pub trigger: String,
    pub policy: String,
    pub created: Moment,
    pub updated: Moment,
    /// Tasks that run after it.
    pub chain: Vec<ChainLink>,
    /// The inputs, with their defaults.
    pub inputs: Vec<InputControl>,
    pub upcoming: Vec<Firing>,
    /// Set if the rule fires often; then only the first runs are listed.
    pub quick: Option<QuickRule>,
    pub notes: Vec<String>,
    /// Successful runs in percent of ended runs; `None` without runs.
    pub success_percent: Option<i64>,
    /// Durations and start delays of its latest started runs.
    pub durations: RunChart,
    pub start_delays: RunChart,
    /// The rows of its latest executions, drawn.
    pub executions: String,
    pub executions_href: String,
    /// Id of the newest execution shown.
    pub newest: String,
    /// What its type keeps from one run to the next.
    pub state: Option<KeptState>,
    /// The notification rules that hold for it: their names, with the pages that edit them.
    pub rules: Vec<PageLink>,
    /// Its open incidents.
    pub incidents: Vec<IncidentRow>,
    pub muted: Option<MuteView>,
    pub paused: Option<PauseNote>,
    /// The hooks, and the page that manages them.
    pub hooks: Vec<HookRow>,
    pub hooks_href: String,
    /// The latest versions.
    pub versions: Vec<VersionRow>,
    /// The number of versions among them that only pause or resume, and are left out.
    pub pausing_versions: usize,
}

/// The kept state of a task.
#[derive(Debug, Clone, Serialize)]
pub struct KeptState {
    pub json: String,
    pub updated: Moment,
}

/// A task started by a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainLink {
    /// `success`, `failure` or `always`.
    pub on: &'static str,
    pub task_id: String,
    /// Empty if the task was deleted.
    pub href: String,
    /// Parameter overrides, shortened; empty without any.
    pub params: String,
}

impl ChainLink {
    pub fn new(link: &Link, exists: bool) -> ChainLink {
        let href = if exists { task_href(&link.task) } else { String::new() };
        let params = if link.params.is_empty() { String::new() } else { shortened(&Value::Object(link.params.clone())) };
        ChainLink { on: link.on.as_str(), href, task_id: link.task.clone(), params }
    }
}

/// A rule that fires often: its next runs are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuickRule {
    /// Runs per hour, rounded.
    pub per_hour: i64,
}

impl QuickRule {
    /// From the next runs; `None` if they are few, or far apart.
    pub fn new(times: &[DateTime<Utc>]) -> Option<QuickRule> {
        let (first, last) = times.first().zip(times.last())?;
        let seconds = (*last - *first).num_seconds();
        let runs = times.len() as i64 - 1;
        (runs >= MIN_RUNS && seconds < QUICK_SECONDS)
            .then(|| QuickRule { per_hour: (runs * 3600 + seconds / 2) / seconds.max(1) })
    }
}

/// A run to come.
#[derive(Debug, Clone, Serialize)]
pub struct Firing {
    pub at: Moment,
    #[serde(skip)]
    pub when: DateTime<Utc>,
    /// The time by the rule, if the calendar moved it.
    pub original: Option<Moment>,
    /// `moved`, `held` or `provisional`; empty: as the rule says.
    pub note: &'static str,
}

impl Firing {
    pub fn new(one: &PreviewOccurrence) -> Firing {
        let moment = |at: &DateTime<Tz>| Moment::zoned(at.to_utc(), at.timezone());
        let original = (one.at != one.scheduled_at).then(|| moment(&one.scheduled_at));
        Firing { at: moment(&one.at), when: one.at.to_utc(), original, note: one.note.unwrap_or_default() }
    }
}

impl View for TaskPage {
    const TEMPLATE: &'static str = "pages/task.html";

    fn samples() -> Vec<Self> {
        samples::task_pages()
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn quick_rules_have_many_runs_within_half_an_hour() {
        let times = |step: Duration, count: i32| (0..count).map(|n| DateTime::UNIX_EPOCH + step * n).collect::<Vec<_>>();
        let per_hour = |step, count| QuickRule::new(&times(step, count)).map(|rule| rule.per_hour);
        assert_eq!(per_hour(Duration::seconds(5), 10), Some(720));
        assert_eq!(per_hour(Duration::minutes(3), 10), Some(20));
        assert_eq!(per_hour(Duration::hours(1), 10), None);
        assert_eq!(per_hour(Duration::seconds(5), 3), None);
        assert_eq!(per_hour(Duration::zero(), 0), None);
    }
}
