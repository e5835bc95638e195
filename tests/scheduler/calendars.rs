//! Tasks with calendars, freezes and several rules: what is recorded, moved and run.

use belfry::domain::execution::{Cause, Execution, Status};
use belfry::service::{Error, VerifyRequest};
use chrono::Duration;
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::at;
use crate::support::context::{TestContext, admin, start};

/// An `echo` task with a schedule.
fn task(id: &str, schedule: &Value) -> Value {
    let mut task = json!({"id": id, "type": "echo", "params": {"message": "own"}});
    task.as_object_mut().expect("an object").extend(schedule.as_object().expect("an object").clone());
    task
}

async fn create(context: &TestContext, id: &str, schedule: &Value) {
    context.services.tasks.create(&admin(), &task(id, schedule)).await.expect("a task");
}

fn daily(time: &str) -> Value {
    json!({"type": "cron", "expression": time, "timezone": "Asia/Shanghai"})
}

/// Time, status and code of the reason.
fn rows(executions: &[Execution]) -> Vec<(String, Status, String)> {
    let code = |one: &Execution| one.error_message.as_ref().map(|reason| reason.code().to_owned()).unwrap_or_default();
    let local = |one: &Execution| (one.scheduled_at + Duration::hours(8)).format("%m-%d %H:%M").to_string();
    executions.iter().map(|one| (local(one), one.status, code(one))).collect()
}

fn row(at: &str, status: Status, code: &str) -> (String, Status, String) {
    (at.to_owned(), status, code.to_owned())
}

async fn assert_verified(context: &TestContext, id: &str) {
    let request = VerifyRequest { from: Some(start()), task_id: Some(id.to_owned()), ..VerifyRequest::default() };
    let found = context.services.verify.verify(&admin(), &request).await.expect("verifies").findings;
    assert!(found.is_clean(), "{found:?}");
}

/// Lets each run end, so that the next one starts.
async fn advance_days(context: &TestContext, days: i64) {
    for _ in 0..days {
        context.advance(Duration::days(1)).await;
    }
}

/// However late, and beside other runs.
fn patient() -> Value {
    json!({"on_overlap": "allow", "misfire_grace_seconds": null})
}

