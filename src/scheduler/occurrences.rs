//! Occurrences: decides the due occurrences of locked tasks and records them, in the caller's transaction. The planner and every
//! change of a task use it, so that each occurrence is decided once and by the same rules.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::decision::{Decision, DecisionTime, DueTask, Firing, FiringOutcome, Occurrence, OccurrenceDetail, decide};
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::{Cause, Status};
use crate::domain::node::NodeIdentity;
use crate::domain::overlap::{ActiveRuns, OnOverlap};
use crate::domain::task::Task;
use crate::events::EventBus;
use crate::i18n::message;
use crate::signals::{EndedRuns, Signals};
use crate::storage::execution::{self, NewExecution};
use crate::storage::plan::{self, Advance};
use crate::storage::{Result, Session, Tx, millis, overlap};

/// Occurrences decided in one transaction, over all due tasks.
const MAX_OCCURRENCES: usize = 5000;

/// Hands a new execution to a worker of this node that is free; `None`: it waits in its queue.
pub(super) type Reserve<'r> = &'r mut (dyn FnMut(&NewExecution) -> Option<Arc<NodeIdentity>> + Send);

/// What was recorded.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The new executions, skipped and missed ones included.
    pub executions: Vec<NewExecution>,
    /// The tasks, with their next firings.
    pub next: Vec<(String, Option<Firing>)>,
    /// Whether running executions were asked to stop.
    pub cancels: bool,
    /// Whether further occurrences of these tasks are due.
    pub more: bool,
    /// Whether notifications were queued.
    pub notifies: bool,
}

impl Recorded {
    pub(super) fn queued(&self) -> impl Iterator<Item = &NewExecution> {
        self.executions.iter().filter(|new| new.status == Status::Queued)
    }

    /// Adds what else was recorded in the same transaction.
    pub(super) fn add(&mut self, other: Recorded) {
        self.executions.extend(other.executions);
        self.next.extend(other.next);
        self.cancels |= other.cancels;
        self.more |= other.more;
        self.notifies |= other.notifies;
    }

    /// Wakes the workers and publishes events for the pages, after the commit.
    pub(super) fn announce(&self, signals: &Signals, events: &EventBus) {
        let waiting = self.queued().filter(|new| new.holder.is_none() && !new.waits);
        let queues: Vec<&str> = waiting.map(|new| new.queue.as_str()).collect();
        if !queues.is_empty() {
            signals.jobs.queued(queues);
        }
        if self.notifies {
            signals.notifications.notify_one();
        }
        if self.cancels {
            signals.external_change.notify_one(); // the workers look for cancellations
        }
        if events.wants_events() {
            let planned = self.executions.iter().map(|new| Event::Execution {
                id: new.id.clone(),
                task_id: new.task_id.clone(),
                status: new.status,
                attempt: 1,
            });
            let advanced = self.next.iter().map(|(id, _)| Event::Task { id: id.clone(), change: TaskChange::Updated });
            events.publish(planned.chain(advanced).collect());
        }
    }
}

/// Decides and records the due occurrences of tasks that the transaction has locked, and moves the tasks on. What is due after
/// `at.now` is planned ahead if a worker of this node is free for it, and left as it is otherwise.
pub(super) async fn record(
    tx: &mut Tx,
    due: &[DueTask<'_>],
    at: DecisionTime,
    ended: &EndedRuns,
    reserve: Reserve<'_>,
) -> Result<Recorded> {
    if due.is_empty() {
        return Ok(Recorded::default());
    }
    let active = active_runs(tx, due.iter().map(|due| due.task), ended).await?;
    let limit = (MAX_OCCURRENCES / due.len()).max(1);
    let decided = due.iter().filter_map(|one| {
        let active = active.get(&one.task.id).copied().unwrap_or_default();
        let decision = match one.next {
            Some(next) if next.run_at > at.now => decide_ahead(one, next.run_at, at, active)?,
            _ => decide(one, at, active, limit),
        };
        Some((one.task, decision))
    });
    record_decisions(tx, decided.collect(), at, reserve).await
}

/// Records decisions on tasks that the transaction has locked, and moves the tasks on.
pub(super) async fn record_decisions(
    tx: &mut Tx,
    decided: Vec<(&Task, Decision)>,
    at: DecisionTime,
    reserve: Reserve<'_>,
) -> Result<Recorded> {
    let (mut recorded, mut executions) = (Recorded::default(), Vec::new());
    for (task, decision) in decided {
        if decision.cancelled > 0 {
            let reason = message!("run.replaced");
            let running = overlap::cancel_oldest(tx, &task.id, decision.cancelled, &reason, at.now).await?;
            recorded.cancels |= !running.is_empty();
        }
        let decided = decision.occurrences.into_iter();
        executions.extend(decided.map(|one| from_occurrence(task, one, at)));
        recorded.more |= decision.next.is_some_and(|next| next.run_at <= at.now);
        recorded.next.push((task.id.clone(), decision.next));
    }
    reserve_workers(&mut executions, at.now, reserve);
    let unreserved = take_unreserved(&mut executions, at.now);
    recorded.next.retain(|(task_id, _)| !unreserved.contains(task_id));
    plan::advance(tx, &recorded.next.iter().map(|(id, next)| advance(id, *next)).collect::<Vec<_>>()).await?;
    recorded.executions = insert_new(tx, executions, at.now).await?;
    Ok(recorded)
}

/// Inserts executions and returns those that are new.
pub(super) async fn insert_new(tx: &mut Tx, mut executions: Vec<NewExecution>, now: DateTime<Utc>) -> Result<Vec<NewExecution>> {
    let inserted = insert(tx, &executions, now).await?;
    executions.retain(|new| inserted.contains(&new.id));
    Ok(executions)
}

/// The unfinished runs of tasks. Runs that ended in this process count as ended although they are not recorded yet.
pub(super) async fn active_runs<'t>(
    s: &mut dyn Session,
    tasks: impl Iterator<Item = &'t Task> + Clone + Send,
    ended: &EndedRuns,
) -> Result<HashMap<String, ActiveRuns>> {
    let ids: Vec<&str> = tasks.clone().map(|task| task.id.as_str()).collect();
    let mut active = overlap::active(s, &ids).await?;
    let is_full = |task: &&Task| {
        let total = active.get(&task.id).map_or(0, |active| active.total());
        task.policy.on_overlap != OnOverlap::Allow && total >= i64::from(task.policy.max_instances)
    };
    let full: Vec<&str> = tasks.filter(is_full).map(|task| task.id.as_str()).collect();
    let ended = if full.is_empty() { Vec::new() } else { ended.of_tasks(&full) };
    if !ended.is_empty() {
        for task_id in overlap::tasks_of_unfinished(s, &ended).await? {
            active.entry(task_id).and_modify(|active| active.started = (active.started - 1).max(0));
        }
    }
    Ok(active)
}

