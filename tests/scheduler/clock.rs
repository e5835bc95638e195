//! Clocks that are set ahead or back, and a server whose time zone changes.

use belfry::clock::Clock;
use belfry::domain::audit::{AuditEvent, AuditFilter};
use belfry::domain::execution::{Execution, Status};
use belfry::domain::node::NodeIdentity;
use belfry::domain::page::PageRequest;
use belfry::scheduler::Scheduler;
use belfry::service::VerifyRequest;
use belfry::signals::SchedulerHeartbeat;
use belfry::storage::execution::{self, Claim, Finish};
use chrono::Duration;
use chrono_tz::Tz;
use serde_json::json;

use crate::for_each_database;
use crate::support::at;
use crate::support::context::{TestContext, admin, start};

fn scheduler(context: &TestContext) -> Scheduler {
    Scheduler::new(context.planner.clone(), SchedulerHeartbeat::default())
}

/// Lets time pass in steps of five seconds, with a pass of the scheduler after each.
async fn pass(context: &TestContext, scheduler: &Scheduler, seconds: i64) {
    for _ in 0..seconds / 5 {
        context.clock.advance(Duration::seconds(5));
        while scheduler.run_once().await.unwrap().is_zero() {}
        end_runs(context).await;
    }
}

/// Ends the runs that wait for a worker.
async fn end_runs(context: &TestContext) {
    for run in context.executions("a").await.into_iter().filter(|run| run.status == Status::Queued && run.retry_at.is_none()) {
        context.services.executions.cancel(&admin(), &run.id).await.unwrap();
    }
}

