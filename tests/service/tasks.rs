//! Tasks through the service.

use belfry::domain::page::{PageRequest, TaskFilter};
use belfry::domain::user::Role;
use belfry::service::{BulkAction, BulkTarget, Error};
use serde_json::{Value, json};

use crate::on_each;
use crate::support::parts::{TestParts, actor, admin, echo};

fn every(seconds: i64) -> Value {
    json!({"type": "interval", "seconds": seconds})
}

/// Pointers of a refusal.
fn pointers<T: std::fmt::Debug>(refused: Result<T, Error>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

on_each! {
    async fn a_task_is_created_once(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let created = parts.create("日报", every(5)).await;
        assert_eq!((created.version, created.schedule_text.as_str()), (1, "every 5s"));
        assert_eq!(parts.service.task(&admin(), "日报").await.unwrap(), created);
        let again = parts.service.create_task(&admin(), &echo("日报", every(5))).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    }

    async fn a_bad_task_is_refused_with_every_fault_and_nothing_is_saved(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let bad = json!({"id": "a", "type": "echo", "trigger": {"type": "cron", "hour": 25}, "params": {"massage": "x"},
            "policy": {"queue": "nope"}, "color": "red"});
        let found = pointers(parts.service.create_task(&admin(), &bad).await);
        for pointer in ["/trigger/hour", "/color", "/policy/queue"] {
            assert!(found.iter().any(|f| f == pointer), "{pointer} is not in {found:?}");
        }
        assert!(found.iter().any(|f| f.starts_with("/params")), "{found:?}");
        let page = parts.service.tasks(&admin(), &TaskFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(page.total, 0);
    }

    async fn id_and_type_stay_as_they_are(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", every(5)).await;
        let other = json!({"id": "b", "type": "send_cmd", "trigger": every(5), "params": {"command": "date"}});
        assert_eq!(pointers(parts.service.replace_task(&admin(), "a", &other, None).await), ["/id", "/type"]);
        let replaced = parts.service.replace_task(&admin(), "a", &json!({"trigger": every(9), "params": {"message": "y"}}), None).await.unwrap();
        assert_eq!((replaced.name.as_str(), replaced.schedule_text.as_str(), replaced.version), ("a", "every 9s", 2));
    }

    async fn a_stale_version_is_refused(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", every(5)).await;
        parts.service.patch_task(&admin(), "a", &json!({"name": "one"}), Some(1)).await.unwrap();
        let stale = parts.service.patch_task(&admin(), "a", &json!({"name": "two"}), Some(1)).await;
        assert!(matches!(stale, Err(Error::Stale { given: 1, current: 2 })), "{stale:?}");
        assert!(matches!(parts.service.delete_task(&admin(), "a", Some(1)).await, Err(Error::Stale { .. })));
        assert_eq!(parts.service.task(&admin(), "a").await.unwrap().name, "one");
    }

    async fn a_change_that_changes_nothing_makes_no_version(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let created = parts.create("a", every(5)).await;
        let same = parts.service.patch_task(&admin(), "a", &json!({"params": {"message": "hello"}}), None).await.unwrap();
        assert_eq!(same, created);
    }

    async fn a_missing_task_is_not_found(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let who = admin();
        assert!(matches!(parts.service.task(&who, "x").await, Err(Error::NotFound(_))));
        assert!(matches!(parts.service.patch_task(&who, "x", &json!({}), None).await, Err(Error::NotFound(_))));
        assert!(matches!(parts.service.delete_task(&who, "x", None).await, Err(Error::NotFound(_))));
        assert!(matches!(parts.service.pause_task(&who, "x", None).await, Err(Error::NotFound(_))));
        assert!(matches!(parts.service.run_task(&who, "x", None, None).await, Err(Error::NotFound(_))));
    }

    async fn roles_bound_what_one_may_do(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", every(5)).await;
        let command = json!({"id": "c", "type": "send_cmd", "trigger": every(5), "params": {"command": "date"}});
        parts.service.create_task(&admin(), &command).await.unwrap();
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
                allowed(parts.service.task(&who, "a").await.map(drop)),
                allowed(parts.service.run_task(&who, "c", None, None).await.map(drop)),
                allowed(parts.service.patch_task(&who, "a", &rename, None).await.map(drop)),
                allowed(parts.service.patch_task(&who, "c", &rename, None).await.map(drop)),
                allowed(parts.service.run_task(&who, "c", Some(&json!({"command": "id"})), None).await.map(drop)),
            ];
            assert_eq!(found, expected, "{role:?}");
        }
    }

    async fn one_action_reaches_many_tasks(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for id in ["a", "b", "c"] {
            parts.create(id, every(5)).await;
        }
        let named = BulkTarget::Ids(vec!["a".into(), "none".into()]);
        let outcome = parts.service.bulk(&admin(), BulkAction::Pause, &named).await.unwrap();
        assert_eq!((outcome.matched, outcome.done, outcome.errors.len()), (2, 1, 1));
        assert_eq!(outcome.errors[0].id, "none");
        let enabled = BulkTarget::Filter(TaskFilter { enabled: Some(true), ..TaskFilter::default() });
        let outcome = parts.service.bulk(&admin(), BulkAction::Run, &enabled).await.unwrap();
        assert_eq!((outcome.matched, outcome.done), (2, 2));
        let all = BulkTarget::Filter(TaskFilter::default());
        assert_eq!(parts.service.bulk(&admin(), BulkAction::Delete, &all).await.unwrap().done, 3);
    }
}
