//! How a run can end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belfry::domain::event::Event;
use belfry::domain::execution::Status;
use belfry::domain::policy::Policy;
use belfry::storage::execution;
use belfry::tasks::RunError;
use belfry::worker::WorkerConfig;
use serde_json::json;

use crate::harness::{Harness, PATIENCE, attempts, made};
use crate::on_each;

on_each! {
    async fn a_success_is_recorded_with_its_result(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let mut events = harness.events.subscribe();
        let id = harness.queue("echo", json!({"message": "钟楼"})).await;
        let done = harness.wait_for(&id, Status::Succeeded).await;
        assert_eq!(harness.result(&id).await, Some(json!({"message": "钟楼"})));
        assert_eq!((done.attempt, done.node.as_deref(), done.error), (1, Some("host-1"), None));
        assert!(done.lateness_ms.unwrap() >= 0 && done.duration_ms.unwrap() >= 0 && done.finished_at >= done.started_at);
        let mut told = Vec::new();
        while told.last() != Some(&Status::Succeeded) {
            for event in tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap().iter() {
                if let Event::Execution { status, .. } = event { told.push(*status) }
            }
        }
        assert_eq!(told, [Status::Running, Status::Succeeded]);
        harness.stop().await;
    }

    async fn a_failure_is_tried_again_until_it_succeeds(db: &TestDatabase) {
        let tries = AtomicUsize::new(0);
        let types = made("shaky", move |_, _| {
            let n = tries.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { if n < 2 { Err(RunError::retry(format!("failure {n}\0"))) } else { Ok(json!({"n": n, "nul": "\0"})) } })
        });
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let policy = attempts(3);
        let id = harness.queue_under("shaky", json!({}), &policy).await;
        for _ in 0..2 {
            tokio::time::timeout(PATIENCE, harness.signals.schedule.notified()).await.expect("the scheduler is woken");
            while harness.queue_retries(&policy).await == 0 {}
        }
        let done = harness.wait_for(&id, Status::Succeeded).await;
        assert_eq!((done.attempt, harness.result(&id).await), (3, Some(json!({"n": 2, "nul": "\u{fffd}"}))));
        let kept = execution::attempts(&mut db.database.read().await.unwrap(), &id).await.unwrap();
        let errors: Vec<_> = kept.iter().map(|attempt| (attempt.attempt, attempt.status, attempt.error.as_deref())).collect();
        assert_eq!(errors, [(1, Status::Failed, Some("failure 0\u{fffd}")), (2, Status::Failed, Some("failure 1\u{fffd}"))]);
        harness.stop().await;
    }

    async fn what_would_only_fail_again_is_not_tried_again(db: &TestDatabase) {
        let types = made("hopeless", |_, _| Box::pin(async { Err(RunError::fail("no such host").with_result(json!({"code": 7}))) }));
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let id = harness.queue_under("hopeless", json!({}), &attempts(5)).await;
        let done = harness.wait_for(&id, Status::Failed).await;
        assert_eq!((done.attempt, done.error.as_deref()), (1, Some("no such host")));
        assert_eq!(harness.result(&id).await, Some(json!({"code": 7})));
        harness.stop().await;
    }

    async fn a_panic_is_a_failure_and_nothing_more(db: &TestDatabase) {
        let types = made("broken", |params, _| {
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

    async fn an_unknown_type_and_a_job_that_does_not_read_harm_nobody(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let unknown = harness.queue("send_fax", json!({})).await;
        let failed = harness.wait_for(&unknown, Status::Failed).await;
        assert_eq!(failed.error.as_deref(), Some("this server has no task type 'send_fax'"));
        harness.stop().await;
    }

    async fn the_time_limit_ends_a_run_that_does_not_listen(db: &TestDatabase) {
        let types = made("deaf", |_, _| Box::pin(std::future::pending()));
        let harness = Harness::start_with(&db.database, WorkerConfig::default(), types);
        let policy = Policy { timeout: Some(Duration::from_millis(50)), ..Policy::default() };
        let id = harness.queue_under("deaf", json!({}), &policy).await;
        let done = harness.wait_for(&id, Status::TimedOut).await;
        assert_eq!(done.error.as_deref(), Some("ended at its time limit of 0.05 s"));
        harness.stop().await;
    }
}

#[cfg(target_os = "linux")]
on_each! {
    async fn the_time_limit_ends_the_whole_process_tree(db: &TestDatabase) {
        let harness = Harness::start(&db.database, WorkerConfig::default());
        let policy = Policy { timeout: Some(Duration::from_millis(700)), ..Policy::default() };
        let command = "sleep 60 & echo $!; echo waiting >&2; wait";
        let id = harness.queue_under("send_cmd", json!({"command": command}), &policy).await;
        let pid = harness.wait_for_output(&id, "\n").await.lines().next().unwrap().to_owned();
        assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
        harness.wait_for(&id, Status::TimedOut).await;
        let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z"));
        for _ in 0..500 {
            if gone() { break }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(gone(), "process {pid} is still there");
        assert_eq!(harness.result(&id).await.unwrap()["stderr_tail"], "waiting\n", "what there was of a result is kept");
        harness.stop().await;
    }
}