for_each_database! {
    async fn closed_days_are_recorded_as_skipped(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", &json!({"trigger": daily("08:00"), "calendar": "cn", "policy": patient()})).await;
        advance_days(&context, 3).await;
        let found = context.executions("a").await;
        assert_eq!(rows(&found), [
            row("11-22 08:00", Status::Skipped, "firing.closed_day"),
            row("11-23 08:00", Status::Queued, ""),
            row("11-24 08:00", Status::Queued, ""),
        ]);
        assert_eq!(found[0].error.as_deref(), Some("not run: not a working day of the calendar 'cn'"));
        let origin = found[0].origin.as_ref().expect("an origin");
        assert_eq!((origin.note.as_deref(), origin.calendars.as_str()), (Some("closed"), "cn@2026"));
        assert_verified(&context, "a").await;
    }

    async fn moved_occurrences_run_once_and_name_the_original(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let weekends = json!({"trigger": {"type": "cron", "expression": "0 9 * * sat,sun"}, "calendar": "weekdays",
            "on_closed": "next_working_day", "policy": patient()});
        create(&context, "a", &weekends).await;
        let next = context.services.tasks.get(&admin(), "a").await.unwrap().next_run_at;
        assert_eq!(next, Some(at("2026-11-23T01:00:00Z")), "Monday");
        advance_days(&context, 10).await;
        let found = context.executions("a").await;
        assert_eq!(rows(&found), [row("11-23 09:00", Status::Queued, ""), row("11-30 09:00", Status::Queued, "")]);
        let origin = found[0].origin.as_ref().expect("an origin");
        assert_eq!((origin.note.as_deref(), origin.original), (Some("moved"), Some(at("2026-11-22T01:00:00Z"))));
        assert_verified(&context, "a").await;
    }

    async fn several_rules_at_one_time_are_one_run(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let rules = json!([
            {"trigger": daily("18:00"), "name": "evening", "params": {"message": "evening"}},
            {"trigger": {"type": "cron", "expression": "0 18,20 * * *", "timezone": "Asia/Shanghai"}},
            {"trigger": daily("19:00"), "enabled": false},
        ]);
        create(&context, "a", &json!({"triggers": rules, "policy": patient()})).await;
        context.advance(Duration::hours(2)).await;
        context.advance(Duration::hours(2)).await;
        let found = context.executions("a").await;
        assert_eq!(rows(&found), [row("11-21 18:00", Status::Queued, ""), row("11-21 20:00", Status::Queued, "")]);
        assert_eq!((found[0].params["message"].as_str(), found[1].params["message"].as_str()), (Some("evening"), Some("own")));
        assert_eq!((found[0].schedule_text.as_str(), found[1].schedule_text.as_str()), ("0 18 * * *", "0 18,20 * * *"));
        assert_eq!(found[0].origin.as_ref().and_then(|origin| origin.rule.as_deref()), Some("evening"));
        assert_eq!(found[1].origin, None);
        assert_verified(&context, "a").await;
    }

    async fn closed_occurrences_do_not_coalesce_and_what_is_left_runs(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        create(&context, "a", &json!({"trigger": daily("08:00"), "calendar": "weekdays",
            "policy": {"misfire_grace_seconds": null}})).await;
        // From Saturday over a week to Sunday, without a scheduler in between.
        context.advance(Duration::days(8) + Duration::hours(1)).await;
        let found = context.executions("a").await;
        let (closed, ran) = ("firing.closed_day", Cause::CatchUp);
        assert_eq!(rows(&found), [
            row("11-22 08:00", Status::Skipped, closed),
            row("11-23 08:00", Status::Missed, "firing.coalesced"),
            row("11-24 08:00", Status::Missed, "firing.coalesced"),
            row("11-25 08:00", Status::Missed, "firing.coalesced"),
            row("11-26 08:00", Status::Missed, "firing.coalesced"),
            row("11-27 08:00", Status::Queued, ""),
            row("11-28 08:00", Status::Skipped, closed),
            row("11-29 08:00", Status::Skipped, closed),
        ]);
        assert_eq!(found[5].cause, ran);
        assert_verified(&context, "a").await;
    }

    async fn changed_calendar_replans_its_tasks(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        calendars.create(&admin(), &json!({"name": "team", "base": "weekdays"})).await.unwrap();
        let held = json!({"trigger": {"type": "cron", "expression": "0 9 * * sun"}, "calendar": "team",
            "on_closed": "next_working_day", "policy": patient()});
        create(&context, "a", &held).await;
        let next = async || context.services.tasks.get(&admin(), "a").await.unwrap().next_run_at;
        assert_eq!(next().await, Some(at("2026-11-23T01:00:00Z")));
        let monday_off = json!({"name": "team", "base": "weekdays", "dates": [{"date": "2026-11-23", "name": "moving day"}]});
        calendars.replace(&admin(), "team", &monday_off, None).await.unwrap();
        assert_eq!(next().await, Some(at("2026-11-24T01:00:00Z")), "planned anew in the same transaction");
        advance_days(&context, 4).await;
        let found = context.executions("a").await;
        assert_eq!(rows(&found), [row("11-24 09:00", Status::Queued, "")]);
        assert_eq!(found[0].origin.as_ref().map(|origin| origin.calendars.as_str()), Some("team@2"));
        assert_verified(&context, "a").await;
    }

    async fn another_node_sees_a_changed_calendar(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let other = TestContext::new(&db.reopen().await);
        context.services.calendars.create(&admin(), &json!({"name": "team", "base": "every_day"})).await.unwrap();
        create(&context, "a", &json!({"trigger": daily("08:00"), "calendar": "team", "policy": patient()})).await;
        other.advance(Duration::days(1)).await;
        assert_eq!(rows(&other.executions("a").await), [row("11-22 08:00", Status::Queued, "")]);
        context.clock.advance(Duration::days(1));
        let off = json!({"name": "team", "base": "every_day", "dates": [{"date": "2026-11-23"}]});
        context.services.calendars.replace(&admin(), "team", &off, None).await.unwrap();
        other.advance(Duration::days(1)).await;
        assert_eq!(rows(&other.executions("a").await)[1], row("11-23 08:00", Status::Skipped, "firing.closed_day"));
        other.database.close().await;
    }

    async fn patch_keeps_or_replaces_the_rules(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let tasks = &context.services.tasks;
        create(&context, "a", &json!({"trigger": daily("08:00"), "calendar": "cn"})).await;
        let rules = json!([{"trigger": daily("09:00")}, {"trigger": daily("21:00")}]);
        let several = tasks.patch(&admin(), "a", &json!({"triggers": rules}), None).await.unwrap();
        assert_eq!((several.schedule.rules.len(), several.schedule_text.as_str()), (2, "0 9 * * *; 0 21 * * *"));
        assert!(several.schedule.calendar.is_some(), "the calendar stays");
        let refused = tasks.patch(&admin(), "a", &json!({"trigger": {"hour": 7}}), None).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "which of the rules is not said");
        let single = tasks.patch(&admin(), "a", &json!({"triggers": null, "calendar": null}), None).await.unwrap();
        assert_eq!((single.schedule.is_simple(), single.schedule_text.as_str()), (true, "0 9 * * *"));
    }

    async fn calendars_that_are_missing_or_never_open_are_refused(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let refused = async |schedule: Value| match context.services.tasks.create(&admin(), &task("a", &schedule)).await {
            Err(Error::Invalid(faults)) => (faults[0].pointer.clone(), faults[0].message.to_string()),
            other => panic!("{other:?}"),
        };
        let (pointer, missing) = refused(json!({"trigger": daily("08:00"), "calendar": "none"})).await;
        assert!(pointer == "/calendar" && missing.contains("none"), "{missing}");
        let saturdays = json!({"type": "cron", "expression": "* * * * sat"});
        let (pointer, never) = refused(json!({"trigger": saturdays, "calendar": "weekdays"})).await;
        assert!(pointer == "/calendar" && never.contains("would never run"), "{never}");
    }
}
