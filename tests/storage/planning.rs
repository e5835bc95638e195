//! Due tasks, due retries, and advancing tasks.

use belfry::domain::execution::Status;
use belfry::storage::execution::{self, Finish};
use belfry::storage::plan::{self, Advance};
use chrono::Duration;

use crate::for_each_database;
use crate::samples::{self, claim_of, finish_of, insert_executions, insert_task, node, now};

for_each_database! {
    async fn due_returns_most_overdue_tasks_first(db: &TestDatabase) {
        for (id, offset) in [("a", -1), ("b", -2), ("later", 1)] {
            let mut new = samples::task(id);
            new.next_run_at = Some(now() + Duration::milliseconds(offset));
            insert_task(&db.database, &new).await;
        }
        let mut never = samples::task("never");
        never.next_run_at = None;
        insert_task(&db.database, &never).await;
        let mut tx = db.database.write().await.unwrap();
        let ids = |tasks: Vec<belfry::domain::task::Task>| tasks.into_iter().map(|t| t.id).collect::<Vec<_>>();
        assert_eq!(ids(plan::due(&mut tx, now(), 10).await.unwrap()), ["b", "a"]);
        assert_eq!(ids(plan::due(&mut tx, now(), 1).await.unwrap()), ["b"]);
        assert_eq!(plan::next_due(&mut tx).await.unwrap(), Some(now() - Duration::milliseconds(2)));
        let next = now() + Duration::seconds(60);
        let to = |id: &str, offset, next| Advance {
            task_id: id.into(),
            version: 1,
            from: Some(now() + Duration::milliseconds(offset)),
            next_run_at: next,
            next_rule_at: next,
        };
        let advanced = plan::advance(&mut tx, &[to("a", -1, Some(next)), to("b", -2, Some(next)), to("later", 1, None)]).await.unwrap();
        assert_eq!(advanced.len(), 3);
        let stale = [to("a", -1, None), Advance { version: 2, ..to("b", 60_000, None) }, to("deleted", 0, None)];
        assert!(plan::advance(&mut tx, &stale).await.unwrap().is_empty(), "advanced before, changed since, deleted");
        assert_eq!(plan::next_due(&mut tx).await.unwrap(), Some(next));
        tx.commit().await.unwrap();
    }

    async fn next_due_is_none_without_tasks(db: &TestDatabase) {
        assert_eq!(plan::next_due(&mut db.database.read().await.unwrap()).await.unwrap(), None);
    }

    async fn active_counts_executions_per_task(db: &TestDatabase) {
        let all = [samples::execution("a", 0), samples::execution("a", 1), samples::execution("b", 0), samples::execution("c", 0)];
        insert_executions(&db.database, &all).await;
        samples::run(&db.database, &all[2], Status::Succeeded).await;
        let counts = plan::active(&mut db.database.read().await.unwrap(), &["a", "b"]).await.unwrap();
        assert_eq!((counts.get("a"), counts.get("b"), counts.get("c")), (Some(&2), None, None));
    }

    async fn due_retry_is_taken_once(db: &TestDatabase) {
        let mut owner = samples::task("a");
        owner.policy.priority = 5;
        insert_task(&db.database, &owner).await;
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        let retry_at = now() + Duration::seconds(10);
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), &[claim_of(&new, 1)]).await.unwrap();
        execution::finish(&mut tx, &node().id, &[Finish { retry_at: Some(retry_at), ..finish_of(&new, 1, Status::Failed) }]).await.unwrap();
        assert!(plan::take_due_retries(&mut tx, now(), 10).await.unwrap().is_empty(), "not yet");
        let taken = plan::take_due_retries(&mut tx, retry_at, 10).await.unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].execution_id.as_str(), taken[0].attempt, taken[0].policy.priority), (new.id.as_str(), 2, 5));
        assert!(plan::take_due_retries(&mut tx, retry_at, 10).await.unwrap().is_empty(), "taken");
        assert_eq!(execution::claim(&mut tx, &node(), &[claim_of(&new, 2)]).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
    }
}
