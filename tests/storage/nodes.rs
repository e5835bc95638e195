//! Nodes and the runs they orphan.

use belfry::storage::{execution, node as nodes};
use chrono::Duration;

use crate::for_each_database;
use crate::samples::{self, claim_of, insert_executions, insert_task, node, now};

for_each_database! {
    async fn heartbeat_updates_one_row(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        nodes::heartbeat(&mut tx, &node(), 4, now(), now(), None).await.unwrap();
        nodes::heartbeat(&mut tx, &node(), 4, now(), now() + Duration::seconds(5), None).await.unwrap();
        let all = nodes::all(&mut tx).await.unwrap();
        assert_eq!((all.len(), all[0].workers), (1, 4));
        assert_eq!((&all[0].identity, all[0].last_seen_at - all[0].started_at), (&node(), Duration::seconds(5)));
        nodes::delete(&mut tx, &node().id).await.unwrap();
        assert!(nodes::all(&mut tx).await.unwrap().is_empty());
    }

    async fn running_on_returns_runs_with_task_policy(db: &TestDatabase) {
        let mut owner = samples::task("a");
        owner.policy.retry.max_attempts = 4;
        insert_task(&db.database, &owner).await;
        let all = [samples::execution("a", 0), samples::execution("deleted", 1), samples::execution("a", 2)];
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), &[claim_of(&all[0], 1), claim_of(&all[1], 1)]).await.unwrap();
        let orphaned = nodes::running_on(&mut tx, &node().id, 10).await.unwrap();
        let attempts: Vec<_> = orphaned.iter().map(|run| run.policy.as_ref().map(|p| p.retry.max_attempts)).collect();
        assert_eq!(attempts, [Some(4), None]);
        assert_eq!(orphaned[0].started_at, claim_of(&all[0], 1).started_at);
        assert!(nodes::running_on(&mut tx, "01OTHER", 10).await.unwrap().is_empty());
    }
}
