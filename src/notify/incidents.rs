//! Incidents: decided in the transaction that records what happened, so that a crash leaves both or neither, and while the rows of the
//! tasks are locked, so that of several nodes one decides.
//!
//! A quick successful run pays nothing for it: the statement that updates a task's counters returns whether the task has open
//! incidents, of whichever node, and only then, or after a failure, are rules and incidents read.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::domain::execution::Status;
use crate::domain::notify::cause::Cause;
use crate::domain::notify::event::NotifyEvent;
use crate::domain::notify::incident::Incident;
use crate::domain::notify::incident_decision::{Decider, GROUP_WINDOW, Happened, Outcome, Phase, Watched};
use crate::domain::notify::rule::{NotifyRule, Target};
use crate::domain::pause_record::is_pause;
use crate::domain::task::Task;
use crate::i18n::Message;
use crate::ids::new_id;
use crate::storage::execution::{Finish, NewExecution};
use crate::storage::{Result, Tx, incident, notify_rule, task, task_alarm};

mod notices;
mod output;

/// When decisions are made, and the server's time zone for quiet hours and texts.
#[derive(Debug, Clone, Copy)]
pub struct DecisionTime {
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

/// An outcome of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome {
    pub task_id: String,
    pub happened: Happened,
}

impl TaskOutcome {
    /// The end of a run. `late` says whether it began later than the task's limit.
    #[must_use]
    pub fn of_run(finish: &Finish, task_id: &str, late: Option<bool>) -> TaskOutcome {
        let outcome = match finish.status {
            Status::Succeeded => Outcome::Succeeded,
            status if status.is_failure() => Outcome::Failed,
            _ => Outcome::Neutral,
        };
        let (execution_id, error) = (finish.execution_id.clone(), finish.error.clone());
        let happened = Happened { execution_id, outcome, late, ended: finish.retry_at.is_none(), error };
        TaskOutcome { task_id: task_id.to_owned(), happened }
    }

    /// An occurrence that does not run; `None` for one that does.
    #[must_use]
    pub fn of_new(new: &NewExecution) -> Option<TaskOutcome> {
        let event = match new.status {
            Status::Missed => NotifyEvent::Missed,
            // Whoever paused the task knows.
            Status::Skipped if new.error.as_ref().is_some_and(is_pause) => return None,
            Status::Skipped => NotifyEvent::Skipped,
            _ => return None,
        };
        let (execution_id, error) = (new.id.clone(), new.error.clone());
        let happened = Happened { execution_id, outcome: Outcome::NotRun(event), late: None, ended: true, error };
        Some(TaskOutcome { task_id: new.task_id.clone(), happened })
    }
}

/// Records outcomes of tasks that the transaction has locked, in this order. Returns whether messages were queued.
pub async fn record(tx: &mut Tx, outcomes: &[TaskOutcome], at: DecisionTime) -> Result<bool> {
    if outcomes.is_empty() {
        return Ok(false);
    }
    let rules = notify_rule::definitions(tx).await?;
    let ids: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.task_id.as_str()).collect();
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let open = open_of_tasks(tx, &ids).await?;
    if rules.is_empty() && open.is_empty() {
        return Ok(false);
    }
    let tasks = task::many(tx, &ids).await?;
    let mut watched = watch(tx, &tasks, open, at.now).await?;
    for one in &mut watched {
        let ended = outcomes.iter().filter(|outcome| Some(&outcome.task_id) == one.task_id.as_ref() && outcome.happened.counts());
        let task = tasks.iter().find(|task| Some(&task.id) == one.task_id.as_ref());
        one.failures = task.map(|task| failures_before(task, ended.count())).unwrap_or_default();
    }
    let causes = causes(outcomes, &tasks);
    decide(tx, &rules, watched, &causes, at, |decider, watched| {
        for outcome in outcomes {
            if let Some(one) = watched.iter_mut().find(|one| one.task_id.as_ref() == Some(&outcome.task_id)) {
                decider.observe(one, &outcome.happened);
            }
        }
    })
    .await
}

/// Records those of new executions of locked tasks that were missed or skipped. Returns whether messages were queued.
pub async fn record_new(tx: &mut Tx, new: &[NewExecution], at: DecisionTime) -> Result<bool> {
    let outcomes: Vec<TaskOutcome> = new.iter().filter_map(TaskOutcome::of_new).collect();
    record(tx, &outcomes, at).await
}

