//! Freezes of a server: what falls into one is skipped or held, and nothing else.

use belfry::domain::execution::Status;
use belfry::domain::tag_scope::TagScope;
use belfry::domain::user::{Actor, Role, Via};
use belfry::service::{Error, NewFreeze};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::for_each_database;
use crate::support::context::{TestContext, admin};
use crate::support::{TestDatabase, at};

fn hourly(id: &str, more: Value) -> Value {
    let mut task = json!({"id": id, "type": "echo", "params": {"message": "x"}, "trigger": {"type": "cron", "minute": 0},
        "policy": {"on_overlap": "allow"}});
    task.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    task
}

fn freeze(tag: Option<&str>, until: &str) -> NewFreeze {
    NewFreeze { tag: tag.map(str::to_owned), from: None, until: at(until), reason: "Year-end closing".to_owned() }
}

/// A second past the full hour, so that the hour's own occurrence is over.
fn begin(db: &TestDatabase) -> TestContext {
    let context = TestContext::new(&db.database);
    context.clock.advance(Duration::seconds(1));
    context
}

async fn runs(context: &TestContext, id: &str) -> Vec<(DateTime<Utc>, Status)> {
    context.executions(id).await.iter().map(|run| (run.scheduled_at, run.status)).collect()
}

async fn hours(context: &TestContext, count: usize) {
    for _ in 0..count {
        context.advance(Duration::hours(1)).await;
    }
}

for_each_database! {
    async fn what_falls_into_a_freeze_is_skipped_with_its_reason(db: &TestDatabase) {
        let context = begin(db);
        let create = async |task: Value| context.services.tasks.create(&admin(), &task).await.expect("creates");
        create(hourly("red", json!({"tags": ["red"]}))).await;
        create(hourly("blue", json!({"tags": ["blue"]}))).await;
        hours(&context, 1).await;
        context.services.freezes.create(&admin(), &freeze(Some("red"), "2026-11-21T11:00:00Z")).await.expect("begins");
        hours(&context, 2).await;
        let (ran, skipped) = (Status::Queued, Status::Skipped);
        let statuses = async |id: &str| runs(&context, id).await.into_iter().map(|(_, status)| status).collect::<Vec<_>>();
        assert_eq!(statuses("red").await, [ran, skipped, ran], "its end is not part of it");
        assert_eq!(statuses("blue").await, [ran, ran, ran]);
        let reason = context.executions("red").await[1].error.clone().unwrap_or_default();
        assert!(reason.contains("Year-end closing"), "{reason}");
    }

    async fn a_freeze_of_everything_ends_early(db: &TestDatabase) {
        let context = begin(db);
        context.services.tasks.create(&admin(), &hourly("a", json!({}))).await.expect("creates");
        let begun = context.services.freezes.create(&admin(), &freeze(None, "2026-11-25T00:00:00Z")).await.expect("begins");
        context.clock.advance(Duration::seconds(1));
        assert_eq!(context.services.freezes.in_force(&admin()).await.expect("reads").len(), 1);
        hours(&context, 1).await;
        context.services.freezes.end(&admin(), &begun.id).await.expect("ends");
        hours(&context, 1).await;
        let statuses: Vec<Status> = runs(&context, "a").await.into_iter().map(|(_, status)| status).collect();
        assert_eq!(statuses, [Status::Skipped, Status::Queued]);
        assert!(matches!(context.services.freezes.end(&admin(), &begun.id).await, Err(Error::Conflict(_))));
        assert_eq!(context.services.freezes.list(&admin(), false).await.expect("lists"), []);
        assert_eq!(context.services.freezes.list(&admin(), true).await.expect("lists").len(), 1, "it stays on record");
    }

    async fn a_task_that_holds_runs_once_at_the_end(db: &TestDatabase) {
        let context = begin(db);
        let holding = json!({"calendar": "every_day", "on_closed": "hold"});
        context.services.tasks.create(&admin(), &hourly("a", holding)).await.expect("creates");
        let begun = context.services.freezes.create(&admin(), &freeze(None, "2026-11-21T20:30:00Z")).await.expect("begins");
        hours(&context, 3).await;
        let before = runs(&context, "a").await;
        assert!(before.iter().all(|(_, status)| *status != Status::Queued), "{before:?}");
        context.advance(Duration::minutes(10)).await;
        context.services.freezes.end(&admin(), &begun.id).await.expect("ends");
        context.advance(Duration::seconds(1)).await;
        let after = runs(&context, "a").await;
        let ran: Vec<_> = after.iter().filter(|(_, status)| *status == Status::Queued).collect();
        assert_eq!(ran, [&(at("2026-11-21T11:10:01.001Z"), Status::Queued)], "{after:?}");
        hours(&context, 1).await;
        assert_eq!(runs(&context, "a").await.last(), Some(&(at("2026-11-21T12:00:00Z"), Status::Queued)));
    }

    async fn freezes_are_checked_and_bounded_by_role_and_scope(db: &TestDatabase) {
        let context = begin(db);
        let freezes = &context.services.freezes;
        let limited = |role| Actor { scope: TagScope::from_tags(&["red".to_owned()]), ..Actor::new("limited", role, Via::Api) };
        let until = "2026-11-22T00:00:00Z";
        for (actor, tag) in [(limited(Role::Viewer), Some("red")), (limited(Role::Admin), None), (limited(Role::Operator), Some("blue"))] {
            let refused = freezes.create(&actor, &freeze(tag, until)).await;
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        }
        let own = freezes.create(&limited(Role::Operator), &freeze(Some("red"), until)).await.expect("begins");
        let blue = freezes.create(&admin(), &freeze(Some("blue"), until)).await.expect("begins");
        let seen = freezes.list(&limited(Role::Viewer), true).await.expect("lists");
        assert_eq!(seen.iter().map(|freeze| &freeze.id).collect::<Vec<_>>(), [&own.id]);
        assert!(matches!(freezes.end(&limited(Role::Admin), &blue.id).await, Err(Error::NotFound(_))));
        assert!(matches!(freezes.end(&limited(Role::Viewer), &own.id).await, Err(Error::Forbidden(_))));
        for (change, pointer) in [
            (NewFreeze { until: at("2026-11-21T08:00:00Z"), ..freeze(None, until) }, "/until"),
            (NewFreeze { until: at("2029-01-01T00:00:00Z"), ..freeze(None, until) }, "/until"),
            (NewFreeze { from: Some(at(until)), ..freeze(None, until) }, "/until"),
            (NewFreeze { reason: "  ".to_owned(), ..freeze(None, until) }, "/reason"),
            (NewFreeze { reason: "x".repeat(501), ..freeze(None, until) }, "/reason"),
            (NewFreeze { tag: Some("a b".to_owned()), ..freeze(None, until) }, "/tag"),
        ] {
            match freezes.create(&admin(), &change).await {
                Err(Error::Invalid(faults)) => assert_eq!(faults[0].pointer, pointer),
                other => panic!("{other:?}"),
            }
        }
        let later = NewFreeze { from: Some(at("2026-11-21T12:00:00Z")), ..freeze(None, until) };
        let later = freezes.create(&admin(), &later).await.expect("is planned");
        context.clock.advance(Duration::seconds(1));
        assert_eq!(freezes.in_force(&limited(Role::Viewer)).await.expect("reads").len(), 1, "one has not begun, one is of another tag");
        freezes.end(&admin(), &later.id).await.expect("is deleted");
        assert!(freezes.list(&admin(), true).await.expect("lists").iter().all(|freeze| freeze.id != later.id));
    }
}
