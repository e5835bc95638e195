use std::task::Waker;

use super::*;
use crate::domain::policy::Policy;

fn slots() -> Arc<WorkerSlots> {
    let node = NodeIdentity { id: "n".into(), name: "host-1".into() };
    let slots = WorkerSlots::new(node, 3, [("a".to_owned(), 2), ("b".to_owned(), 2)]);
    drain(&slots);
    Arc::new(slots)
}

/// Finds nothing waiting in the database.
fn drain(slots: &WorkerSlots) {
    slots.wanted().into_iter().for_each(|wanted| wanted.hand_over(slots, Vec::new()));
    slots.wanted().into_iter().for_each(|wanted| wanted.hand_over(slots, Vec::new())); // the queue without a free slot before
}

fn job(id: &str) -> Job {
    let (timeout_ms, retry) = Job::limits(&Policy::default());
    Job {
        execution_id: id.into(),
        attempt: 1,
        task_id: "t".into(),
        task_type: "echo".into(),
        params: serde_json::Value::Null,
        started_by: None,
        chained: false,
        scheduled_at: chrono::DateTime::UNIX_EPOCH,
        timeout_ms,
        retry,
        late_after_ms: None,
    }
}

fn ready(slots: &WorkerSlots, queue: &str) -> Option<HeldJob> {
    match slots.queues[queue].poll_ready(&Context::from_waker(Waker::noop())) {
        Poll::Ready(job) => Some(job),
        Poll::Pending => None,
    }
}

#[test]
fn reserve_ends_at_the_limits_of_the_queue_and_of_the_process() {
    let slots = slots();
    let held: Vec<_> = [("1", "a"), ("2", "a"), ("3", "a"), ("4", "b"), ("5", "b"), ("6", "c")]
        .into_iter()
        .map(|(id, queue)| slots.reserve(id, queue))
        .collect();
    assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true, false, false]);
    let mut ids = slots.held();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2", "4"]);
    held.into_iter().flatten().for_each(Reservation::free);
    assert!(slots.held().is_empty() && !slots.take_unknown());
    assert!(slots.reserve("7", "a").is_some(), "free again");
}

#[test]
fn reserve_lets_waiting_executions_go_first() {
    let slots = slots();
    slots.add_backlog("a");
    assert!(slots.reserve("1", "a").is_none() && slots.reserve("2", "b").is_some());
    let mut wanted = slots.wanted();
    assert_eq!(wanted.iter().map(|wanted| (wanted.queue.name.as_str(), wanted.slots.len())).collect::<Vec<_>>(), [("a", 2)]);
    slots.add_backlog("a");
    wanted.remove(0).hand_over(&slots, vec![job("3")]);
    assert!(slots.queues["a"].has_backlog(), "queued while the database was read");
    drain(&slots);
    assert!(!slots.queues["a"].has_backlog());
    assert_eq!(ready(&slots, "a").map(|held| held.job.execution_id).as_deref(), Some("3"));
}

#[tokio::test]
async fn job_ahead_of_its_time_gets_a_slot_when_it_is_due() {
    let slots = slots();
    let ahead: Vec<_> = ["1", "2", "3"].into_iter().filter_map(|id| slots.reserve_ahead(id, "a")).collect();
    assert_eq!(ahead.len(), 3, "more than slots");
    ahead.into_iter().zip(["1", "2", "3"]).for_each(|(one, id)| one.hand_over(job(id)));
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(slots.slot(ready(&slots, "a").unwrap().place).await);
    }
    assert_eq!(taken.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false], "none became free");
    slots.ahead_begun().await;
    taken.clear();
    slots.reserve_ahead("4", "a").unwrap().hand_over(job("4"));
    slots.close();
    assert!(slots.slot(ready(&slots, "a").unwrap().place).await.is_none(), "closed");
}

#[test]
fn paused_queue_has_no_slots_and_a_resized_one_others() {
    let slots = slots();
    let set = |paused, limit| QueueSettings::from([("a".to_owned(), QueueSetting { paused, limit })]);
    assert!(!slots.apply(&set(true, None)));
    assert!(slots.reserve("1", "a").is_none() && slots.reserve("2", "b").is_some());
    assert!(slots.reserve_ahead("1", "a").is_none());
    slots.add_backlog("a");
    assert!(slots.wanted().is_empty(), "what waits goes on waiting");
    assert!(slots.apply(&set(false, Some(1))), "resumed");
    assert_eq!(slots.wanted().iter().map(|wanted| wanted.slots.len()).collect::<Vec<_>>(), [1]);
    drain(&slots);
    assert!(slots.apply(&set(false, Some(9))));
    let held: Vec<_> = ["3", "4", "5"].into_iter().filter_map(|id| slots.reserve(id, "a")).collect();
    assert_eq!(held.len(), 3, "the limit of the process");
    assert!(!slots.apply(&set(false, Some(1))) && slots.reserve("6", "a").is_none());
    held.into_iter().for_each(Reservation::free);
    assert!(slots.reserve("7", "a").is_some());
    assert!(slots.apply(&QueueSettings::new()), "as in the settings file");
}

#[test]
fn dropped_reservation_leaves_the_outcome_unknown() {
    let slots = slots();
    drop(slots.reserve("1", "a"));
    assert!(slots.held().is_empty() && slots.take_unknown() && !slots.take_unknown());
}

#[test]
fn handed_over_job_is_held_until_it_is_dropped() {
    let slots = slots();
    slots.reserve("1", "a").unwrap().hand_over(job("1"));
    let held = ready(&slots, "a").unwrap();
    assert_eq!(slots.held(), ["1"]);
    drop(held);
    assert!(slots.held().is_empty() && ready(&slots, "a").is_none());
    slots.close();
    assert!(slots.reserve("2", "a").is_none(), "closed");
}
