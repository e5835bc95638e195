//! Operations: actions on many tasks that go on after their request.

use std::time::Duration;

use belfry::domain::operation::{BulkAction, Operation};
use belfry::domain::page::{PageRequest, TaskFilter};
use belfry::domain::user::{Actor, Role};
use belfry::service::{BulkProgress, BulkTarget, Error};
use belfry::storage::account;
use belfry::storage::operation::{self, OperationRequest};
use serde_json::json;

use crate::support::TestDatabase;
use crate::support::context::{TestContext, actor, admin, echo, start, user};

const TASKS: usize = 60;

async fn with_tasks(db: &TestDatabase) -> TestContext {
    let context = TestContext::new(&db.database);
    let tasks: Vec<_> = (0..TASKS).map(|n| echo(&format!("t{n:02}"), json!({"type": "cron", "hour": 8}))).collect();
    let document = json!({"tasks": tasks});
    context.services.transfer.import(&admin(), &document, belfry::service::Import::default()).await.unwrap();
    context
}

fn everything() -> BulkTarget {
    BulkTarget::Filter(TaskFilter::default())
}

async fn ended(context: &TestContext, actor: &Actor, id: &str) -> Operation {
    for _ in 0..500 {
        let found = context.services.bulk.operation(actor, id).await.unwrap();
        if found.finished_at.is_some() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the operation does not end")
}

async fn paused(context: &TestContext) -> i64 {
    let filter = TaskFilter { enabled: Some(false), ..TaskFilter::default() };
    context.services.tasks.list(&admin(), &filter, &PageRequest::default()).await.unwrap().total
}

crate::for_each_database! {
    async fn long_action_goes_on_as_an_operation(db: &TestDatabase) {
        let context = with_tasks(db).await;
        let bulk = &context.services.bulk;
        let started = bulk.start(&admin(), BulkAction::Pause, &everything(), Duration::ZERO, None).await.unwrap();
        let BulkProgress::Running(operation) = started else { panic!("{started:?}") };
        assert_eq!((operation.matched, operation.status()), (TASKS as i64, "running"));
        let found = ended(&context, &admin(), &operation.id).await;
        assert_eq!((found.done, found.processed, found.status()), (TASKS as i64, TASKS as i64, "finished"));
        assert_eq!(paused(&context).await, TASKS as i64);
        assert!(matches!(bulk.cancel(&admin(), &operation.id).await, Err(Error::Conflict(_))));
        let others = bulk.operation(&actor("bob", Role::Editor), &operation.id).await;
        assert!(matches!(others, Err(Error::NotFound(_))), "an operation of somebody else");
    }

    async fn short_action_is_answered_at_once(db: &TestDatabase) {
        let context = with_tasks(db).await;
        let ids = vec!["t01".to_owned(), "none".to_owned(), "t01".to_owned()];
        let wait = Duration::ZERO;
        let ended = context.services.bulk.start(&admin(), BulkAction::Pause, &BulkTarget::Ids(ids), wait, None).await.unwrap();
        let BulkProgress::Ended(outcome) = ended else { panic!("{ended:?}") };
        assert_eq!((outcome.matched, outcome.done, outcome.errors.len()), (2, 1, 1));
        let wait = Duration::from_secs(60);
        let all = context.services.bulk.start(&admin(), BulkAction::Resume, &everything(), wait, None).await.unwrap();
        let BulkProgress::Ended(outcome) = all else { panic!("{all:?}") };
        assert_eq!((outcome.matched, outcome.done), (TASKS as i64, TASKS as i64));
    }

    async fn abandoned_operation_is_continued_once(db: &TestDatabase) {
        let context = with_tasks(db).await;
        let mut tx = context.database.write().await.unwrap();
        account::insert(&mut tx, &user("1", "alice", Role::Admin), None).await.unwrap();
        let request = |id: &str, name: &str| OperationRequest {
            id: id.into(),
            actor: name.into(),
            rights: json!({"role": "operator", "via": "api", "grants": [], "tags": null, "address": null}),
            target: json!({"search": null}),
            action: BulkAction::Run,
            run_key: id.into(),
            matched: TASKS as i64,
            place: String::new(),
            updated_at: start(),
        };
        operation::insert(&mut tx, &request("op", "alice")).await.unwrap();
        operation::insert(&mut tx, &request("gone", "mallory")).await.unwrap();
        tx.commit().await.unwrap();
        let bulk = &context.services.bulk;
        assert_eq!(bulk.run_once(start() + chrono::Duration::seconds(29)).await.unwrap(), 0, "it may be alive");
        let later = start() + chrono::Duration::seconds(31);
        context.clock.set(later);
        assert_eq!(bulk.run_once(later).await.unwrap(), 2);
        assert_eq!(bulk.run_once(later).await.unwrap(), 0);
        let found = ended(&context, &admin(), "op").await;
        assert_eq!((found.done, found.status()), (TASKS as i64, "finished"), "{:?}", found.errors);
        assert_eq!(ended(&context, &admin(), "gone").await.status(), "cancelled", "its account was deleted");
        for id in ["t00", "t59"] {
            assert_eq!(context.executions(id).await.len(), 1, "each task runs once");
        }
        assert_eq!(bulk.run_once(later + chrono::Duration::days(8)).await.unwrap(), 0);
        assert!(matches!(bulk.operation(&admin(), "op").await, Err(Error::NotFound(_))), "kept for seven days");
    }

    async fn stopped_operation_leaves_the_rest(db: &TestDatabase) {
        let context = with_tasks(db).await;
        let bulk = &context.services.bulk;
        let started = bulk.start(&admin(), BulkAction::Pause, &everything(), Duration::ZERO, None).await.unwrap();
        let BulkProgress::Running(operation) = started else { panic!("{started:?}") };
        // It may have ended before.
        if let Ok(stopped) = bulk.cancel(&admin(), &operation.id).await {
            assert_eq!(stopped.status(), "cancelled");
            assert!(ended(&context, &admin(), &operation.id).await.cancelled);
        }
    }
}
