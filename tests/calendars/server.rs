//! Calendars of a server: what a change does to tasks, what is refused, versions, roles and the scope of accounts.

use belfry::domain::calendar::ImportFormat;
use belfry::domain::execution::Status;
use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{CalendarImport, Error};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::at;
use crate::support::context::{TestContext, admin, start};

const YEAR: &str = r#"{"years": {"2027": {"off": ["01-01"], "work": ["01-02"]}}}"#;

/// Every day at eight in Shanghai, on the working days of a calendar.
fn task(id: &str, calendar: &str) -> Value {
    json!({"id": id, "type": "echo", "params": {"message": "x"}, "calendar": calendar,
        "trigger": {"type": "cron", "hour": 8, "timezone": "Asia/Shanghai"},
        "policy": {"misfire_grace_seconds": 100_000, "on_overlap": "allow"}})
}

fn import(text: &str, dry_run: bool) -> CalendarImport<'_> {
    CalendarImport { text, format: ImportFormat::Json, dry_run, if_match: None }
}

fn limited(role: Role, tag: &str) -> Actor {
    Actor { scope: TagScope::from_tags(&[tag.to_owned()]), ..Actor::new("limited", role, Via::Api) }
}

async fn next_run(context: &TestContext, id: &str) -> Option<DateTime<Utc>> {
    context.services.tasks.get(&admin(), id).await.expect("the task").next_run_at
}

async fn open_dates(context: &TestContext, id: &str) -> Vec<String> {
    let runs = context.executions(id).await;
    let ran = runs.iter().filter(|run| run.status == Status::Queued);
    ran.map(|run| run.scheduled_at.with_timezone(&chrono_tz::Asia::Shanghai).format("%m-%d").to_string()).collect()
}

