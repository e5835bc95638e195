//! Tasks: what to do and when. [`TaskInput`] is the part that clients may set; the API, the pages and the command line
//! all parse it here.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::calendar::CalendarSet;
use super::chain::{self, Link};
use super::execution::Status;
use super::fault::Fault;
use super::input::Fields;
use super::pause::Pause;
use super::policy::Policy;
use super::recent_outcomes::RecentOutcome;
use super::reference::{Naming, References, Target};
use super::run_input::{self, InputField};
use super::schedule::{Schedule, ScheduleRules, ScheduleSettings};
use super::task_id::check_id;
use super::trigger::Trigger;
use crate::i18n::message;

/// A task as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: String,
    /// A ULID: tells the task from one of the same id that was deleted before.
    pub key: String,
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub task_type: String,
    /// The trigger as given; of several rules, that of the first. [`Task::rules`] parses it.
    pub trigger: Value,
    /// Several rules, and calendars.
    pub schedule: ScheduleSettings,
    pub params: Value,
    pub enabled: bool,
    pub policy: Policy,
    /// The tasks to start when a run of this one ends.
    pub chain: Vec<Link>,
    /// The values that a run asks for.
    pub inputs: Vec<InputField>,
    /// Incremented by each change, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When the current trigger was saved: the base of an interval without `start_date`.
    pub anchor_at: DateTime<Utc>,
    /// The schedule in one line, independent of language.
    pub schedule_text: String,
    /// The next firing, jitter included. `None`: never again, paused, or idle.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The rule's scheduled time behind `next_run_at`, without jitter.
    pub next_rule_at: Option<DateTime<Utc>>,
    /// Why the trigger does not fire, while `enabled` is false.
    pub paused: Option<Pause>,
    /// The tasks file that manages the task, if any.
    pub managed: Option<Managed>,
    /// The other tasks that this one names.
    pub references: References,
    pub stats: TaskStats,
}

/// The management of a task by a tasks file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// The file's name.
    pub by: String,
    /// Whether the file enables the task; it may have been paused or resumed since.
    pub enabled: bool,
}

/// The run counters of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskStats {
    pub run_count: i64,
    pub success_count: i64,
    pub failure_count: i64,
    pub last_run_at: Option<DateTime<Utc>>,
    pub last_status: Option<Status>,
    pub last_duration_ms: Option<i64>,
    /// The newest runs, oldest first.
    pub recent: Vec<RecentOutcome>,
}

/// The settable fields of a task or an input, as JSON.
macro_rules! input_of {
    ($task:ident) => {
        match json!({
            "id": $task.id, "name": $task.name, "description": $task.description, "tags": $task.tags, "type": $task.task_type,
            "trigger": $task.trigger, "params": $task.params, "enabled": $task.enabled, "policy": $task.policy.to_json(),
            "chain": chain::to_json(&$task.chain), "inputs": run_input::to_json(&$task.inputs),
        }) {
            Value::Object(map) => with_schedule(map, &$task.schedule),
            _ => Map::new(),
        }
    };
}

/// Adds the rules and calendars. The trigger stays beside several rules, because readers of documents rely on it.
fn with_schedule(mut map: Map<String, Value>, schedule: &ScheduleSettings) -> Map<String, Value> {
    map.extend(schedule.to_json());
    map
}

impl Task {
    /// The first version of a task, created `now`, without a key, references and a next run.
    pub fn new(input: &TaskInput, now: DateTime<Utc>) -> Task {
        Task {
            id: input.id.clone(),
            key: String::new(),
            name: input.name.clone(),
            description: input.description.clone(),
            tags: input.tags.clone(),
            task_type: input.task_type.clone(),
            trigger: input.trigger.clone(),
            schedule: input.schedule.clone(),
            params: input.params.clone(),
            enabled: input.enabled,
            policy: input.policy.clone(),
            chain: input.chain.clone(),
            inputs: input.inputs.clone(),
            version: 1,
            created_at: now,
            updated_at: now,
            anchor_at: now,
            schedule_text: input.rules.text(),
            next_run_at: None,
            next_rule_at: None,
            paused: None,
            managed: None,
            references: References::default(),
            stats: TaskStats::default(),
        }
    }