/// The tasks with their open incidents and mutes.
pub(super) async fn watch<'t>(
    tx: &mut Tx,
    tasks: &'t [Task],
    open: Vec<Incident>,
    now: DateTime<Utc>,
) -> Result<Vec<Watched<'t>>> {
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mutes = task_alarm::mutes(tx, &ids, now).await?;
    let mut by_task: HashMap<String, Vec<Incident>> = HashMap::new();
    for incident in open {
        by_task.entry(incident.task_id.clone().unwrap_or_default()).or_default().push(incident);
    }
    let watched = tasks.iter().map(|task| Watched {
        subject: subject_of(&task.id),
        task_id: Some(task.id.clone()),
        target: target_of(task),
        params: &task.params,
        incidents: by_task.remove(&task.id).unwrap_or_default(),
        failures: 0,
        failures_limit: task.policy.alert.failures_in_a_row,
        muted_until: mutes.get(&task.id).map(|mute| mute.until),
    });
    Ok(watched.collect())
}

/// The open incidents of tasks, locked.
pub(super) async fn open_of_tasks(tx: &mut Tx, ids: &[String]) -> Result<Vec<Incident>> {
    let subjects: Vec<String> = ids.iter().map(|id| subject_of(id)).collect();
    incident::open_of(tx, &subjects.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn subject_of(task_id: &str) -> String {
    format!("task:{task_id}")
}

fn target_of(task: &Task) -> Target<'_> {
    Target { id: &task.id, tags: &task.tags, task_type: &task.task_type }
}

/// How many runs of a task failed in a row before the last `counted` ones.
fn failures_before(task: &Task, counted: usize) -> u32 {
    let runs = task.stats.recent.iter().rev().skip(counted);
    let failed = runs.filter(|run| run.status != Status::Cancelled).take_while(|run| run.status.is_failure());
    u32::try_from(failed.count()).unwrap_or(u32::MAX)
}

/// The causes of the outcomes that may open incidents.
fn causes(outcomes: &[TaskOutcome], tasks: &[Task]) -> Vec<String> {
    let mut keys = BTreeSet::new();
    for TaskOutcome { task_id, happened } in outcomes {
        let mut add = |event, error| keys.insert(cause_key(event, error, tasks, task_id));
        match happened.outcome {
            Outcome::Failed => {
                add(NotifyEvent::Failed, happened.error.as_ref());
                add(NotifyEvent::FailuresInARow, None);
            }
            Outcome::NotRun(event) => {
                add(event, happened.error.as_ref());
            }
            Outcome::Succeeded | Outcome::Neutral => {}
        }
        if happened.late == Some(true) {
            add(NotifyEvent::Late, None);
        }
    }
    keys.into_iter().collect()
}

/// The cause of an event of one of these tasks.
pub(super) fn cause_key(event: NotifyEvent, error: Option<&Message>, tasks: &[Task], task_id: &str) -> String {
    let params = tasks.iter().find(|task| task.id == task_id).map_or(&Value::Null, |task| &task.params);
    Cause::new(event, error, params).key
}

/// Something that went wrong, or right again, with what is not a task.
#[derive(Debug, Clone)]
pub struct Trouble<'t> {
    pub event: NotifyEvent,
    /// `heartbeat:…`, `channel:…`, `calendar:…` or `server:…`.
    pub subject: &'t str,
    /// By what rules select it; [`Target::SERVER`]: only rules for all tasks do.
    pub target: Target<'t>,
    /// What is wrong; none where an end is told.
    pub error: Option<&'t Message>,
}

/// Opens an incident of what is not a task, or lets it grow. Returns whether messages were queued.
pub async fn raise(tx: &mut Tx, trouble: &Trouble<'_>, at: DecisionTime) -> Result<bool> {
    let cause = Cause::new(trouble.event, trouble.error, &Value::Null).key;
    of_trouble(tx, trouble, &[cause], at, |decider, watched| decider.occur(watched, trouble.event, trouble.error, None)).await
}

/// Closes the open incidents of what is not a task. Returns whether messages were queued.
pub async fn resolve(tx: &mut Tx, trouble: &Trouble<'_>, at: DecisionTime) -> Result<bool> {
    let event = trouble.event;
    of_trouble(tx, trouble, &[], at, |decider, watched| decider.close(watched, |one| one.event == event, None)).await
}