/// An execution whose first attempt has just failed and whose second is due after `delay`.
async fn waiting_retry(context: &TestContext, delay: Duration) -> String {
    context.create("r", json!({"type": "date", "run_date": "2027-01-01"})).await;
    let id = context.services.executions.run(&admin(), "r", None, None).await.unwrap().id;
    let (node, now) = (NodeIdentity { id: "01NODE".into(), name: "host-1".into() }, context.clock.now());
    let finish = Finish {
        execution_id: id.clone(),
        attempt: 1,
        status: Status::Failed,
        retry_at: Some(now + delay),
        started_at: now,
        finished_at: now,
        duration_ms: 0,
        error: None,
        result: None,
    };
    let mut tx = context.database.write().await.unwrap();
    execution::claim(&mut tx, &node, &[Claim { execution_id: id.clone(), attempt: 1, started_at: now }]).await.unwrap();
    execution::finish(&mut tx, &node.id, &[finish]).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// The scheduled times that ran, in seconds after the start.
fn ran(executions: &[Execution]) -> Vec<i64> {
    let ran = executions.iter().filter(|run| !matches!(run.status, Status::Missed | Status::Skipped));
    let mut times: Vec<_> = ran.map(|run| (run.scheduled_at - start()).num_seconds()).collect();
    times.sort_unstable();
    times
}

async fn noted(context: &TestContext, action: AuditEvent) -> usize {
    let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
    let page = PageRequest { size: 100, cursor: None };
    context.services.audit.list(&admin(), &filter, &page).await.unwrap().items.len()
}

for_each_database! {
    async fn clock_that_was_ahead_silences_nothing(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let scheduler = scheduler(&context);
        context.create("a", json!({"type": "interval", "seconds": 10})).await;
        pass(&context, &scheduler, 20).await;
        context.clock.step(Duration::hours(1));
        pass(&context, &scheduler, 20).await;
        assert_eq!(noted(&context, AuditEvent::ClockChange).await, 1);
        context.clock.step(Duration::hours(-1));
        pass(&context, &scheduler, 40).await;
        let recorded = context.all_executions("a").await;
        assert_eq!(ran(&recorded), [10, 20, 40, 50, 60, 70, 80, 3620, 3630, 3640], "the occurrences of the hour run at their own time");
        assert_eq!(noted(&context, AuditEvent::ClockChange).await, 2);
        let mut times: Vec<_> = recorded.iter().map(|run| run.scheduled_at).collect();
        times.sort_unstable();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "each occurrence has one row");
    }

    async fn date_that_a_clock_ahead_has_missed_runs_at_its_own_time(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let scheduler = scheduler(&context);
        for (id, seconds) in [("a", 60), ("ran", 3700)] {
            let date = (start() + Duration::seconds(seconds)).to_rfc3339();
            context.create(id, json!({"type": "date", "run_date": date})).await;
        }
        context.clock.step(Duration::hours(2));
        pass(&context, &scheduler, 20).await;
        let status = async |id: &str| context.all_executions(id).await.iter().map(|run| run.status).collect::<Vec<_>>();
        assert_eq!((status("a").await, status("ran").await), (vec![Status::Missed], vec![Status::Queued]));
        context.clock.step(Duration::hours(-2));
        pass(&context, &scheduler, 70).await;
        assert_eq!(ran(&context.all_executions("a").await), [60]);
        context.clock.step(Duration::seconds(3550));
        pass(&context, &scheduler, 100).await;
        assert_eq!((status("a").await.len(), status("ran").await), (1, vec![Status::Queued]), "each has one row and runs once");
    }

    async fn clock_set_back_stops_nothing_and_repeats_nothing(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let scheduler = scheduler(&context);
        let trigger = json!({"type": "interval", "seconds": 10, "start_date": "2026-11-01T00:00:00Z"});
        context.create("a", trigger).await;
        pass(&context, &scheduler, 20).await;
        context.clock.step(Duration::days(-2));
        pass(&context, &scheduler, 20).await;
        let back = -2 * 86_400;
        assert_eq!(ran(&context.all_executions("a").await), [back + 20, back + 30, back + 40, 0, 10, 20]);
        context.clock.step(Duration::days(2) - Duration::seconds(30));
        pass(&context, &scheduler, 20).await;
        let recorded = context.all_executions("a").await;
        let times = ran(&recorded);
        assert!(times.ends_with(&[0, 10, 20, 30]), "10 and 20 do not run again: {:?}", &times[times.len() - 5..]);
    }

    async fn time_that_passed_unseen_around_a_step_back_is_decided_anew(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let scheduler = scheduler(&context);
        context.create("a", json!({"type": "interval", "seconds": 1})).await;
        pass(&context, &scheduler, 5).await;
        context.clock.step(Duration::hours(1));
        pass(&context, &scheduler, 5).await;
        // The process stands still for three seconds, during which the clock is set back.
        context.clock.advance(Duration::milliseconds(3300));
        context.clock.step(Duration::hours(-1));
        while scheduler.run_once().await.unwrap().is_zero() {}
        let decided = |second: i64, recorded: &[Execution]| {
            recorded.iter().find(|run| run.scheduled_at == start() + Duration::seconds(second)).map(|run| run.queued_at)
        };
        let recorded = context.all_executions("a").await;
        assert!(decided(9, &recorded).unwrap() > start() + Duration::hours(1), "the scheduler has seen that time");
        for second in 11..=13 {
            let at = decided(second, &recorded);
            assert_eq!(at, Some(context.clock.now()), "{second}");
        }
        assert_eq!(ran(&recorded), [5, 13, 3610], "the latest of them runs");
    }

    async fn retries_keep_their_delay_when_the_clock_is_set_back(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let scheduler = scheduler(&context);
        pass(&context, &scheduler, 5).await;
        let id = waiting_retry(&context, Duration::seconds(60)).await;
        context.clock.step(Duration::days(-2));
        pass(&context, &scheduler, 10).await;
        let waiting = context.services.executions.get(&admin(), &id).await.unwrap().execution;
        let delay = waiting.retry_at.unwrap() - context.clock.now();
        assert!(delay <= Duration::seconds(60) && delay > Duration::seconds(40), "{delay}");
    }

    async fn clock_set_back_while_the_server_was_stopped_is_noticed_at_the_start(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "cron", "expression": "@hourly"})).await;
        context.advance(Duration::hours(30)).await;
        context.clock.step(Duration::hours(-30));
        context.planner.started(context.clock.now()).await.unwrap();
        let task = context.services.tasks.get(&admin(), "a").await.unwrap();
        assert_eq!(task.next_run_at, Some(start()), "08:00, which did not run");
        assert_eq!(noted(&context, AuditEvent::ClockChange).await, 1);
    }

    async fn changed_zone_replans_tasks_without_a_zone_and_fires_nothing(db: &TestDatabase) {
        let mut context = TestContext::new(&db.database);
        context.planner.started(start()).await.unwrap();
        context.create("a", json!({"type": "cron", "hour": 20})).await;
        context.create("zoned", json!({"type": "cron", "hour": 20, "timezone": "Asia/Tokyo"})).await;
        context.create("date", json!({"type": "date", "run_date": "2026-11-21 17:00"})).await;
        context.create("paused", json!({"type": "date", "run_date": "2026-11-21 17:00"})).await;
        context.services.tasks.pause(&admin(), "paused", None).await.unwrap();
        context.clock.advance(Duration::minutes(90));
        let mut planner = context.planner.clone();
        planner.zone = Tz::Europe__Berlin;
        planner.state = Default::default();
        planner.started(context.clock.now()).await.unwrap();
        let next = async |id: &str| context.services.tasks.get(&admin(), id).await.unwrap().next_run_at;
        assert_eq!(next("a").await, Some(at("2026-11-21T19:00:00Z")), "20:00 in Berlin");
        assert_eq!(next("zoned").await, Some(at("2026-11-21T11:00:00Z")), "20:00 in Tokyo");
        assert_eq!(next("date").await, None, "its time was 17:00 in Shanghai");
        assert_eq!(context.executions("date").await.len(), 1);
        assert!(context.executions("a").await.is_empty());
        assert_eq!(noted(&context, AuditEvent::ZoneChange).await, 1);
        context.planner = planner.clone();
        context.advance(Duration::days(1)).await;
        assert_eq!(context.executions("a").await.len(), 1);
        assert!(context.executions("paused").await.iter().all(|run| run.scheduled_at == at("2026-11-21T09:00:00Z")));
        for id in ["a", "zoned", "date", "paused"] {
            let request = VerifyRequest { from: Some(start()), to: None, task_id: Some(id.to_owned()) };
            let found = context.services.verify.verify(&admin(), &request).await.unwrap().findings;
            assert!(found.is_clean() && found.expected == 1, "read in the zone of then: {found:#?}");
        }
        planner.started(context.clock.now()).await.unwrap();
        assert_eq!(noted(&context, AuditEvent::ZoneChange).await, 1, "noted once");
    }
}