    /// The task as the target of references.
    pub fn target(&self) -> Target<'_> {
        Target { id: &self.id, key: &self.key, tags: &self.tags }
    }

    /// The parameters with some of them replaced; `None` if none is.
    pub fn params_with(&self, overrides: &Map<String, Value>) -> Option<Value> {
        let params = self.params.as_object().filter(|_| !overrides.is_empty())?;
        Some(params.iter().chain(overrides).map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The parts that name other tasks.
    pub fn naming(&self) -> Naming<'_> {
        Naming { params: &self.params, chain: &self.chain, rules: &self.schedule.rules, tags: &self.tags }
    }

    /// Parses the rules. `zone` is the server's, for a trigger without one.
    ///
    /// # Errors
    /// The faults of an invalid stored trigger, which only a manual change of the database can cause.
    pub fn rules(&self, zone: Tz) -> Result<ScheduleRules, Vec<Fault>> {
        ScheduleRules::parse(&self.trigger, &self.schedule, zone)
    }

    /// The rules under the calendars and freezes in force, for occurrences that are not decided yet.
    ///
    /// # Errors
    /// As [`Task::rules`]; a calendar that does not exist.
    pub fn schedule(&self, zone: Tz, calendars: &CalendarSet) -> Result<Schedule, Vec<Fault>> {
        let undecided = self.next_rule_at.or_else(|| self.paused.as_ref()?.rule_at);
        bind(self.rules(zone)?, calendars, &self.tags, undecided)
    }

    /// The rules under the calendars and freezes in force, for occurrences from a time on, whatever is planned so far.
    ///
    /// # Errors
    /// As [`Task::schedule`].
    pub fn schedule_from(&self, from: DateTime<Utc>, zone: Tz, calendars: &CalendarSet) -> Result<Schedule, Vec<Fault>> {
        bind(self.rules(zone)?, calendars, &self.tags, Some(from))
    }

    /// Whether another task or an input has the same rules and calendars.
    pub fn has_schedule(&self, trigger: &Value, schedule: &ScheduleSettings) -> bool {
        self.trigger == *trigger && self.schedule == *schedule
    }

    /// The settable fields as JSON: the base of a merge patch, and the form of an export.
    pub fn to_input(&self) -> Map<String, Value> {
        input_of!(self)
    }
}

/// A stored version of a task: its content after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub version: i64,
    pub at: DateTime<Utc>,
    /// The account that made the change.
    pub author: String,
    /// The settable fields, as [`Task::to_input`] returns them.
    pub content: Value,
}

/// The settable fields of a task, validated except for the parameters, which the task type's schema validates.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInput {
    pub id: String,
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub task_type: String,
    pub trigger: Value,
    pub schedule: ScheduleSettings,
    pub rules: ScheduleRules,
    pub params: Value,
    pub enabled: bool,
    pub policy: Policy,
    pub chain: Vec<Link>,
    pub inputs: Vec<InputField>,
    /// Whether a date in the past is accepted; it is not stored.
    pub allow_past: bool,
}

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 4000;
/// Maximum number of tags per task.
pub const MAX_TAGS: usize = 32;

impl TaskInput {
    /// The same JSON as [`Task::to_input`] of the resulting task.
    pub fn to_input(&self) -> Map<String, Value> {
        input_of!(self)
    }

    /// The date of a one-time trigger that has passed by `now`.
    #[must_use]
    pub fn passed_date(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.rules.first() {
            Trigger::Date(date) if self.rules.is_single() => Some(date.run_date).filter(|at| *at < now),
            _ => None,
        }
    }

