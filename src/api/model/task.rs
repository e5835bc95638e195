//! Response models of tasks.

use chrono_tz::Tz;
use poem_openapi::Object;

use super::named::{Chain, Params, StatusWord, TaskContent, Timestamp, TriggerRule};
use super::policy::PolicyView;
use super::{PageInfo, split_page, timestamp};
use crate::domain::chain;
use crate::domain::page::Page;
use crate::domain::task::{Task, TaskStats, Version};
use crate::i18n::Language;
use crate::service::{BulkError, BulkOutcome};

/// A scheduled task.
#[derive(Default, Object)]
#[oai(rename = "Task", read_only_all)]
pub struct TaskView {
    /// The identifier; it cannot be changed.
    id: String,
    /// The display name.
    name: String,
    description: String,
    tags: Vec<String>,
    /// The task type; it cannot be changed.
    #[oai(rename = "type")]
    task_type: String,
    trigger: TriggerRule,
    params: Params,
    /// Whether its trigger fires; a paused task can still be run manually.
    enabled: bool,
    policy: PolicyView,
    chain: Chain,
    /// The file that manages the task and in which it must be changed. Null: none.
    managed_by: Option<String>,
    /// The version, counted from 1; also the task's `ETag`.
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    schedule: ScheduleView,
    stats: TaskStatsView,
}

/// The schedule of a task.
#[derive(Default, Object)]
#[oai(rename = "Schedule", read_only_all)]
pub struct ScheduleView {
    /// The schedule in one line, independent of language.
    text: String,
    /// The schedule as text, in the caller's language (`Accept-Language`: English or Chinese).
    description: String,
    /// The next fire time, in the trigger's zone. Null: never again, paused, or fires on idle.
    next_run_at: Option<Timestamp>,
}

/// Statistics of all runs of a task.
#[derive(Default, Object)]
#[oai(rename = "TaskStats", read_only_all)]
pub struct TaskStatsView {
    /// Whether it has ever run.
    executed: bool,
    run_count: i64,
    success_count: i64,
    failure_count: i64,
    last_run_at: Option<Timestamp>,
    last_status: Option<StatusWord>,
    last_duration_ms: Option<i64>,
}

/// A task after a change.
#[derive(Default, Object)]
#[oai(rename = "TaskVersion", read_only_all)]
pub struct VersionView {
    version: i64,
    at: Timestamp,
    /// Who made the change.
    author: String,
    task: TaskContent,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        Self {
            version: version.version,
            at: timestamp(version.at, Tz::UTC),
            author: version.author,
            task: TaskContent(version.content),
        }
    }
}

/// One page of tasks.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct TaskList {
    items: Vec<TaskView>,
    #[oai(flatten)]
    page: PageInfo,
}

/// The result of an action on many tasks.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct BulkResult {
    /// How many tasks were selected.
    matched: i64,
    /// For how many of them it succeeded.
    done: i64,
    /// The failures, with their reasons.
    errors: Vec<BulkFailure>,
}

/// A task for which the action failed.
#[derive(Default, Object)]
#[oai(read_only_all)]
pub struct BulkFailure {
    /// The task's id.
    id: String,
    /// Why it failed.
    message: String,
}

impl TaskView {
    /// `zone` is the server's, for a trigger without a zone.
    pub fn new(task: Task, zone: Tz, lang: Language) -> Self {
        let rule = task.rule(zone).ok();
        let zone = rule.as_ref().map_or(zone, |rule| rule.zone());
        Self {
            policy: PolicyView::from(&task.policy),
            chain: Chain(chain::to_json(&task.chain)),
            schedule: ScheduleView {
                description: rule.map_or_else(|| task.schedule_text.clone(), |rule| rule.describe(lang)),
                text: task.schedule_text,
                next_run_at: task.next_run_at.map(|at| timestamp(at, zone)),
            },
            stats: TaskStatsView::new(task.stats, zone),
            id: task.id,
            name: task.name,
            description: task.description,
            tags: task.tags,
            task_type: task.task_type,
            trigger: TriggerRule(task.trigger),
            params: Params(task.params),
            enabled: task.enabled,
            managed_by: task.managed.map(|managed| managed.by),
            version: task.version,
            created_at: timestamp(task.created_at, zone),
            updated_at: timestamp(task.updated_at, zone),
        }
    }
}

impl TaskStatsView {
    fn new(stats: TaskStats, zone: Tz) -> Self {
        Self {
            executed: stats.run_count > 0,
            run_count: stats.run_count,
            success_count: stats.success_count,
            failure_count: stats.failure_count,
            last_run_at: stats.last_run_at.map(|at| timestamp(at, zone)),
            last_status: stats.last_status.map(|status| StatusWord(status.as_str())),
            last_duration_ms: stats.last_duration_ms,
        }
    }
}

impl TaskList {
    pub fn new(page: Page<Task>, zone: Tz, lang: Language) -> Self {
        let (items, page) = split_page(page, |task| TaskView::new(task, zone, lang));
        Self { items, page }
    }
}

impl From<BulkOutcome> for BulkResult {
    fn from(outcome: BulkOutcome) -> Self {
        let failure = |BulkError { id, message }| BulkFailure { id, message: message.to_string() };
        Self { matched: outcome.matched, done: outcome.done, errors: outcome.errors.into_iter().map(failure).collect() }
    }
}