fn advance(task_id: &str, next: Option<Firing>) -> Advance {
    Advance {
        task_id: task_id.to_owned(),
        next_run_at: next.map(|next| next.run_at),
        next_rule_at: next.map(|next| next.rule_at),
    }
}

/// Decides the next occurrence of a task as it would be decided at its time. `None`: what happens until then may matter.
fn decide_ahead(due: &DueTask<'_>, run_at: DateTime<Utc>, at: DecisionTime, active: ActiveRuns) -> Option<Decision> {
    if active.total() > 0 && due.task.policy.on_overlap != OnOverlap::Allow {
        return None;
    }
    let decision = decide(due, DecisionTime { now: run_at, ..at }, active, 1);
    let runs =
        matches!(decision.occurrences[..], [Occurrence { outcome: FiringOutcome::Run { catch_up: false, waits: false }, .. }]);
    runs.then_some(decision)
}

/// Takes out what was planned ahead without a free worker: it would begin before its time. Returns the tasks.
fn take_unreserved(executions: &mut Vec<NewExecution>, now: DateTime<Utc>) -> HashSet<String> {
    let is_unreserved = |new: &mut NewExecution| new.scheduled_at > now && new.holder.is_none();
    executions.extract_if(.., is_unreserved).map(|new| new.task_id).collect()
}

/// Reserves free workers, for what is due first, and of that for those of the highest priority.
fn reserve_workers(executions: &mut [NewExecution], now: DateTime<Utc>, reserve: Reserve<'_>) {
    let mut starting: Vec<_> = executions.iter_mut().filter(|new| new.status == Status::Queued && !new.waits).collect();
    starting.sort_by_key(|new| (new.scheduled_at > now, std::cmp::Reverse(new.priority)));
    for new in starting {
        new.holder = reserve(new);
    }
}

/// The execution of one occurrence.
fn from_occurrence(task: &Task, occurrence: Occurrence, at: DecisionTime) -> NewExecution {
    let Occurrence { scheduled_at, outcome, detail } = occurrence;
    let (cause, waits) = match outcome {
        FiringOutcome::Run { catch_up: true, waits } => (Cause::CatchUp, waits),
        FiringOutcome::Run { catch_up: false, waits } => (Cause::Schedule, waits),
        _ => (Cause::Schedule, false),
    };
    let (status, error) = outcome.into_status();
    let mut new = NewExecution { status, error, waits, ..NewExecution::new(task, cause, scheduled_at, at.now) };
    if let Some(detail) = detail {
        apply_detail(&mut new, task, detail);
    }
    new
}

/// What the rule of an occurrence says of its run.
fn apply_detail(new: &mut NewExecution, task: &Task, detail: OccurrenceDetail) {
    new.schedule_text = Some(detail.schedule_text).filter(|text| *text != task.schedule_text);
    new.params = task.params_with(&detail.params);
    new.origin = Some(detail.origin).filter(|origin| !origin.is_plain());
}

/// Inserts executions and returns the ids of those that are new. An occurrence that was recorded while the clock was ahead, and
/// did not run then, is recorded anew; one that is on record already stays as it is.
async fn insert(tx: &mut Tx, new: &[NewExecution], now: DateTime<Utc>) -> Result<HashSet<String>> {
    let mut inserted = execution::insert(tx, new, now).await?;
    if inserted.len() == new.len() {
        return Ok(inserted);
    }
    let known: Vec<&NewExecution> = new.iter().filter(|new| !inserted.contains(&new.id)).collect();
    let keys: Vec<(&str, i64)> = known.iter().map(|new| (new.task_id.as_str(), millis(new.scheduled_at))).collect();
    let freed: HashSet<(String, i64)> = overlap::delete_premature(tx, &keys, millis(now)).await?.into_iter().collect();
    let is_free = |new: &&&NewExecution| freed.contains(&(new.task_id.clone(), millis(new.scheduled_at)));
    let again: Vec<NewExecution> = known.iter().filter(is_free).map(|new| (*new).clone()).collect();
    inserted.extend(execution::insert(tx, &again, now).await?);
    let left = known.len() - again.len();
    if left > 0 {
        tracing::warn!(occurrences = left, "occurrences are on record already and do not run again");
    }
    Ok(inserted)
}
