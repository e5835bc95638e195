//! The planner: turns due tasks and due retries into executions and jobs. It reads the due tasks; then, in one transaction,
//! `domain` decides their occurrences, the tasks advance to their next run, and the executions and jobs of the advanced tasks
//! and of due retries are inserted. The number of statements does not depend on the number of due tasks. The read happens
//! before the transaction, so that it does not block the workers; a task that changes in between does not advance and is
//! read again by the next call.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::clock::SharedClock;
use crate::domain::decision::{self, Decision, FiringOutcome};
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::{Cause, Status};
use crate::domain::job::Job;
use crate::domain::task::Task;
use crate::events::EventBus;
use crate::queue::jobs::{self, NewJob};
use crate::signals::Signals;
use crate::storage::execution::{self, NewExecution};
use crate::storage::plan::{self, Advance, RetryDue};
use crate::storage::{Database, Result, Tx};

/// Tasks and retries taken in one transaction.
const BATCH: i64 = 1000;
/// Occurrences decided in one transaction, over all due tasks.
const MAX_OCCURRENCES: usize = 5000;

/// Plans executions; clones share the same state.
#[derive(Clone)]
pub struct Planner {
    pub database: Database,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    /// The time zone of triggers without one.
    pub zone: Tz,
    /// When this scheduler started: occurrences scheduled before are catch-ups.
    pub since: DateTime<Utc>,
}

/// How much one call planned.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Due tasks that advanced to their next run.
    pub tasks: usize,
    /// Executions inserted, skipped and missed ones included.
    pub executions: usize,
    /// Jobs queued.
    pub jobs: usize,
}

impl Planner {
    /// Plans at most one batch of what is due at `now`. On an error nothing is changed.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<Planned> {
        let mut tasks = plan::due(&mut self.database.read().await?, now, BATCH).await?;
        let mut tx = self.database.write().await?;
        let (executions, advances) = self.decide(&mut tx, &tasks, now).await?;
        let advanced = plan::advance(&mut tx, &advances).await?;
        tasks.retain(|task| advanced.contains(&task.id));
        let executions: Vec<NewExecution> = executions.into_iter().filter(|new| advanced.contains(&new.task_id)).collect();
        let mut jobs = insert(&mut tx, &executions, &tasks, now).await?;
        let retries = plan::take_due_retries(&mut tx, now, BATCH).await?;
        jobs.extend(retries.into_iter().map(retry_job));
        jobs::push(&mut tx, &jobs, now).await?;
        tx.commit().await?;
        self.publish(&tasks, &executions, &jobs);
        Ok(Planned { tasks: tasks.len(), executions: executions.len(), jobs: jobs.len() })
    }

    /// Fires a task with an idle trigger whose condition is met.
    pub async fn fire_idle(&self, task: &Task, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.database.write().await?;
        let active = plan::active(&mut tx, &[&task.id]).await?;
        let outcome = decision::decide_idle(task, active.get(&task.id).copied().unwrap_or(0));
        let executions = [new_execution(task, now, outcome, now)];
        let jobs = insert(&mut tx, &executions, std::slice::from_ref(task), now).await?;
        jobs::push(&mut tx, &jobs, now).await?;
        tx.commit().await?;
        self.publish(std::slice::from_ref(task), &executions, &jobs);
        Ok(())
    }

    /// The executions of due tasks, and the tasks' next runs.
    async fn decide(&self, tx: &mut Tx, tasks: &[Task], now: DateTime<Utc>) -> Result<(Vec<NewExecution>, Vec<Advance>)> {
        let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
        let active = if ids.is_empty() { HashMap::new() } else { plan::active(tx, &ids).await? };
        let limit = (MAX_OCCURRENCES / tasks.len().max(1)).max(1);
        let (mut executions, mut advances) = (Vec::new(), Vec::new());
        for task in tasks {
            let active = active.get(&task.id).copied().unwrap_or(0);
            let Decision { occurrences, next } = self.decide_one(task, active, now, limit);
            executions.extend(occurrences.into_iter().map(|one| new_execution(task, one.scheduled_at, one.outcome, now)));
            advances.push(Advance {
                task_id: task.id.clone(),
                version: task.version,
                from: task.next_run_at,
                next_run_at: next.map(|next| next.run_at),
                next_rule_at: next.map(|next| next.rule_at),
            });
        }
        Ok((executions, advances))
    }

    fn decide_one(&self, task: &Task, active: i64, now: DateTime<Utc>, limit: usize) -> Decision {
        match task.rule(self.zone) {
            Ok(rule) => decision::decide(task, &rule, now, self.since, active, limit),
            Err(faults) => {
                let fault = faults.first().map(ToString::to_string).unwrap_or_default();
                tracing::error!(
                    task.id = task.id,
                    fault,
                    "task has an invalid trigger and does not fire until it is saved again"
                );
                Decision { occurrences: Vec::new(), next: None }
            }
        }
    }

    /// Wakes the workers and publishes events for the pages.
    fn publish(&self, tasks: &[Task], executions: &[NewExecution], jobs: &[NewJob]) {
        if !jobs.is_empty() {
            self.signals.jobs.queued(jobs.iter().map(|job| job.queue.as_str()));
        }
        if self.events.wants_events() {
            let planned = executions.iter().map(|new| Event::Execution {
                id: new.id.clone(),
                task_id: new.task_id.clone(),
                status: new.status,
                attempt: 1,
            });
            let advanced = tasks.iter().map(|task| Event::Task { id: task.id.clone(), change: TaskChange::Updated });
            self.events.publish(planned.chain(advanced).collect());
        }
    }
}

fn new_execution(task: &Task, scheduled_at: DateTime<Utc>, outcome: FiringOutcome, now: DateTime<Utc>) -> NewExecution {
    let cause = if outcome == (FiringOutcome::Run { catch_up: true }) { Cause::CatchUp } else { Cause::Schedule };
    let (status, error) = outcome.into_status();
    NewExecution { status, error, ..NewExecution::new(task, cause, scheduled_at, now) }
}

/// Inserts executions. Returns the jobs of the new executions that are queued.
async fn insert(tx: &mut Tx, executions: &[NewExecution], tasks: &[Task], now: DateTime<Utc>) -> Result<Vec<NewJob>> {
    let inserted = execution::insert(tx, executions, now).await?;
    let tasks: HashMap<&str, &Task> = tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let runs = executions.iter().filter(|new| new.status == Status::Queued && inserted.contains(&new.id));
    Ok(runs.filter_map(|new| tasks.get(new.task_id.as_str()).map(|task| NewJob::first(new, task))).collect())
}

fn retry_job(due: RetryDue) -> NewJob {
    let (timeout_ms, retry) = Job::limits(&due.policy);
    let job = Job {
        execution_id: due.execution_id,
        attempt: due.attempt,
        task_id: due.task_id,
        task_type: due.task_type,
        params: due.params,
        started_by: due.started_by,
        chained: due.chained,
        scheduled_at: due.scheduled_at,
        timeout_ms,
        retry,
    };
    NewJob { queue: due.policy.queue, priority: due.policy.priority, job }
}