/// Records an incident of what is not a task that has begun and ended. `told` are the rules that have told its beginning already; they
/// tell its end alone. Returns whether messages were queued.
pub async fn record_past(tx: &mut Tx, trouble: &Trouble<'_>, told: &BTreeSet<&str>, at: DecisionTime) -> Result<bool> {
    let cause = Cause::new(trouble.event, trouble.error, &Value::Null).key;
    let event = trouble.event;
    of_trouble(tx, trouble, &[cause], at, |decider, watched| {
        decider.occur(watched, event, trouble.error, None);
        decider.close(watched, |one| one.event == event, None);
        decider.tellings.retain(|telling| telling.phase != Phase::Opened || !told.contains(telling.rule.as_str()));
    })
    .await
}

async fn of_trouble(
    tx: &mut Tx,
    trouble: &Trouble<'_>,
    causes: &[String],
    at: DecisionTime,
    act: impl FnOnce(&mut Decider<'_>, &mut Watched<'_>) + Send,
) -> Result<bool> {
    let mut rules = notify_rule::definitions(tx).await?;
    let failing = trouble.subject.strip_prefix("channel:").unwrap_or_default();
    rules.iter_mut().for_each(|rule| rule.channels.retain(|channel| channel != failing)); // it cannot tell of itself
    rules.retain(|rule| !rule.channels.is_empty());
    let incidents = incident::open_of(tx, &[trouble.subject]).await?;
    if rules.is_empty() && incidents.is_empty() {
        return Ok(false);
    }
    let watched = Watched {
        subject: trouble.subject.to_owned(),
        task_id: None,
        target: trouble.target,
        params: &Value::Null,
        incidents,
        failures: 0,
        failures_limit: None,
        muted_until: None,
    };
    let decided = decide(tx, &rules, vec![watched], causes, at, |decider, watched| {
        if let [one] = watched {
            act(decider, one);
        }
    });
    decided.await
}

/// Decides, and saves the decisions with their messages. Returns whether messages were queued.
pub(super) async fn decide(
    tx: &mut Tx,
    rules: &[NotifyRule],
    mut watched: Vec<Watched<'_>>,
    causes: &[String],
    at: DecisionTime,
    act: impl FnOnce(&mut Decider<'_>, &mut [Watched<'_>]) + Send,
) -> Result<bool> {
    let lately = match causes {
        [] => HashMap::new(),
        causes => {
            let keys: Vec<&str> = causes.iter().map(String::as_str).collect();
            incident::told_lately(tx, &keys, at.now - GROUP_WINDOW).await?
        }
    };
    let before: HashMap<String, Incident> =
        watched.iter().flat_map(|one| &one.incidents).map(|incident| (incident.id.clone(), incident.clone())).collect();
    let tellings = {
        let mut new_id = || new_id(at.now);
        let (now, zone) = (at.now, at.zone);
        let mut decider = Decider { rules, now, zone, lately, new_id: &mut new_id, tellings: Vec::new() };
        act(&mut decider, &mut watched);
        decider.tellings
    };
    save(tx, &watched, &before).await?;
    let incidents: HashMap<&str, &Incident> =
        watched.iter().flat_map(|one| &one.incidents).map(|incident| (incident.id.as_str(), incident)).collect();
    let errors = output::ends(tx, &tellings, &incidents).await?;
    let told = notices::compose(rules, &tellings, &incidents, &errors, at);
    crate::storage::notify_message::insert(tx, &told.messages).await?;
    incident::link_messages(tx, &told.links).await?;
    Ok(!told.messages.is_empty())
}

/// Writes what changed.
async fn save(tx: &mut Tx, watched: &[Watched<'_>], before: &HashMap<String, Incident>) -> Result<()> {
    let all = || watched.iter().flat_map(|one| &one.incidents);
    let new: Vec<&Incident> = all().filter(|incident| !before.contains_key(&incident.id)).collect();
    let is_changed = |incident: &&Incident| before.get(&incident.id).is_some_and(|former| former != *incident);
    let changed: Vec<&Incident> = all().filter(is_changed).collect();
    incident::save(tx, &new, &changed).await?;
    let ended = changed.iter().filter(|incident| !incident.is_open());
    let marked: BTreeSet<&str> = new.iter().chain(ended).filter_map(|incident| incident.task_id.as_deref()).collect();
    if marked.is_empty() {
        return Ok(());
    }
    incident::mark_tasks(tx, &marked.into_iter().collect::<Vec<_>>()).await
}
