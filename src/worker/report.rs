//! The report after a batch was written: answers the waiting runs, wakes the scheduler and publishes events.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::WorkerDeps;
use super::batch::Batch;
use crate::chain::Started;
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::Status;

/// The execution ids of the accepted starts and results.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub started: HashSet<String>,
    pub finished: HashSet<String>,
    /// The executions started by chains.
    pub chained: Started,
    /// Whether notifications were queued.
    pub notifies: bool,
}

/// Answers the runs that wait for this batch, then wakes the scheduler and publishes events.
pub(super) fn report(deps: &WorkerDeps, batch: Batch, recorded: &Recorded) {
    let mut events = deps.events.wants_events().then(Vec::new);
    if let Some(events) = &mut events {
        add_batch_events(events, &batch, recorded);
        add_chain_events(events, recorded);
    }
    let mut retries = false;
    for (finish, pending) in batch.finishes.iter().zip(batch.pending_finishes) {
        let accepted = recorded.finished.contains(&finish.execution_id);
        retries |= accepted && finish.retry_at.is_some();
        let _ = pending.answer.send(accepted); // fails if the run was dropped
    }
    if recorded.chained.cancels {
        deps.signals.external_change.notify_one();
    }
    if !recorded.chained.queues.is_empty() {
        deps.signals.jobs.queued(recorded.chained.queues.iter().map(String::as_str));
    }
    if recorded.notifies {
        deps.signals.notifications.notify_one();
    }
    if retries || (!batch.finishes.is_empty() && deps.signals.backfills.load(Ordering::Relaxed)) {
        deps.signals.schedule.notify_one();
    }
    if let Some(mut events) = events {
        events.extend(output_events(batch.output));
        deps.events.publish(events);
    }
}

fn add_batch_events(events: &mut Vec<Event>, batch: &Batch, recorded: &Recorded) {
    for (claim, task_id) in batch.started.iter().zip(&batch.started_tasks) {
        if recorded.started.contains(&claim.execution_id) {
            events.push(execution_event(&claim.execution_id, task_id, Status::Running, claim.attempt));
        }
    }
    for (finish, pending) in batch.finishes.iter().zip(&batch.pending_finishes) {
        if recorded.finished.contains(&finish.execution_id) {
            let status = if finish.retry_at.is_some() { Status::Queued } else { finish.status };
            events.push(execution_event(&finish.execution_id, &pending.task_id, status, finish.attempt));
            events.push(Event::Task { id: pending.task_id.clone(), change: TaskChange::Updated });
        }
    }
}

fn add_chain_events(events: &mut Vec<Event>, recorded: &Recorded) {
    for new in &recorded.chained.executions {
        events.push(execution_event(&new.id, &new.task_id, new.status, 1));
        events.push(Event::Task { id: new.task_id.clone(), change: TaskChange::Updated });
    }
}

fn execution_event(id: &str, task_id: &str, status: Status, attempt: i64) -> Event {
    Event::Execution { id: id.to_owned(), task_id: task_id.to_owned(), status, attempt }
}

fn output_events(output: Vec<crate::storage::execution::NewOutput>) -> impl Iterator<Item = Event> {
    output.into_iter().map(|row| Event::Output { execution_id: row.execution_id, chunks: vec![row.chunk] })
}
