//! Due tasks, due retries, and advancing tasks.

use belfry::domain::execution::Status;
use belfry::domain::overlap::ActiveRuns;
use belfry::storage::execution::{self, Finish, NewExecution};
use belfry::storage::overlap;
use belfry::storage::plan::{self, Advance, NextDue};
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
        assert_eq!(plan::next_due(&mut tx).await.unwrap().task, Some(now() - Duration::milliseconds(2)));
        let rows = plan::take_due(&mut tx, now(), &[], 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.task_id.as_str(), row.version)).collect::<Vec<_>>(), [("b", 1), ("a", 1)]);
        let next = now() + Duration::seconds(60);
        let to = |id: &str, next| Advance { task_id: id.into(), next_run_at: next, next_rule_at: next };
        plan::advance(&mut tx, &[to("a", Some(next)), to("b", Some(next)), to("later", None), to("deleted", None)]).await.unwrap();
        assert!(plan::take_due(&mut tx, now(), &[], 10).await.unwrap().is_empty());
        assert_eq!(plan::next_due(&mut tx).await.unwrap().task, Some(next));
        tx.commit().await.unwrap();
    }

    async fn next_due_is_none_without_tasks(db: &TestDatabase) {
        assert_eq!(plan::next_due(&mut db.database.read().await.unwrap()).await.unwrap(), NextDue::default());
    }

    async fn active_counts_executions_per_task(db: &TestDatabase) {
        let waiting = NewExecution { waits: true, ..samples::execution("a", 1) };
        let all = [samples::execution("a", 0), waiting, samples::execution("b", 0), samples::execution("c", 0)];
        insert_executions(&db.database, &all).await;
        samples::run(&db.database, &all[2], Status::Succeeded).await;
        let counts = overlap::active(&mut db.database.read().await.unwrap(), &["a", "b"]).await.unwrap();
        let both = ActiveRuns { started: 1, waiting: 1 };
        assert_eq!((counts.get("a"), counts.get("b"), counts.get("c")), (Some(&both), None, None));
    }

    async fn due_retry_is_taken_once(db: &TestDatabase) {
        insert_task(&db.database, &samples::task("a")).await;
        let new = samples::execution("a", 0);
        insert_executions(&db.database, std::slice::from_ref(&new)).await;
        let retry_at = now() + Duration::seconds(10);
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), &[claim_of(&new, 1)]).await.unwrap();
        execution::finish(&mut tx, &node().id, &[Finish { retry_at: Some(retry_at), ..finish_of(&new, 1, Status::Failed) }]).await.unwrap();
        assert!(plan::take_due_retries(&mut tx, now(), 10).await.unwrap().is_empty(), "not yet");
        let taken = plan::take_due_retries(&mut tx, retry_at, 10).await.unwrap();
        assert_eq!(taken, ["default"]);
        assert!(plan::take_due_retries(&mut tx, retry_at, 10).await.unwrap().is_empty(), "taken");
        let handed_out = execution::hand_out(&mut tx, &node(), "default", &[], 10, retry_at).await.unwrap();
        assert_eq!(handed_out.iter().map(|job| (&job.execution_id, job.attempt)).collect::<Vec<_>>(), [(&new.id, 2)]);
        tx.commit().await.unwrap();
    }
}
