//! The overview and the calendar.

use belfry::domain::execution::Status;
use belfry::stats::calendar::Granularity;
use belfry::stats::calendar_request::CalendarRequest;
use belfry::storage::bench_data::{self, SampleRun};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, admin, start};

fn past(number: i64, task: &str, at: DateTime<Utc>, status: Status) -> SampleRun {
    let id = crate::support::execution_id_at(at, number);
    SampleRun { id, task_id: task.into(), task_type: "echo", status, at, duration_ms: 1000 }
}

async fn record(context: &TestContext, runs: &[SampleRun]) {
    let mut tx = context.database.write().await.unwrap();
    bench_data::insert_runs(&mut tx, runs).await.unwrap();
    tx.commit().await.unwrap();
}

for_each_database! {
    async fn overview_counts_runs_by_start_time(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        // It is 16:00 in the server's zone.
        let ago = |minutes| start() - Duration::minutes(minutes);
        let runs = [
            past(1, "a", ago(1), Status::Succeeded),
            past(2, "b", ago(1), Status::Failed),
            past(3, "a", ago(61), Status::Succeeded),
            past(4, "a", ago(17 * 60), Status::Failed),
            past(5, "a", ago(25 * 60), Status::Failed),
        ];
        record(&context, &runs).await;
        let found = context.services.stats.overview(&admin()).await.unwrap();
        assert_eq!((found.ran_today, found.failed_today), (3, 1), "midnight was sixteen hours ago");
        assert_eq!(found.hours.len(), 24);
        assert_eq!(found.hours[22].outcomes, [(Status::Succeeded, 1), (Status::Failed, 1)]);
        assert_eq!(found.hours.iter().map(|hour| hour.total()).sum::<i64>(), 4, "one began before the chart");
        assert_eq!(found.success_rate, Some(0.5));
        assert_eq!(found.past.iter().map(|slot| slot.total()).sum::<i64>(), 2);
        assert_eq!(found.median_lateness_ms, Some(2));
        let [cause] = found.failures.as_slice() else { panic!("one cause: {:?}", found.failures) };
        assert_eq!((cause.failures, cause.tasks.as_slice()), (3, ["b".to_owned(), "a".to_owned()].as_slice()));
        let delay = Duration::milliseconds(2);
        assert_eq!((cause.first_at, cause.last_at), (ago(25 * 60) + delay, ago(1) + delay), "they started two milliseconds late");
    }

    async fn overview_lists_planned_and_overdue_firings(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("often", json!({"type": "interval", "minutes": 10})).await;
        context.create("later", json!({"type": "interval", "hours": 5})).await;
        let found = context.services.stats.overview(&admin()).await.unwrap();
        assert_eq!(found.planned.iter().map(|step| step.firings).sum::<i64>(), 5, "every ten minutes, within the hour");
        assert!(found.planned.iter().all(|step| !step.tasks.contains(&"later".to_owned())));
        assert!(found.overdue.is_empty() && !found.planned_more);
        context.clock.advance(Duration::minutes(15));
        let found = context.services.stats.overview(&admin()).await.unwrap();
        assert_eq!(found.overdue.iter().map(|task| task.task_id.as_str()).collect::<Vec<_>>(), ["often"]);
        assert_eq!(found.planned[0].firings, 1, "what is overdue comes first");
    }

    async fn running_executions_have_the_median_duration_of_successes(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "minutes": 10})).await;
        let runs: Vec<_> = (1..=30).map(|n| past(n, "a", start() - Duration::minutes(n), Status::Succeeded)).collect();
        record(&context, &runs).await;
        context.services.executions.run(&admin(), "a", None, None).await.unwrap();
        let run = context.executions("a").await.pop().unwrap();
        let node = belfry::domain::node::NodeIdentity { id: "n".into(), name: "host".into() };
        let claim = belfry::storage::execution::Claim { execution_id: run.id.clone(), attempt: 1, started_at: start() };
        let mut tx = context.database.write().await.unwrap();
        belfry::storage::execution::claim(&mut tx, &node, std::slice::from_ref(&claim)).await.unwrap();
        belfry::storage::execution::mark_running(&mut tx, &node.id, &[claim]).await.unwrap();
        tx.commit().await.unwrap();
        let found = context.services.stats.overview(&admin()).await.unwrap();
        assert_eq!((found.running, found.current[0].execution.id.as_str()), (1, run.id.as_str()));
        assert_eq!(found.current[0].median_ms, Some(1000));
    }

    async fn calendar_counts_runs_by_task_and_type(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "cron", "hour": 20})).await;
        let runs = [past(1, "a", start() - Duration::hours(1), Status::Failed), past(2, "b", start() - Duration::hours(1), Status::Succeeded)];
        record(&context, &runs).await;
        let request = CalendarRequest {
            from: start() - Duration::days(1),
            to: start() + Duration::days(2),
            zone: chrono_tz::Tz::Asia__Shanghai,
            granularity: Granularity::Hour,
            task_id: None,
            task_type: None,
        };
        let all = context.services.stats.calendar(&admin(), &request).await.unwrap();
        let cell = &all.cells[&("2026-11-21".parse().unwrap(), Some(15))];
        assert_eq!((cell.succeeded, cell.failed), (1, 1));
        assert_eq!(all.cells[&("2026-11-21".parse().unwrap(), Some(20))].tasks, ["a"]);
        let one = CalendarRequest { task_id: Some("a".into()), task_type: Some("echo".into()), ..request.clone() };
        let of_one = context.services.stats.calendar(&admin(), &one).await.unwrap();
        assert_eq!(of_one.cells.values().map(|cell| (cell.succeeded, cell.failed, cell.planned)).fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2)), (0, 1, 2));
        let other = CalendarRequest { task_type: Some("send_cmd".into()), ..request };
        assert!(context.services.stats.calendar(&admin(), &other).await.unwrap().cells.is_empty());
    }
}
