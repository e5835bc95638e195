//! Planning of occurrences that are on time, late, overlapping or missed.

use belfry::domain::execution::{Cause, Execution, Status};
use belfry::scheduler::Scheduler;
use belfry::signals::SchedulerHeartbeat;
use chrono::Duration;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::for_each_database;
use crate::support::at;
use crate::support::context::{TestContext, admin, start};

fn seconds(executions: &[Execution]) -> Vec<(i64, Status, Cause)> {
    executions.iter().map(|e| ((e.scheduled_at - start()).num_seconds(), e.status, e.cause)).collect()
}

/// Refuses the executions of the task `refused`, and makes the stored policy of `invalid` unreadable.
const REFUSE_ON_SQLITE: &str = "update tasks set policy = '{' where id = 'invalid';
    create trigger refuse before insert on executions when new.task_id = 'refused' begin select raise(abort, 'refused'); end";
const REFUSE_ON_POSTGRES: &str = "update tasks set policy = '{' where id = 'invalid';
    create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
    create trigger refuse before insert on executions for each row when (new.task_id = 'refused') execute function refuse()";

for_each_database! {
    async fn task_that_the_database_refuses_to_plan_does_not_hold_up_others(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for id in ["a", "invalid", "refused", "z"] {
            context.create(id, json!({"type": "interval", "seconds": 5})).await;
        }
        db.run_sql(REFUSE_ON_SQLITE, REFUSE_ON_POSTGRES).await;
        context.clock.advance(Duration::seconds(5));
        let scheduler = Scheduler::new(context.planner.clone(), SchedulerHeartbeat::default());
        let shutdown = CancellationToken::new();
        let all_planned = async {
            while context.executions("z").await.is_empty() || context.executions("a").await.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            shutdown.cancel();
        };
        let (ended, ()) = tokio::join!(
            tokio::time::timeout(std::time::Duration::from_secs(20), scheduler.run(shutdown.clone())),
            all_planned
        );
        assert!(ended.is_ok(), "the tasks without a fault are planned");
        assert!(context.executions("refused").await.is_empty());
    }

    async fn interval_fires_on_its_grid(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let task = context.create("a", json!({"type": "interval", "seconds": 5})).await;
        assert_eq!(task.next_run_at, Some(start() + Duration::seconds(5)));
        context.plan().await;
        assert!(context.executions("a").await.is_empty(), "nothing is due yet");
        context.advance(Duration::milliseconds(5_020)).await;
        let found = context.executions("a").await;
        assert_eq!(seconds(&found), [(5, Status::Queued, Cause::Schedule)]);
        assert_eq!((found[0].schedule_text.as_str(), found[0].attempt), ("every 5s", 1));
        let task = context.services.tasks.get(&admin(), "a").await.unwrap();
        assert_eq!(task.next_run_at, Some(start() + Duration::seconds(10)), "lateness does not shift the grid");
    }

    async fn task_created_again_under_an_id_fires_by_its_own_rule(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 30})).await;
        context.advance(Duration::seconds(30)).await;
        context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        let again = context.create("a", json!({"type": "interval", "seconds": 5})).await;
        assert_eq!(again.version, 2, "the numbers go on");
        for _ in 0..3 {
            context.advance(Duration::seconds(5)).await;
        }
        let times: Vec<i64> = seconds(&context.executions("a").await).into_iter().map(|(at, ..)| at).collect();
        assert_eq!(times, [30, 35, 40, 45]);
    }

    async fn coalesce_runs_the_latest_due_occurrence_and_marks_the_others_missed(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.advance(Duration::seconds(16)).await;
        let found = context.executions("a").await;
        let (missed, ran) = (Status::Missed, Status::Queued);
        assert_eq!(seconds(&found), [(5, missed, Cause::Schedule), (10, missed, Cause::Schedule), (15, ran, Cause::Schedule)]);
        assert!(found[0].error.as_ref().unwrap().contains("coalesce"), "{:?}", found[0].error);
        context.advance(Duration::seconds(3600)).await;
        assert_eq!(context.executions("a").await.len(), 500, "every occurrence has a row (the page size is 500)");
    }

    async fn overlapping_occurrence_is_skipped(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.advance(Duration::seconds(5)).await;
        context.advance(Duration::seconds(5)).await;
        let found = context.executions("a").await;
        assert_eq!(found.iter().map(|e| e.status).collect::<Vec<_>>(), [Status::Queued, Status::Skipped]);
        assert!(found[1].error.as_ref().unwrap().contains("max_instances is 1"), "{:?}", found[1].error);
    }

    async fn date_fires_once(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("once", json!({"type": "date", "run_date": "2026-11-21 16:00:10"})).await;
        context.advance(Duration::seconds(10)).await;
        context.advance(Duration::days(400)).await;
        assert_eq!(seconds(&context.executions("once").await), [(10, Status::Queued, Cause::Schedule)], "16:00:10 in Shanghai");
    }

    async fn paused_task_does_not_fire_and_resumes_on_its_grid(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 10})).await;
        context.advance(Duration::seconds(3)).await;
        let paused = context.services.tasks.pause(&admin(), "a", None).await.unwrap();
        assert_eq!((paused.enabled, paused.next_run_at, paused.version), (false, None, 2));
        context.advance(Duration::seconds(60)).await;
        assert!(context.executions("a").await.is_empty());
        let resumed = context.services.tasks.resume(&admin(), "a", None).await.unwrap();
        assert_eq!(resumed.next_run_at, Some(start() + Duration::seconds(70)), "the grid starts at its creation");
    }

    async fn only_trigger_changes_replan_the_next_run(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let created = context.create("a", json!({"type": "interval", "seconds": 10})).await;
        context.clock.advance(Duration::seconds(4));
        let renamed = context.services.tasks.patch(&admin(), "a", &json!({"name": "New"}), None).await.unwrap();
        assert_eq!((renamed.next_run_at, renamed.version), (created.next_run_at, 2));
        let hourly = json!({"trigger": {"type": "cron", "expression": "@hourly"}});
        let changed = context.services.tasks.patch(&admin(), "a", &hourly, None).await.unwrap();
        assert_eq!(changed.next_run_at, Some(at("2026-11-21T09:00:00Z")));
        assert_eq!((changed.schedule_text.as_str(), changed.version), ("0 * * * *", 3));
        let zoned = json!({"trigger": {"timezone": "Asia/Kolkata"}});
        let zoned = context.services.tasks.patch(&admin(), "a", &zoned, None).await.unwrap();
        assert_eq!(zoned.next_run_at, Some(at("2026-11-21T08:30:00Z")), "a trigger of the same type is merged");
    }

    async fn deleting_a_task_keeps_executions_and_cancels_queued_ones(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.advance(Duration::seconds(5)).await;
        context.services.tasks.delete(&admin(), "a", None).await.unwrap();
        context.advance(Duration::seconds(60)).await;
        let found = context.executions("a").await;
        assert_eq!(found.iter().map(|e| (e.status, e.error.as_deref())).collect::<Vec<_>>(), [(Status::Cancelled, Some("the task was deleted"))]);
    }

    async fn jitter_delays_a_firing_without_shifting_the_rule(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let task = context.create("a", json!({"type": "interval", "seconds": 60, "jitter": 30})).await;
        let delay = task.next_run_at.unwrap() - task.next_rule_at.unwrap();
        assert!((Duration::zero()..=Duration::seconds(30)).contains(&delay), "{delay}");
        assert_eq!(task.next_rule_at, Some(start() + Duration::seconds(60)));
        context.advance(Duration::seconds(95)).await;
        let moved = context.services.tasks.get(&admin(), "a").await.unwrap();
        assert_eq!(moved.next_rule_at, Some(start() + Duration::seconds(120)), "jitter never accumulates");
        assert_eq!(context.executions("a").await[0].scheduled_at, task.next_run_at.unwrap());
    }

    async fn clock_set_back_does_not_fire_twice(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.advance(Duration::seconds(5)).await;
        context.advance(Duration::seconds(-3600)).await;
        assert_eq!(context.executions("a").await.len(), 1);
        let task = context.services.tasks.get(&admin(), "a").await.unwrap();
        assert_eq!(task.next_run_at, Some(start() + Duration::seconds(10)));
    }

    async fn occurrences_before_the_start_are_caught_up(db: &TestDatabase) {
        let mut context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.planner.since = start() + Duration::seconds(6);
        context.advance(Duration::seconds(6)).await;
        assert_eq!(seconds(&context.executions("a").await), [(5, Status::Queued, Cause::CatchUp)]);
    }

    async fn many_due_tasks_are_planned_in_batches(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for n in 0..1500 {
            context.create(&format!("t{n}"), json!({"type": "date", "run_date": "2026-11-21T08:00:01Z"})).await;
        }
        context.clock.advance(Duration::seconds(1));
        let first = context.planner.run_once(start() + Duration::seconds(1)).await.unwrap();
        let second = context.planner.run_once(start() + Duration::seconds(1)).await.unwrap();
        assert_eq!((first.tasks, first.queued, second.tasks, second.queued), (1000, 1000, 500, 500));
        assert_eq!(context.planner.run_once(start() + Duration::seconds(1)).await.unwrap().tasks, 0);
    }
}
