//! The task service.

use belfry::domain::operation::BulkAction;
use belfry::domain::page::{PageRequest, TaskFilter};
use belfry::domain::user::Role;
use belfry::service::{BulkTarget, Error};
use serde_json::{Value, json};

use crate::support::context::{TestContext, actor, admin, bulk, echo};
use crate::{for_each_database, pointers};

fn every(seconds: i64) -> Value {
    json!({"type": "interval", "seconds": seconds})
}

for_each_database! {
    async fn create_task_refuses_a_taken_id(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let created = context.create("日报", every(5)).await;
        assert_eq!((created.version, created.schedule_text.as_str()), (1, "every 5s"));
        assert_eq!(context.services.tasks.get(&admin(), "日报").await.unwrap(), created);
        let again = context.services.tasks.create(&admin(), &echo("日报", every(5))).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    }

    async fn create_task_reports_every_fault_and_saves_nothing(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let bad = json!({"id": "a", "type": "echo", "trigger": {"type": "cron", "hour": 25}, "params": {"massage": "x"},
            "policy": {"queue": "nope"}, "color": "red"});
        let found = pointers(context.services.tasks.create(&admin(), &bad).await);
        for pointer in ["/trigger/hour", "/color", "/policy/queue"] {
            assert!(found.iter().any(|f| f == pointer), "{pointer} is not in {found:?}");
        }
        assert!(found.iter().any(|f| f.starts_with("/params")), "{found:?}");
        let page = context.services.tasks.list(&admin(), &TaskFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(page.total, 0);
    }

    async fn id_and_type_are_immutable(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", every(5)).await;
        let other = json!({"id": "b", "type": "send_cmd", "trigger": every(5), "params": {"command": "date"}});
        assert_eq!(pointers(context.services.tasks.replace(&admin(), "a", &other, None).await), ["/id", "/type"]);
        let replaced = context.services.tasks.replace(&admin(), "a", &json!({"trigger": every(9), "params": {"message": "y"}}), None).await.unwrap();
        assert_eq!((replaced.name.as_str(), replaced.schedule_text.as_str(), replaced.version), ("a", "every 9s", 2));
    }

    async fn a_stale_version_is_refused(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", every(5)).await;
        context.services.tasks.patch(&admin(), "a", &json!({"name": "one"}), Some(1)).await.unwrap();
        let stale = context.services.tasks.patch(&admin(), "a", &json!({"name": "two"}), Some(1)).await;
        assert!(matches!(stale, Err(Error::Stale { given: 1, current: 2 })), "{stale:?}");
        assert!(matches!(context.services.tasks.delete(&admin(), "a", Some(1)).await, Err(Error::Stale { .. })));
        assert_eq!(context.services.tasks.get(&admin(), "a").await.unwrap().name, "one");
    }

    async fn unchanged_content_creates_no_version(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let created = context.create("a", every(5)).await;
        let same = context.services.tasks.patch(&admin(), "a", &json!({"params": {"message": "hello"}}), None).await.unwrap();
        assert_eq!(same, created);
    }

    async fn missing_tasks_are_not_found(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let who = admin();
        assert!(matches!(context.services.tasks.get(&who, "x").await, Err(Error::NotFound(_))));
        assert!(matches!(context.services.tasks.patch(&who, "x", &json!({}), None).await, Err(Error::NotFound(_))));
        assert!(matches!(context.services.tasks.delete(&who, "x", None).await, Err(Error::NotFound(_))));
        assert!(matches!(context.services.tasks.pause(&who, "x", None).await, Err(Error::NotFound(_))));
        assert!(matches!(context.services.executions.run(&who, "x", None, None).await, Err(Error::NotFound(_))));
    }

    async fn roles_limit_actions(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", every(5)).await;
        let command = json!({"id": "c", "type": "send_cmd", "trigger": every(5), "params": {"command": "date"},
            "policy": {"on_overlap": "allow"}});
        context.services.tasks.create(&admin(), &command).await.unwrap();
        let allowed = |result: Result<(), Error>| match result {
            Ok(()) => true,
            Err(Error::Forbidden(_)) => false,
            Err(other) => panic!("{other:?}"),
        };
        for (role, expected) in [
            (Role::Viewer, [true, false, false, false, false]),
            (Role::Operator, [true, true, false, false, false]),
            (Role::Editor, [true, true, true, false, false]),
            (Role::Admin, [true, true, true, true, true]),
        ] {
            let who = actor("bob", role);
            let rename = json!({"name": role.as_str()});
            let found = [
                allowed(context.services.tasks.get(&who, "a").await.map(drop)),
                allowed(context.services.executions.run(&who, "c", None, None).await.map(drop)),
                allowed(context.services.tasks.patch(&who, "a", &rename, None).await.map(drop)),
                allowed(context.services.tasks.patch(&who, "c", &rename, None).await.map(drop)),
                allowed(context.services.executions.run(&who, "c", Some(&json!({"command": "id"})), None).await.map(drop)),
            ];
            assert_eq!(found, expected, "{role:?}");
        }
    }

    async fn bulk_action_reports_failures_per_task(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for id in ["a", "b", "c"] {
            context.create(id, every(5)).await;
        }
        let named = BulkTarget::Ids(vec!["a".into(), "none".into()]);
        let outcome = bulk(&context.services, &admin(), BulkAction::Pause, &named).await;
        assert_eq!((outcome.matched, outcome.done, outcome.errors.len()), (2, 1, 1));
        assert_eq!(outcome.errors[0].id, "none");
        let enabled = BulkTarget::Filter(TaskFilter { enabled: Some(true), ..TaskFilter::default() });
        let outcome = bulk(&context.services, &admin(), BulkAction::Run, &enabled).await;
        assert_eq!((outcome.matched, outcome.done), (2, 2));
        let all = BulkTarget::Filter(TaskFilter::default());
        assert_eq!(bulk(&context.services, &admin(), BulkAction::Delete, &all).await.done, 3);
    }
}
