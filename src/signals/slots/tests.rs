use std::task::{Context, Poll, Waker};

use chrono::{DateTime, Utc};

use super::*;
use crate::domain::policy::Policy;
use crate::domain::queue::QueueSetting;

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
    job_at(id, DateTime::UNIX_EPOCH)
}

fn job_at(id: &str, scheduled_at: DateTime<Utc>) -> Job {
    let (timeout_ms, retry) = Job::limits(&Policy::default());
    Job {
        execution_id: id.into(),
        attempt: 1,
        task_id: "t".into(),
        task_type: "echo".into(),
        params: serde_json::Value::Null,
        started_by: None,
        chained: false,
        scheduled_at,
        timeout_ms,
        retry,
        late_after_ms: None,
    }
}

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_000_000 + millis).unwrap()
}

fn due_at(slots: &WorkerSlots, queue: &str, now: DateTime<Utc>) -> Option<HeldJob> {
    match slots.queues[queue].poll_due(&Context::from_waker(Waker::noop()), now) {
        Poll::Ready(job) => Some(job),
        Poll::Pending => None,
    }
}

fn due(slots: &WorkerSlots, queue: &str) -> Option<HeldJob> {
    due_at(slots, queue, at(0))
}

fn ids(jobs: &[HeldJob]) -> Vec<&str> {
    jobs.iter().map(|held| held.job.execution_id.as_str()).collect()
}

#[test]
fn reserve_ends_at_the_free_slots_of_the_queue_and_of_the_process() {
    let slots = slots();
    let reserve = |queue: &str, ids: &[&str]| ids.iter().filter_map(|id| slots.reserve(id, queue)).collect::<Vec<_>>();
    let held = reserve("a", &["1", "2", "3"]);
    assert_eq!((held.len(), reserve("c", &["4"]).len()), (2, 0), "an unknown queue has none");
    held.into_iter().zip(["1", "2"]).for_each(|(one, id)| one.hand_over(job(id)));
    let running: Vec<_> = std::iter::from_fn(|| due(&slots, "a")).collect();
    let held = reserve("b", &["5", "6"]);
    assert_eq!((ids(&running), held.len()), (vec!["1", "2"], 1), "one of the process is free");
    held.into_iter().for_each(Reservation::free);
    let mut all = slots.held();
    all.sort_unstable();
    assert_eq!(all, ["1", "2"]);
    drop(running);
    assert!(slots.held().is_empty() && !slots.take_unknown());
    assert!(slots.reserve("7", "a").is_some(), "free again");
}

#[test]
fn quick_runs_let_more_be_pending_than_there_are_slots() {
    let slots = slots();
    slots.reserve("1", "a").unwrap().hand_over(job("1"));
    drop(due(&slots, "a").unwrap()); // a run of some microseconds
    let held: Vec<_> = (0..100).filter_map(|number| slots.reserve(&format!("q{number}"), "a")).collect();
    assert_eq!(held.len(), 32, "16 times the slots");
    held.into_iter().for_each(Reservation::free);
    slots.reserve("2", "a").unwrap().hand_over(job("2"));
    let run = due(&slots, "a").unwrap();
    std::thread::sleep(Duration::from_millis(1_600));
    drop(run); // its share in the mean is 100 ms
    let held: Vec<_> = (0..100).filter_map(|number| slots.reserve(&format!("s{number}"), "a")).collect();
    assert_eq!(held.len(), 2, "as many as there are slots");
    held.into_iter().for_each(Reservation::free);
}

#[test]
fn reserve_lets_waiting_executions_go_first() {
    let slots = slots();
    slots.add_backlog("a");
    assert!(slots.reserve("1", "a").is_none() && slots.reserve("2", "b").is_some());
    let mut wanted = slots.wanted();
    assert_eq!(wanted.iter().map(|wanted| (wanted.queue.name.as_str(), wanted.count())).collect::<Vec<_>>(), [("a", 2)]);
    slots.add_backlog("a");
    wanted.remove(0).hand_over(&slots, vec![job("3")]);
    assert!(slots.queues["a"].has_backlog(), "queued while the database was read");
    drain(&slots);
    assert!(!slots.queues["a"].has_backlog());
    assert_eq!(due(&slots, "a").map(|held| held.job.execution_id).as_deref(), Some("3"));
}

