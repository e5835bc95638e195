//! The queue: executions that wait for a worker.

use belfry::i18n::Message;
use belfry::storage::execution::{self, NewExecution};
use chrono::Duration;

use crate::for_each_database;
use crate::samples::{self, insert_executions, node, now};

fn waiting(offset: i64, priority: i32) -> NewExecution {
    NewExecution { priority, ..samples::execution("a", offset) }
}

for_each_database! {
    async fn hand_out_follows_priority_then_id(db: &TestDatabase) {
        let all = [waiting(0, 0), waiting(1, 5), waiting(2, 0), waiting(3, -3)];
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        let first = execution::hand_out(&mut tx, &node(), "default", &[], 3, now()).await.unwrap();
        let ids: Vec<_> = first.iter().map(|job| job.execution_id.as_str()).collect();
        assert_eq!(ids, [&all[1].id, &all[0].id, &all[2].id]);
        assert!(execution::hand_out(&mut tx, &node(), "slow", &[], 3, now()).await.unwrap().is_empty(), "another queue");
        let depths = execution::depths(&mut tx).await.unwrap();
        assert_eq!(depths.into_iter().map(|queue| (queue.name, queue.waiting)).collect::<Vec<_>>(), [("default".to_owned(), 1)]);
        assert_eq!(execution::hand_out(&mut tx, &node(), "default", &[], 3, now()).await.unwrap().len(), 1);
        assert!(execution::waiting(&mut tx, "default", &[], 1).await.unwrap().is_empty());
    }

    async fn hand_out_leaves_what_is_held_or_accepted_for_later(db: &TestDatabase) {
        let held = NewExecution { holder: Some(std::sync::Arc::new(node())), ..waiting(0, 0) };
        let later = NewExecution { waits: true, ..waiting(1, 0) };
        insert_executions(&db.database, &[held.clone(), later.clone()]).await;
        let mut tx = db.database.write().await.unwrap();
        assert!(execution::hand_out(&mut tx, &node(), "default", &[], 3, now()).await.unwrap().is_empty());
        assert!(!execution::cancel_queued(&mut tx, &held.id, &Message::verbatim("x"), now()).await.unwrap(), "held");
        assert!(execution::cancel_queued(&mut tx, &later.id, &Message::verbatim("x"), now()).await.unwrap());
    }

    async fn release_lets_executions_wait_that_have_not_begun(db: &TestDatabase) {
        let all = [waiting(0, 0), waiting(1, 0), waiting(2, 0)];
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        assert_eq!(execution::hand_out(&mut tx, &node(), "default", &[], 3, now()).await.unwrap().len(), 3);
        let started = execution::Claim { execution_id: all[1].id.clone(), attempt: 1, started_at: now() };
        assert_eq!(execution::mark_running(&mut tx, &node().id, &[started]).await.unwrap().len(), 1);
        assert_eq!(execution::release(&mut tx, "01OTHER", &[]).await.unwrap(), 0, "another node's");
        assert_eq!(execution::release(&mut tx, &node().id, std::slice::from_ref(&all[0].id)).await.unwrap(), 1);
        let again = execution::hand_out(&mut tx, &node(), "default", &[], 3, now() + Duration::seconds(1)).await.unwrap();
        assert_eq!(again.iter().map(|job| &job.execution_id).collect::<Vec<_>>(), [&all[2].id]);
    }
}
