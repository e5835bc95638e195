//! Response models of tasks.

use chrono_tz::Tz;
use poem_openapi::Object;
use serde::Serialize;

use super::named::{
    AnyValue, CalendarRuleWord, Chain, Inputs, OnClosedWord, Params, StatusWord, TaskContent, Timestamp, TriggerRule,
};
use super::policy::PolicyView;
use super::{PageInfo, split_page, timestamp};
use crate::api::answer::resource;
use crate::domain::chain;
use crate::domain::page::Page;
use crate::domain::pause::Pause;
use crate::domain::run_input;
use crate::domain::schedule::{RuleSettings, ScheduleSettings};
use crate::domain::task::{Task, TaskStats, Version};
use crate::domain::task_state::TaskState;
use crate::i18n::Language;

/// A scheduled task.
#[derive(Default, Object, Serialize)]
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
    #[serde(rename = "type")]
    task_type: String,
    // Of several rules, that of the first. Without a description: a wrapped reference loses its variants in generated types.
    trigger: TriggerRule,
    /// The rules of a task that has several, or one with a name or parameters of its own; else left out. `trigger` is that of the
    /// first.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    triggers: Option<Vec<TaskRuleView>>,
    /// The calendars that decide; left out without any.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<Vec<String>>,
    /// On which days of the calendars it runs; left out without calendars.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_rule: Option<CalendarRuleWord>,
    /// What becomes of an occurrence while a calendar is closed; left out without calendars, unless it is `hold`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    on_closed: Option<OnClosedWord>,
    /// The only working day of the month on which it runs; left out if there is none.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    nth_working_day: Option<i64>,
    params: Params,
    /// Whether its trigger fires; a paused task can still be run manually.
    enabled: bool,
    /// The pause of a task that is not enabled. Null: it is enabled.
    paused: Option<PauseView>,
    policy: PolicyView,
    chain: Chain,
    /// The values that a run asks for.
    inputs: Inputs,
    /// The file that manages the task and in which it must be changed. Null: none.
    managed_by: Option<String>,
    /// The version, counted from 1; also the task's `ETag`.
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    schedule: ScheduleView,
    stats: TaskStatsView,
}

resource!(TaskView, "task", Some(|task| task.version));

view! {
    /// One of the rules of a task.
    #[derive(Serialize)]
    #[oai(rename = "TaskRule", read_only_all)]
    pub struct TaskRuleView from (rule: RuleSettings) where
        params = (!rule.params.is_empty()).then(|| Params(rule.params.into()));
    {
        trigger: TriggerRule = TriggerRule(rule.trigger),
        /// Left out if it has none.
        #[oai(skip_serializing_if_is_none)]
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String> = rule.name,
        enabled: bool = rule.enabled,
        /// Parameters that replace those of the task in its runs; left out if there are none.
        #[oai(skip_serializing_if_is_none)]
        #[serde(skip_serializing_if = "Option::is_none")]
        params: Option<Params> = params,
    }
}

view! {
    /// The pause of a task.
    #[derive(Serialize)]
    #[oai(rename = "Pause", read_only_all)]
    pub struct PauseView new(pause: Pause, zone: Tz) {
        since: Timestamp = timestamp(pause.since, zone),
        /// When the task resumes by itself. Null: when somebody resumes it.
        until: Option<Timestamp> = pause.until.map(|at| timestamp(at, zone)),
        /// Why it is paused; empty if no reason was given.
        reason: String = pause.reason,
        /// The account that paused it.
        by: String = pause.by,
    }
}

/// The schedule of a task.
#[derive(Default, Object, Serialize)]
#[oai(rename = "Schedule", read_only_all)]
pub struct ScheduleView {
    /// The schedule in one line, independent of language.
    text: String,
    /// The schedule as text, in the caller's language (`Accept-Language`: English or Chinese).
    description: String,
    /// The next fire time, in the trigger's zone. Null: never again, paused, or fires on idle.
    next_run_at: Option<Timestamp>,
}

