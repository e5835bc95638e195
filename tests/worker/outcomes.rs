//! Outcomes of runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belfry::domain::event::Event;
use belfry::domain::execution::Status;
use belfry::domain::policy::Policy;
use belfry::i18n::Message;
use belfry::storage::execution;
use belfry::tasks::RunError;
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::for_each_database;
use crate::harness::{Harness, TIMEOUT, attempts, custom_type};

for_each_database! {
    async fn success_is_recorded_with_its_result(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let mut events = harness.events.subscribe();
        let id = harness.queue("echo", json!({"message": "钟楼"})).await;
        let done = harness.wait_for(&id, Status::Succeeded).await;
        assert_eq!(harness.result(&id).await, Some(json!({"message": "钟楼"})));
        assert_eq!((done.attempt, done.node.as_deref(), done.error), (1, Some("host-1"), None));
        assert!(done.lateness_ms.unwrap() >= 0 && done.duration_ms.unwrap() >= 0 && done.finished_at >= done.started_at);
        let mut received = Vec::new();
        while received.last() != Some(&Status::Succeeded) {
            for event in tokio::time::timeout(TIMEOUT, events.recv()).await.unwrap().unwrap().iter() {
                if let Event::Execution { status, .. } = event { received.push(*status) }
            }
        }
        assert_eq!(received, [Status::Succeeded], "a quick run is not marked as running");
        harness.stop().await;
    }

    async fn failure_is_retried_until_it_succeeds(db: &TestDatabase) {
        let tries = AtomicUsize::new(0);
        let types = custom_type("shaky", move |_, _| {
            let n = tries.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { if n < 2 { Err(RunError::retry(Message::verbatim(format!("failure {n}\0")))) } else { Ok(json!({"n": n, "nul": "\0"})) } })
        });
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let policy = attempts(3);
        let id = harness.queue_with_policy("shaky", json!({}), &policy).await;
        for _ in 0..2 {
            tokio::time::timeout(TIMEOUT, harness.signals.schedule.notified()).await.expect("the scheduler is woken in time");
            while harness.queue_retries(&policy).await == 0 {}
        }
        let done = harness.wait_for(&id, Status::Succeeded).await;
        assert_eq!((done.attempt, harness.result(&id).await), (3, Some(json!({"n": 2, "nul": "\u{fffd}"}))));
        let kept = execution::attempts(&mut db.database.read().await.unwrap(), &id).await.unwrap();
        let errors: Vec<_> = kept.iter().map(|attempt| (attempt.attempt, attempt.status, attempt.error.as_deref())).collect();
        assert_eq!(errors, [(1, Status::Failed, Some("failure 0\u{fffd}")), (2, Status::Failed, Some("failure 1\u{fffd}"))]);
        harness.stop().await;
    }

    async fn permanent_failure_is_not_retried(db: &TestDatabase) {
        let types = custom_type("hopeless", |_, _| Box::pin(async { Err(RunError::fail(Message::verbatim("no such host")).with_result(json!({"code": 7}))) }));
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let id = harness.queue_with_policy("hopeless", json!({}), &attempts(5)).await;
        let done = harness.wait_for(&id, Status::Failed).await;
        assert_eq!((done.attempt, done.error.as_deref()), (1, Some("no such host")));
        assert_eq!(harness.result(&id).await, Some(json!({"code": 7})));
        harness.stop().await;
    }

    async fn panic_is_recorded_as_failure(db: &TestDatabase) {
        let types = custom_type("broken", |params, _| {
            if params == json!({"early": true}) { panic!("early") }
            Box::pin(async { panic!("out of {}", "range") })
        });
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let (late, early) = (harness.queue("broken", json!({})).await, harness.queue("broken", json!({"early": true})).await);
        let failed = harness.wait_for(&late, Status::Failed).await;
        assert_eq!(failed.error.as_deref(), Some("the task type panicked: out of range"));
        assert_eq!(harness.wait_for(&early, Status::Failed).await.error.as_deref(), Some("the task type panicked: early"));
        let next = harness.queue("echo", json!({})).await;
        harness.wait_for(&next, Status::Succeeded).await;
        harness.stop().await;
    }

    async fn unknown_task_type_is_recorded_as_failure(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let unknown = harness.queue("send_fax", json!({})).await;
        let failed = harness.wait_for(&unknown, Status::Failed).await;
        assert_eq!(failed.error.as_deref(), Some("this server has no task type 'send_fax'"));
        harness.stop().await;
    }

    async fn timeout_stops_a_run_that_ignores_cancellation(db: &TestDatabase) {
        let types = custom_type("deaf", |_, _| Box::pin(std::future::pending()));
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let policy = Policy { timeout: Some(Duration::from_millis(50)), ..Policy::default() };
        let id = harness.queue_with_policy("deaf", json!({}), &policy).await;
        let done = harness.wait_for(&id, Status::TimedOut).await;
        assert_eq!(done.error.as_deref(), Some("timed out after 0.05 s"));
        harness.stop().await;
    }
}

#[cfg(target_os = "linux")]
for_each_database! {
    async fn timeout_kills_the_whole_process_tree(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let policy = Policy { timeout: Some(Duration::from_millis(700)), ..Policy::default() };
        let command = "sleep 60 & echo $!; echo waiting >&2; wait";
        let id = harness.queue_with_policy("send_cmd", json!({"command": command}), &policy).await;
        let pid = harness.wait_for_output(&id, "\n").await.lines().next().unwrap().to_owned();
        assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
        harness.wait_for(&id, Status::TimedOut).await;
        let has_ended = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z"));
        for _ in 0..500 {
            if has_ended() { break }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(has_ended(), "process {pid} still exists");
        assert_eq!(harness.result(&id).await.unwrap()["stderr_tail"], "waiting\n", "the partial result is recorded");
        harness.stop().await;
    }
}