for_each_database! {
    async fn an_import_shows_the_firings_it_changes_and_then_moves_them(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        context.clock.set(at("2026-12-31T08:00:00Z"));
        context.services.tasks.create(&admin(), &task("a", "cn")).await.expect("creates");
        let planned = calendars.import(&admin(), "cn", import(YEAR, true)).await.expect("plans");
        assert!(!planned.applied && planned.days == 2 && planned.calendar.version == 0);
        let [change] = &planned.tasks[..] else { panic!("{:?}", planned.tasks) };
        let days = |times: &[DateTime<chrono_tz::Tz>]| -> Vec<String> {
            times.iter().take(2).map(|at| at.format("%m-%d").to_string()).collect()
        };
        assert_eq!((days(&change.before), days(&change.after)), (vec!["01-01".into(), "01-04".into()], vec!["01-02".into(), "01-04".into()]));
        assert_eq!(calendars.get(&admin(), "cn").await.expect("reads").version, 0, "a dry run saves nothing");
        let done = calendars.import(&admin(), "cn", import(YEAR, false)).await.expect("imports");
        assert!(done.applied && done.calendar.version == 1);
        for _ in 0..5 {
            context.advance(Duration::days(1)).await;
        }
        assert_eq!(open_dates(&context, "a").await, ["01-02", "01-04", "01-05"]);
        let day = |date: NaiveDate| NaiveDate::from_ymd_opt(2027, 1, 1).is_some_and(|first| date == first);
        let runs = context.executions("a").await;
        let closed = runs.iter().find(|run| day(run.scheduled_at.with_timezone(&chrono_tz::Asia::Shanghai).date_naive()));
        assert_eq!(closed.map(|run| run.status), Some(Status::Skipped), "a closed day is on record");
    }

    async fn a_change_settles_what_was_due_before_it(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        calendars.create(&admin(), &json!({"name": "team", "base": "every_day"})).await.expect("creates");
        context.services.tasks.create(&admin(), &task("a", "team")).await.expect("creates");
        assert_eq!(next_run(&context, "a").await, Some(at("2026-11-22T00:00:00Z")));
        // Nobody plans until the change: the occurrence was an open one, and stays so.
        context.clock.set(at("2026-11-22T00:00:30Z"));
        let closed = json!({"base": "every_day", "dates": [{"date": "2026-11-22"}, {"date": "2026-11-23"}]});
        calendars.replace(&admin(), "team", &closed, Some(1)).await.expect("replaces");
        assert_eq!(open_dates(&context, "a").await, ["11-22"]);
        context.advance(Duration::days(1)).await;
        context.advance(Duration::days(1)).await;
        let statuses: Vec<Status> = context.executions("a").await.iter().map(|run| run.status).collect();
        assert_eq!(statuses[..2], [Status::Queued, Status::Skipped]);
        let stale = calendars.replace(&admin(), "team", &closed, Some(1)).await.unwrap_err();
        assert!(matches!(stale, Error::Stale { given: 1, current: 2 }), "{stale:?}");
    }

    async fn a_calendar_in_use_stays(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        calendars.create(&admin(), &json!({"name": "team", "base": "cn"})).await.expect("creates");
        calendars.create(&admin(), &json!({"name": "built", "base": "team"})).await.expect("creates");
        context.services.tasks.create(&admin(), &task("a", "team")).await.expect("creates");
        let refused = calendars.delete(&admin(), "team", None).await.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(message) if message.code() == "calendar.used_by_calendar"), "{refused:?}");
        calendars.delete(&admin(), "built", None).await.expect("nobody uses it");
        let refused = calendars.delete(&admin(), "team", None).await.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(message) if message.to_string().contains(": a;")), "{refused:?}");
        assert_eq!(calendars.get(&admin(), "team").await.expect("reads").used_by, ["a"]);
        context.services.tasks.delete(&admin(), "a", None).await.expect("deletes");
        calendars.delete(&admin(), "team", None).await.expect("deletes");
        let again = calendars.create(&admin(), &json!({"name": "team"})).await.expect("creates");
        assert_eq!(again.version, 3, "its versions go on");
        let versions: Vec<(i64, bool)> =
            calendars.versions(&admin(), "team", None).await.expect("lists").iter().map(|one| (one.version, one.content.is_some())).collect();
        assert_eq!(versions, [(3, true), (2, false), (1, true)]);
    }

    async fn an_earlier_version_is_restored(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        calendars.create(&admin(), &json!({"name": "team", "base": "every_day"})).await.expect("creates");
        context.services.tasks.create(&admin(), &task("a", "team")).await.expect("creates");
        let closed = json!({"base": "every_day", "dates": [{"date": "2026-11-22"}]});
        calendars.replace(&admin(), "team", &closed, None).await.expect("replaces");
        let restore = async |version, if_match, dry_run| calendars.restore_version(&admin(), "team", version, if_match, dry_run).await;
        let planned = restore(1, Some(2), true).await.expect("plans");
        assert_eq!((planned.applied, planned.calendar.version, planned.tasks.len()), (false, 2, 1));
        assert!(planned.tasks[0].after.len() > planned.tasks[0].before.len() || planned.tasks[0].after[0] < planned.tasks[0].before[0]);
        assert!(matches!(restore(1, Some(1), false).await, Err(Error::Stale { given: 1, current: 2 })));
        let done = restore(1, None, false).await.expect("restores");
        assert_eq!((done.applied, done.calendar.version, done.calendar.content.dates.len()), (true, 3, 0));
        context.advance(Duration::days(1)).await;
        assert_eq!(open_dates(&context, "a").await, ["11-22"]);
        assert!(matches!(restore(9, None, false).await, Err(Error::NotFound(_))));
        context.services.tasks.delete(&admin(), "a", None).await.expect("deletes");
        calendars.delete(&admin(), "team", None).await.expect("deletes");
        assert!(matches!(restore(4, None, false).await, Err(Error::Conflict(_))), "it is the deletion");
        assert_eq!(restore(2, None, false).await.expect("restores").calendar.version, 5, "a deleted one is there again");
        assert_eq!(calendars.get(&admin(), "team").await.expect("reads").content.dates.len(), 1);
        let editor = Actor::new("editor", Role::Editor, Via::Api);
        calendars.import(&admin(), "cn", import(YEAR, false)).await.expect("imports");
        assert!(matches!(calendars.restore_version(&editor, "cn", 1, None, true).await, Err(Error::Forbidden(_))));
        let viewer = Actor::new("viewer", Role::Viewer, Via::Api);
        assert!(matches!(calendars.restore_version(&viewer, "team", 1, None, true).await, Err(Error::Forbidden(_))));
    }

    async fn a_change_of_a_base_moves_the_tasks_of_calendars_built_on_it(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        calendars.create(&admin(), &json!({"name": "team", "base": "cn"})).await.expect("creates");
        context.services.tasks.create(&admin(), &task("a", "team")).await.expect("creates");
        let closed = json!({"base": "cn", "dates": [{"date": "2026-11-23", "until": "2026-11-25"}]});
        let planned = calendars.try_replace(&admin(), "cn", &closed, None, true).await.expect("plans");
        assert_eq!(planned.tasks.iter().map(|change| change.task_id.as_str()).collect::<Vec<_>>(), ["a"]);
        calendars.replace(&admin(), "cn", &closed, None).await.expect("replaces");
        let mut dates = Vec::new();
        for _ in 0..6 {
            context.advance(Duration::days(1)).await;
            dates = open_dates(&context, "a").await;
        }
        assert_eq!(dates, ["11-26", "11-27"]);
        calendars.delete(&admin(), "cn", None).await.expect("the built-in one is back, in use or not");
        assert_eq!(calendars.get(&admin(), "cn").await.expect("reads").version, 0);
    }

    async fn names_cycles_and_numbers_are_checked(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        let create = async |body: Value| calendars.create(&admin(), &body).await;
        create(json!({"name": "a", "base": "cn"})).await.expect("creates");
        create(json!({"name": "b", "base": "a"})).await.expect("creates");
        for taken in ["a", "cn"] {
            assert!(matches!(create(json!({"name": taken})).await, Err(Error::Conflict(_))), "{taken}");
        }
        let pointers = |error: Error| match error {
            Error::Invalid(faults) => faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(pointers(create(json!({"name": "weekdays"})).await.unwrap_err()), ["/name"]);
        assert_eq!(pointers(create(json!({"name": "c", "base": "nothing"})).await.unwrap_err()), ["/base"]);
        assert_eq!(pointers(calendars.replace(&admin(), "a", &json!({"base": "b"}), None).await.unwrap_err()), ["/base"]);
        assert_eq!(pointers(calendars.replace(&admin(), "a", &json!({"name": "b"}), None).await.unwrap_err()), ["/name"]);
        for missing in ["nothing", "weekdays"] {
            assert!(matches!(calendars.replace(&admin(), missing, &json!({}), None).await, Err(Error::NotFound(_) | Error::Invalid(_))));
            assert!(matches!(calendars.delete(&admin(), missing, None).await, Err(Error::NotFound(_))));
            assert!(matches!(calendars.import(&admin(), missing, import(YEAR, false)).await, Err(Error::NotFound(_))), "{missing}");
        }
        for n in 2..100 {
            create(json!({"name": format!("c{n}")})).await.expect("creates");
        }
        assert!(matches!(create(json!({"name": "more"})).await, Err(Error::Conflict(_))));
    }

    async fn accounts_limited_to_tags_change_only_what_others_do_not_use(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let calendars = &context.services.calendars;
        let (red, blue) = (limited(Role::Editor, "red"), limited(Role::Editor, "blue"));
        calendars.create(&red, &json!({"name": "team"})).await.expect("creates");
        let mut own = task("of-red", "team");
        own["tags"] = json!(["red"]);
        context.services.tasks.create(&admin(), &own).await.expect("creates");
        let change = json!({"dates": [{"date": "2026-11-23"}]});
        assert!(matches!(calendars.replace(&blue, "team", &change, None).await, Err(Error::Forbidden(_))));
        assert_eq!(calendars.get(&blue, "team").await.expect("reads").used_by, Vec::<String>::new());
        calendars.replace(&red, "team", &change, None).await.expect("replaces");
        for role in [Role::Viewer, Role::Operator] {
            assert!(matches!(calendars.create(&limited(role, "red"), &json!({"name": "x"})).await, Err(Error::Forbidden(_))));
        }
        let full = Actor::new("editor", Role::Editor, Via::Api);
        assert!(matches!(calendars.import(&full, "cn", import(YEAR, true)).await, Err(Error::Forbidden(_))), "cn is for administrators");
    }

    async fn another_process_sees_a_change(db: &TestDatabase) {
        let (context, other) = (TestContext::new(&db.database), TestContext::new(&db.reopen().await));
        context.services.calendars.create(&admin(), &json!({"name": "team", "base": "every_day"})).await.expect("creates");
        context.services.tasks.create(&admin(), &task("a", "team")).await.expect("creates");
        other.clock.set(start());
        other.plan().await;
        let closed = json!({"base": "every_day", "dates": [{"date": "2026-11-22"}]});
        context.services.calendars.replace(&admin(), "team", &closed, None).await.expect("replaces");
        other.advance(Duration::days(1)).await;
        let statuses: Vec<Status> = other.executions("a").await.iter().map(|run| run.status).collect();
        assert_eq!(statuses, [Status::Skipped]);
        other.database.close().await;
    }
}