#[test]
fn job_ahead_of_its_time_begins_when_it_is_due() {
    let slots = slots();
    let times = [("1", 30), ("2", 10), ("3", 20)];
    let ahead: Vec<_> = times.iter().filter_map(|(id, _)| slots.reserve_ahead(id, "a")).collect();
    assert_eq!(ahead.len(), 3, "more than slots");
    ahead.into_iter().zip(times).for_each(|(one, (id, millis))| one.hand_over(job_at(id, at(millis))));
    assert!(due_at(&slots, "a", at(9)).is_none());
    let next = slots.queues["a"].next_look(at(9)).unwrap();
    assert_eq!((next.after, next.ahead), (Duration::from_millis(1), 3));
    let mut running: Vec<_> = std::iter::from_fn(|| due_at(&slots, "a", at(20))).collect();
    assert_eq!(ids(&running), ["2", "3"], "in the order of their times");
    assert!(due_at(&slots, "a", at(30)).is_none(), "no slot is free");
    running.pop();
    assert_eq!(due_at(&slots, "a", at(30)).map(|held| held.job.execution_id).as_deref(), Some("1"));
    slots.reserve_ahead("4", "a").unwrap().hand_over(job_at("4", at(3_600_000)));
    assert!(due_at(&slots, "a", at(40)).is_some(), "the clock was set back");
    slots.close();
    assert!(slots.reserve_ahead("5", "a").is_none(), "closed");
}

#[test]
fn job_that_waits_for_a_slot_in_vain_waits_in_the_database_again() {
    let slots = slots();
    let ahead: Vec<_> = ["1", "2", "3"].iter().filter_map(|id| slots.reserve_ahead(id, "a")).collect();
    ahead.into_iter().zip(["1", "2", "3"]).for_each(|(one, id)| one.hand_over(job(id)));
    let running: Vec<_> = std::iter::from_fn(|| due(&slots, "a")).collect();
    assert_eq!((ids(&running), slots.held().len(), slots.has_unknown()), (vec!["1", "2"], 3, false));
    std::thread::sleep(slots.queues["a"].next_look(at(0)).unwrap().after);
    assert!(due(&slots, "a").is_none());
    assert_eq!((slots.held().len(), slots.take_unknown()), (2, true));
    assert_eq!(slots.queues["a"].next_look(at(0)), None);
}

#[test]
fn freed_slot_wakes_the_queues_whose_jobs_wait_for_it() {
    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let slots = slots();
    let ahead: Vec<_> = ["1", "2", "3"].iter().filter_map(|id| slots.reserve_ahead(id, "a")).collect();
    ahead.into_iter().zip(["1", "2", "3"]).for_each(|(one, id)| one.hand_over(job(id)));
    let mut running: Vec<_> = std::iter::from_fn(|| due(&slots, "a")).collect();
    slots.reserve_ahead("4", "b").unwrap().hand_over(job("4"));
    running.extend(due(&slots, "b"));
    assert_eq!(ids(&running), ["1", "2", "4"], "the limit of the process");
    let (woken, count) = (Arc::new(Count(AtomicUsize::new(0))), |one: &Arc<Count>| one.0.load(Ordering::Relaxed));
    let waker = Waker::from(woken.clone());
    assert!(slots.queues["a"].poll_due(&Context::from_waker(&waker), at(0)).is_pending());
    running.pop();
    assert_eq!(count(&woken), 1, "the slot of another queue");
    running.pop();
    assert_eq!(count(&woken), 1, "nothing has looked since");
    assert!(due(&slots, "a").is_some());
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
    assert_eq!(slots.wanted().iter().map(|wanted| wanted.count()).collect::<Vec<_>>(), [1]);
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
    let held = due(&slots, "a").unwrap();
    assert_eq!(slots.held(), ["1"]);
    drop(held);
    assert!(slots.held().is_empty() && due(&slots, "a").is_none());
    slots.close();
    assert!(slots.reserve("2", "a").is_none(), "closed");
}
