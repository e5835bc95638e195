//! Due instants on time, late, overlapping and missed.

use belfry::domain::execution::{Cause, Execution, Status};
use chrono::Duration;
use serde_json::json;

use crate::on_each;
use crate::support::at;
use crate::support::parts::{TestParts, admin, start};

fn seconds(executions: &[Execution]) -> Vec<(i64, Status, Cause)> {
    executions.iter().map(|e| ((e.scheduled_at - start()).num_seconds(), e.status, e.cause)).collect()
}

on_each! {
    async fn an_interval_fires_on_its_grid(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let task = parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        assert_eq!(task.next_run_at, Some(start() + Duration::seconds(5)));
        parts.plan().await;
        assert!(parts.executions("a").await.is_empty(), "nothing is due yet");
        parts.advance(Duration::milliseconds(5_020)).await;
        let found = parts.executions("a").await;
        assert_eq!(seconds(&found), [(5, Status::Queued, Cause::Schedule)]);
        assert_eq!((found[0].schedule_text.as_str(), found[0].attempt), ("every 5s", 1));
        let task = parts.service.task(&admin(), "a").await.unwrap();
        assert_eq!(task.next_run_at, Some(start() + Duration::seconds(10)), "lateness does not shift the grid");
    }

    async fn of_several_due_instants_the_latest_runs_and_the_others_are_missed(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.advance(Duration::seconds(16)).await;
        let found = parts.executions("a").await;
        let (missed, ran) = (Status::Missed, Status::Queued);
        assert_eq!(seconds(&found), [(5, missed, Cause::Schedule), (10, missed, Cause::Schedule), (15, ran, Cause::Schedule)]);
        assert!(found[0].error.as_ref().unwrap().contains("coalesce"), "{:?}", found[0].error);
        parts.advance(Duration::seconds(3600)).await;
        assert_eq!(parts.executions("a").await.len(), 500, "every instant has a row (the page holds 500)");
    }

    async fn an_overlapping_instant_is_skipped(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.advance(Duration::seconds(5)).await;
        parts.advance(Duration::seconds(5)).await;
        let found = parts.executions("a").await;
        assert_eq!(found.iter().map(|e| e.status).collect::<Vec<_>>(), [Status::Queued, Status::Skipped]);
        assert!(found[1].error.as_ref().unwrap().contains("max_instances is 1"), "{:?}", found[1].error);
    }

    async fn a_date_fires_once_and_one_that_has_passed_never(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("once", json!({"type": "date", "run_date": "2026-11-21 16:00:10"})).await;
        let passed = parts.create("passed", json!({"type": "date", "run_date": "2026-11-21 15:59:59"})).await;
        assert_eq!(passed.next_run_at, None);
        parts.advance(Duration::seconds(10)).await;
        parts.advance(Duration::days(400)).await;
        assert_eq!(seconds(&parts.executions("once").await), [(10, Status::Queued, Cause::Schedule)], "16:00:10 in Shanghai");
        assert!(parts.executions("passed").await.is_empty());
    }

    async fn a_paused_task_does_not_fire_and_a_resumed_one_goes_on_from_now(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 10})).await;
        parts.advance(Duration::seconds(3)).await;
        let paused = parts.service.pause_task(&admin(), "a", None).await.unwrap();
        assert_eq!((paused.enabled, paused.next_run_at, paused.version), (false, None, 2));
        parts.advance(Duration::seconds(60)).await;
        assert!(parts.executions("a").await.is_empty());
        let resumed = parts.service.resume_task(&admin(), "a", None).await.unwrap();
        assert_eq!(resumed.next_run_at, Some(start() + Duration::seconds(70)), "the grid of its creation goes on");
    }

    async fn another_trigger_is_planned_anew_and_other_changes_leave_the_plan_alone(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let created = parts.create("a", json!({"type": "interval", "seconds": 10})).await;
        parts.clock.advance(Duration::seconds(4));
        let renamed = parts.service.patch_task(&admin(), "a", &json!({"name": "New"}), None).await.unwrap();
        assert_eq!((renamed.next_run_at, renamed.version), (created.next_run_at, 2));
        let hourly = json!({"trigger": {"type": "cron", "expression": "@hourly"}});
        let changed = parts.service.patch_task(&admin(), "a", &hourly, None).await.unwrap();
        assert_eq!(changed.next_run_at, Some(at("2026-11-21T09:00:00Z")));
        assert_eq!((changed.schedule_text.as_str(), changed.version), ("0 * * * *", 3));
        let zoned = json!({"trigger": {"timezone": "Asia/Kolkata"}});
        let zoned = parts.service.patch_task(&admin(), "a", &zoned, None).await.unwrap();
        assert_eq!(zoned.next_run_at, Some(at("2026-11-21T08:30:00Z")), "of the same type it is merged");
    }

    async fn a_deleted_task_leaves_its_executions_and_its_waiting_runs_end(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.advance(Duration::seconds(5)).await;
        parts.service.delete_task(&admin(), "a", None).await.unwrap();
        parts.advance(Duration::seconds(60)).await;
        let found = parts.executions("a").await;
        assert_eq!(found.iter().map(|e| (e.status, e.error.as_deref())).collect::<Vec<_>>(), [(Status::Cancelled, Some("the task was deleted"))]);
    }

    async fn jitter_puts_a_firing_off_and_the_rule_goes_on(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let task = parts.create("a", json!({"type": "interval", "seconds": 60, "jitter": 30})).await;
        let put_off = task.next_run_at.unwrap() - task.next_rule_at.unwrap();
        assert!((Duration::zero()..=Duration::seconds(30)).contains(&put_off), "{put_off}");
        assert_eq!(task.next_rule_at, Some(start() + Duration::seconds(60)));
        parts.advance(Duration::seconds(95)).await;
        let moved = parts.service.task(&admin(), "a").await.unwrap();
        assert_eq!(moved.next_rule_at, Some(start() + Duration::seconds(120)), "jitter never accumulates");
        assert_eq!(parts.executions("a").await[0].scheduled_at, task.next_run_at.unwrap());
    }

    async fn a_clock_set_back_fires_nothing_twice(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.advance(Duration::seconds(5)).await;
        parts.advance(Duration::seconds(-3600)).await;
        assert_eq!(parts.executions("a").await.len(), 1);
        let task = parts.service.task(&admin(), "a").await.unwrap();
        assert_eq!(task.next_run_at, Some(start() + Duration::seconds(10)));
    }

    async fn what_was_due_before_the_start_is_caught_up_on(db: &TestDatabase) {
        let mut parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.planner.since = start() + Duration::seconds(6);
        parts.advance(Duration::seconds(6)).await;
        assert_eq!(seconds(&parts.executions("a").await), [(5, Status::Queued, Cause::CatchUp)]);
    }

    async fn thousands_of_tasks_due_at_once_are_planned_in_batches(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for n in 0..1500 {
            parts.create(&format!("t{n}"), json!({"type": "date", "run_date": "2026-11-21T08:00:01Z"})).await;
        }
        parts.clock.advance(Duration::seconds(1));
        let first = parts.planner.run_once(start() + Duration::seconds(1)).await.unwrap();
        let second = parts.planner.run_once(start() + Duration::seconds(1)).await.unwrap();
        assert_eq!((first.tasks, first.jobs, second.tasks, second.jobs), (1000, 1000, 500, 500));
        assert_eq!(parts.planner.run_once(start() + Duration::seconds(1)).await.unwrap().tasks, 0);
    }
}
