//! After a group was written: whoever waits is answered, and listeners are told.

use super::Parts;
use super::group::Group;
use super::recorder::Stored;
use crate::domain::event::{Event, TaskChange};
use crate::domain::execution::Status;

/// Answers all who wait for this group, then tells the scheduler and the event bus.
pub(super) fn report(parts: &Parts, group: Group, stored: &Stored) {
    let mut events = parts.events.has_listeners().then(Vec::new);
    if let Some(events) = &mut events {
        tell(events, &group, stored);
        tell_started(events, stored);
    }
    for (claim, claimant) in group.claims.iter().zip(group.claimants) {
        let _its_run_is_gone = claimant.answer.send(stored.claimed.contains(&claim.execution_id));
    }
    let mut retries = false;
    for (finish, finisher) in group.finishes.iter().zip(group.finishers) {
        let counted = stored.finished.contains(&finish.execution_id);
        retries |= counted && finish.retry_at.is_some();
        let _its_run_is_gone = finisher.answer.send(counted);
    }
    if !stored.chained.queues.is_empty() {
        parts.signals.jobs.queued(stored.chained.queues.iter().map(String::as_str));
    }
    if retries {
        parts.signals.schedule.notify_one();
    }
    if let Some(mut events) = events {
        events.extend(output_events(group.output));
        parts.events.publish(events);
    }
}

fn tell(events: &mut Vec<Event>, group: &Group, stored: &Stored) {
    for (claim, claimant) in group.claims.iter().zip(&group.claimants) {
        if stored.claimed.contains(&claim.execution_id) {
            events.push(execution_event(&claim.execution_id, &claimant.task_id, Status::Running, claim.attempt));
        }
    }
    for (finish, finisher) in group.finishes.iter().zip(&group.finishers) {
        if stored.finished.contains(&finish.execution_id) {
            let status = if finish.retry_at.is_some() { Status::Queued } else { finish.status };
            events.push(execution_event(&finish.execution_id, &finisher.task_id, status, finish.attempt));
            events.push(Event::Task { id: finisher.task_id.clone(), change: TaskChange::Updated });
        }
    }
}

fn tell_started(events: &mut Vec<Event>, stored: &Stored) {
    for new in &stored.chained.executions {
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