view! {
    /// Statistics of all runs of a task.
    #[derive(Serialize)]
    #[oai(rename = "TaskStats", read_only_all)]
    pub struct TaskStatsView new(stats: TaskStats, zone: Tz) {
        /// Whether it has ever run.
        executed: bool = stats.run_count > 0,
        run_count: i64 = stats.run_count,
        success_count: i64 = stats.success_count,
        failure_count: i64 = stats.failure_count,
        last_run_at: Option<Timestamp> = stats.last_run_at.map(|at| timestamp(at, zone)),
        last_status: Option<StatusWord> = stats.last_status.map(|status| StatusWord(status.as_str())),
        last_duration_ms: Option<i64> = stats.last_duration_ms,
    }
}

view! {
    /// A task after a change.
    #[oai(rename = "TaskVersion", read_only_all)]
    pub struct VersionView from (version: Version) {
        version: i64 = version.version,
        at: Timestamp = timestamp(version.at, Tz::UTC),
        /// Who made the change.
        author: String = version.author,
        task: TaskContent = TaskContent(version.content),
    }
}

/// What a task keeps from one run to the next.
#[derive(Default, Object)]
#[oai(rename = "TaskState", read_only_all)]
pub struct TaskStateView {
    /// A JSON object of the task type; null if there is none, or it was reset.
    state: AnyValue,
    /// When it was saved or reset; null if there was never one.
    updated_at: Option<Timestamp>,
    /// The execution that saved it; null after a reset or an import.
    execution_id: Option<String>,
}

impl From<Option<TaskState>> for TaskStateView {
    fn from(found: Option<TaskState>) -> Self {
        found.map_or_else(Self::default, |found| Self {
            state: AnyValue(found.state.unwrap_or_default()),
            updated_at: Some(timestamp(found.updated_at, Tz::UTC)),
            execution_id: found.execution_id,
        })
    }
}

view! {
    /// One page of tasks.
    #[derive(Serialize)]
    #[oai(read_only_all)]
    pub struct TaskList new(page: Page<Task>, zone: Tz, lang: Language) where
        (items, page) = split_page(page, |task| TaskView::new(task, zone, lang));
    {
        items: Vec<TaskView> = items,
        #[oai(flatten)]
        #[serde(flatten)]
        page: PageInfo = page,
    }
}

impl TaskView {
    /// `zone` is the server's, for a trigger without a zone.
    pub fn new(task: Task, zone: Tz, lang: Language) -> Self {
        let rule = task.rules(zone).ok();
        let ScheduleSettings { rules, calendar } = task.schedule.clone();
        let named = calendar.as_ref().filter(|used| !used.names.is_empty());
        let zone = rule.as_ref().map_or(zone, |rule| rule.zone());
        Self {
            policy: PolicyView::from(&task.policy),
            chain: Chain(chain::to_json(&task.chain)),
            inputs: Inputs(run_input::to_json(&task.inputs)),
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
            triggers: (!rules.is_empty()).then(|| rules.into_iter().map(TaskRuleView::from).collect()),
            calendar_rule: named.map(|used| CalendarRuleWord(used.rule.as_str())),
            nth_working_day: named.and_then(|used| used.nth_working_day).map(i64::from),
            on_closed: calendar.as_ref().map(|used| OnClosedWord(used.on_closed.as_str())),
            calendar: named.map(|used| used.names.clone()),
            params: Params(task.params),
            enabled: task.enabled,
            paused: task.paused.map(|pause| PauseView::new(pause, zone)),
            managed_by: task.managed.map(|managed| managed.by),
            version: task.version,
            created_at: timestamp(task.created_at, zone),
            updated_at: timestamp(task.updated_at, zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn both_ways_of_writing_a_list_agree() {
        let rule = TaskRuleView { params: Some(Params::default()), name: Some("night".into()), ..Default::default() };
        let full = TaskView {
            triggers: Some(vec![rule, TaskRuleView::default()]),
            calendar: Some(vec!["cn".into()]),
            calendar_rule: Some(CalendarRuleWord("working_days")),
            on_closed: Some(OnClosedWord("skip")),
            nth_working_day: Some(-1),
            paused: Some(PauseView { until: Some(Timestamp::default()), ..Default::default() }),
            managed_by: Some("tasks.yaml".into()),
            tags: vec!["a".into()],
            ..Default::default()
        };
        let list = TaskList { items: vec![TaskView::default(), full], page: PageInfo::default() };
        assert_eq!(serde_json::to_string(&list).unwrap(), serde_json::to_string(&list.to_json()).unwrap());
    }
}