    /// Parses a task. `default_policy` returns the default of a task type, or the names of all types for an unknown one.
    ///
    /// # Errors
    /// Every fault, with pointers into `value`.
    pub fn parse(
        value: &Value,
        zone: Tz,
        default_policy: impl Fn(&str) -> Result<Policy, Vec<String>>,
    ) -> Result<TaskInput, Vec<Fault>> {
        let mut f = Fields::new(value, "");
        let id = read_id(&mut f);
        let task_type = read_required(&mut f, "type");
        let default = default_policy(&task_type).unwrap_or_else(|known| {
            if !task_type.is_empty() {
                f.fault(
                    "type",
                    message!("value.not_one_of", value = super::input::quoted(&task_type, 40), known = known.join(", ")),
                );
            }
            Policy::default()
        });
        let name = f.text("name", MAX_NAME, &id);
        let description = f.text("description", MAX_DESCRIPTION, "");
        let tags = read_tags(&mut f);
        let taken = ScheduleSettings::take(&mut f, zone);
        let params = read_params(&mut f);
        let enabled = f.boolean("enabled", true);
        let allow_past = f.boolean("allow_past", false);
        let policy = f.take("policy").unwrap_or(Value::Null);
        let policy = f.collect(Policy::parse(&policy, &default));
        let links = f.take("chain").unwrap_or(Value::Null);
        let links = f.collect(chain::parse(&links, "/chain"));
        let inputs = read_inputs(&mut f, enabled);
        let (taken, policy, chain) = match (taken, policy, links) {
            (Some(taken), Some(policy), Some(chain)) => (taken, policy, chain),
            _ => return Err(f.finish(()).err().unwrap_or_default()),
        };
        f.finish(TaskInput {
            id,
            name,
            description,
            tags,
            task_type,
            trigger: taken.trigger,
            schedule: taken.settings,
            rules: taken.rules,
            params,
            enabled,
            policy,
            chain,
            inputs,
            allow_past,
        })
    }

    /// The rules under the calendars in force.
    ///
    /// # Errors
    /// A calendar that does not exist.
    pub fn schedule(&self, calendars: &CalendarSet) -> Result<Schedule, Vec<Fault>> {
        bind(self.rules.clone(), calendars, &self.tags, None)
    }
}

fn bind(
    rules: ScheduleRules,
    calendars: &CalendarSet,
    tags: &[String],
    since: Option<DateTime<Utc>>,
) -> Result<Schedule, Vec<Fault>> {
    let missing = |name: String| vec![Fault::new("/calendar", message!("calendar.missing", name).of("calendar"))];
    rules.bind(calendars, tags, since).map_err(missing)
}

fn read_id(f: &mut Fields) -> String {
    let id = read_required(f, "id");
    if !id.is_empty()
        && let Err(message) = check_id(&id)
    {
        f.fault("id", message);
    }
    id
}

/// A required text; if missing, records a fault and returns an empty text.
fn read_required(f: &mut Fields, name: &str) -> String {
    match f.take_nullable(name) {
        Some(Value::String(text)) if !text.is_empty() => text,
        None | Some(Value::Null) => {
            f.fault(name, message!("value.required"));
            String::new()
        }
        Some(Value::String(_)) => {
            f.fault(name, message!("value.empty"));
            String::new()
        }
        Some(other) => {
            f.fault(name, message!("value.not_text", value = super::input::display_value(&other)));
            String::new()
        }
    }
}

/// Tags, each once, in the order given.
pub(super) fn read_tags(f: &mut Fields) -> Vec<String> {
    let mut tags = f.texts("tags");
    if tags.len() > MAX_TAGS {
        f.fault("tags", message!("value.too_many", count = tags.len(), max = MAX_TAGS));
    }
    for (place, tag) in tags.iter().enumerate() {
        if let Err(message) = check_id(tag) {
            f.fault(&format!("tags/{place}"), message);
        }
    }
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags
}

/// The inputs. Those of a task whose trigger fires must have a value without anybody who gives one.
fn read_inputs(f: &mut Fields, enabled: bool) -> Vec<InputField> {
    let given = f.take("inputs").unwrap_or(Value::Null);
    let inputs = f.collect(run_input::parse(&given, "/inputs")).unwrap_or_default();
    if let Some(input) = run_input::unanswered(&inputs).filter(|_| enabled) {
        let place = inputs.iter().position(|other| other.name == input.name).unwrap_or_default();
        f.fault(&format!("inputs/{place}"), message!("input.no_default", name = &input.name));
    }
    inputs
}

fn read_params(f: &mut Fields) -> Value {
    match f.take("params") {
        None => Value::Object(Map::new()),
        Some(Value::Object(map)) => Value::Object(map),
        Some(other) => {
            f.fault("params", message!("value.not_object_but", value = super::input::display_value(&other)));
            Value::Object(Map::new())
        }
    }
}

#[cfg(test)]
mod tests;
