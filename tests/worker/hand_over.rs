//! The hand-over of executions in memory, and what is written for quick and for long runs.

use std::time::Duration;

use belfry::clock::{Clock, SystemClock};
use belfry::domain::event::Event;
use belfry::domain::execution::Status;
use belfry::domain::job::Job;
use belfry::domain::policy::Policy;
use belfry::signals::Starts;
use belfry::storage::execution::{self, NewExecution};
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::Harness;
use crate::support::queued_execution;

fn job(new: &NewExecution) -> Job {
    let (timeout_ms, retry) = Job::limits(&Policy::default());
    Job {
        execution_id: new.id.clone(),
        attempt: 1,
        task_id: new.task_id.clone(),
        task_type: new.task_type.clone(),
        params: new.params.clone().unwrap_or_default(),
        started_by: None,
        chained: false,
        scheduled_at: new.scheduled_at,
        timeout_ms,
        retry,
        late_after_ms: None,
    }
}

/// Inserts an execution for which a slot of the workers is reserved.
async fn insert_held(harness: &Harness) -> (NewExecution, Starts) {
    loop {
        let now = SystemClock.now();
        let mut starts = harness.signals.jobs.starts();
        let mut new = queued_execution("a", "echo", json!({"message": "x"}), now);
        new.holder = starts.reserve(&new.id, &new.queue);
        if new.holder.is_some() {
            let mut tx = harness.database.write().await.unwrap();
            execution::insert(&mut tx, std::slice::from_ref(&new), now).await.unwrap();
            tx.commit().await.unwrap();
            return (new, starts);
        }
        tokio::time::sleep(Duration::from_millis(10)).await; // the workers are starting
    }
}

for_each_database! {
    async fn held_execution_is_handed_over_in_memory(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let (new, starts) = insert_held(&harness).await;
        assert!(execution::waiting(&mut db.database.read().await.unwrap(), "default", &[], 1).await.unwrap().is_empty(), "held");
        starts.hand_over(vec![job(&new)]);
        let done = harness.wait_for(&new.id, Status::Succeeded).await;
        assert_eq!((done.attempt, done.node.as_deref()), (1, Some("host-1")));
        assert!(done.started_at.is_some() && done.lateness_ms.is_some());
        harness.stop().await;
    }

    async fn held_execution_that_was_never_handed_over_runs_later(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let (new, starts) = insert_held(&harness).await;
        drop(starts); // as after a commit without an answer
        assert_eq!(harness.wait_for(&new.id, Status::Succeeded).await.attempt, 1);
        harness.stop().await;
    }

    async fn only_long_runs_are_marked_as_running(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let mut events = harness.events.subscribe();
        let quick = harness.queue("echo", json!({"message": "x"})).await;
        harness.wait_for(&quick, Status::Succeeded).await;
        let long = harness.queue("echo", json!({"sleep_ms": 300})).await;
        harness.wait_for(&long, Status::Running).await;
        let done = harness.wait_for(&long, Status::Succeeded).await;
        assert!(done.duration_ms >= Some(300), "{done:?}");
        let (mut quick_statuses, mut long_statuses) = (Vec::new(), Vec::new());
        while !long_statuses.contains(&Status::Succeeded) {
            for event in events.recv().await.unwrap().iter() {
                match event {
                    Event::Execution { id, status, .. } if *id == quick => quick_statuses.push(*status),
                    Event::Execution { id, status, .. } if *id == long => long_statuses.push(*status),
                    _ => {}
                }
            }
        }
        assert_eq!((quick_statuses, long_statuses), (vec![Status::Succeeded], vec![Status::Running, Status::Succeeded]));
        harness.stop().await;
    }
}
