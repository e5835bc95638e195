//! Explanations: for every time of random histories, what `why` says equals the log.

use belfry::clock::Clock;
use belfry::domain::execution::{Execution, Status};
use belfry::domain::pause::PauseRequest;
use belfry::domain::pause_record::occurrences_of;
use belfry::domain::why::Explanation;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::for_each_database;
use crate::simulation::model::Random;
use crate::support::context::{TestContext, admin, start};

const STEPS: usize = 25;

fn trigger(random: &mut Random) -> Value {
    match random.below(4) {
        0 => json!({"type": "interval", "seconds": 30 + random.below(600), "start_date": "2026-11-01T00:00:00Z"}),
        1 => json!({"type": "interval", "minutes": 7, "jitter": 100, "start_date": "2026-11-01T00:00:00Z"}),
        2 => json!({"type": "cron", "expression": format!("{},{} 8-18 * * *", random.below(30), 30 + random.below(30))}),
        _ => json!({"type": "cron", "expression": "*/4 * * * *", "timezone": "America/New_York"}),
    }
}

/// One random change of the task, or the passage of time.
async fn step(context: &TestContext, id: &str, random: &mut Random) {
    let tasks = &context.services.tasks;
    let in_a_while =
        (context.clock.now() + Duration::seconds(1 + random.below(4000) as i64)).to_rfc3339_opts(SecondsFormat::Millis, true);
    match random.below(10) {
        0 => drop(tasks.pause(&admin(), id, None).await.expect("pauses")),
        1 => {
            let request = PauseRequest { until: Some(in_a_while), reason: "why".to_owned() };
            tasks.pause_until(&admin(), id, &request, None).await.expect("pauses");
        }
        2 => drop(tasks.resume(&admin(), id, None).await.expect("resumes")),
        3 => drop(tasks.patch(&admin(), id, &json!({"trigger": trigger(random)}), None).await.expect("edits")),
        4 => context.clock.advance(Duration::seconds(random.below(3000) as i64)),
        _ => context.advance(Duration::seconds(random.below(900) as i64)).await,
    }
}

async fn explained(context: &TestContext, id: &str, at: DateTime<Utc>) -> Explanation {
    let text = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    context.services.why.explain(&admin(), id, &text).await.expect("explains").0
}

fn failed(found: &Explanation) -> Vec<&'static str> {
    found.reasons.iter().filter(|check| !check.holds).map(|check| check.what).collect()
}

async fn check_rows(context: &TestContext, id: &str, rows: &[Execution]) {
    for row in rows {
        let found = explained(context, id, row.scheduled_at).await;
        assert_eq!((found.due, found.decided), (true, Some(row.status)), "{row:?}: {found:#?}");
        let code = row.error_message.as_ref().map(|message| message.code().to_owned()).unwrap_or_default();
        let what = match code.as_str() {
            "pause.skipped" | "pause.skipped_span" => "pause",
            "firing.overlap" => "overlap",
            "firing.too_late" => "lateness",
            code if code.starts_with("firing.coalesced") => "coalesce",
            _ => continue,
        };
        assert!(failed(&found).contains(&what), "{code}: {found:#?}");
    }
}

/// Seconds around each row, and others: what is due has a record, and the other way round.
async fn check_times(context: &TestContext, id: &str, rows: &[Execution], random: &mut Random) {
    let task = context.services.tasks.get(&admin(), id).await.expect("reads");
    let undecided = task.next_run_at.or(task.paused.and_then(|pause| pause.undecided_from()));
    let to = undecided.map_or(context.clock.now(), |at| at.min(context.clock.now()));
    let covered = |at: DateTime<Utc>| {
        rows.iter()
            .filter_map(|row| occurrences_of(row.scheduled_at, row.status, row.error_message.as_ref()))
            .any(|one| one.first <= at && at <= one.last)
    };
    let jitter = task.trigger["jitter"].is_number();
    for _ in 0..40 {
        let at = start() + Duration::seconds(random.below(20_000) as i64);
        if at >= to {
            continue;
        }
        let found = explained(context, id, at).await;
        let is_recorded = rows.iter().any(|row| row.scheduled_at == at) || covered(at);
        assert!(found.decided.is_none() || is_recorded || jitter || found.due, "{at}: {found:#?}");
        assert!(!found.due || found.decided.is_some(), "{at}: due without a record: {found:#?}");
    }
}

for_each_database! {
    async fn explanations_equal_the_log_of_random_histories(db: &TestDatabase) {
        for seed in 1..=8 {
            let context = TestContext::new(&db.database);
            let mut random = Random::new(seed);
            let id = format!("a{seed}");
            let task = json!({"id": id, "type": "echo", "trigger": trigger(&mut random), "policy": {"max_instances": 2}});
            context.services.tasks.create(&admin(), &task).await.expect("creates");
            for _ in 0..STEPS {
                step(&context, &id, &mut random).await;
            }
            context.plan().await;
            let rows = context.all_executions(&id).await;
            check_rows(&context, &id, &rows).await;
            check_times(&context, &id, &rows, &mut random).await;
            context.services.tasks.delete(&admin(), &id, None).await.expect("deletes");
        }
    }

    async fn time_that_is_none_of_the_task_is_explained(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "cron", "expression": "30 8 * * mon-fri", "timezone": "Asia/Shanghai"})).await;
        let weekend = context.services.why.explain(&admin(), "a", "2026-11-28 08:30").await.unwrap().0;
        assert_eq!((weekend.due, weekend.decided, failed(&weekend)), (false, None, vec!["rule", "day"]));
        let ahead = context.services.why.explain(&admin(), "a", "2026-11-30 08:30").await.unwrap().0;
        assert_eq!((ahead.due, ahead.decided, failed(&ahead)), (true, None, vec![]));
        let before = context.services.why.explain(&admin(), "a", "2026-11-02 08:30").await.unwrap().0;
        assert_eq!((before.due, failed(&before)), (false, vec!["task", "record"]));
        assert!(context.services.why.explain(&admin(), "a", "soon").await.is_err());
    }

    async fn late_decision_is_told(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "hours": 1})).await;
        context.clock.advance(Duration::hours(3));
        context.plan().await;
        let found = explained(&context, "a", start() + Duration::hours(1)).await;
        assert_eq!((found.decided, failed(&found)), (Some(Status::Missed), vec!["server", "lateness", "record"]));
        assert!(found.reasons.iter().any(|check| check.what == "change"), "who created the task");
    }

    async fn pause_speaks_against_a_run_until_its_end(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "hours": 1})).await;
        let request = PauseRequest { until: Some("2026-11-21T12:30:00Z".to_owned()), reason: String::new() };
        context.services.tasks.pause_until(&admin(), "a", &request, None).await.unwrap();
        assert_eq!(failed(&explained(&context, "a", start() + Duration::hours(2)).await), ["pause"]);
        assert_eq!(failed(&explained(&context, "a", start() + Duration::hours(5)).await), [""; 0], "after its end");
    }
}
