//! Nodes and what they leave behind.

use belfry::storage::{execution, node as nodes};
use chrono::Duration;

use crate::on_each;
use crate::samples::{self, claim_of, insert_executions, insert_task, node, now};

on_each! {
    async fn a_heartbeat_is_one_row(db: &TestDatabase) {
        let mut tx = db.database.write().await.unwrap();
        nodes::seen(&mut tx, &node(), 4, now(), now()).await.unwrap();
        nodes::seen(&mut tx, &node(), 4, now(), now() + Duration::seconds(5)).await.unwrap();
        let all = nodes::all(&mut tx).await.unwrap();
        assert_eq!((all.len(), all[0].workers), (1, 4));
        assert_eq!((&all[0].identity, all[0].last_seen_at - all[0].started_at), (&node(), Duration::seconds(5)));
        nodes::forget(&mut tx, &node().id).await.unwrap();
        assert!(nodes::all(&mut tx).await.unwrap().is_empty());
    }

    async fn the_runs_of_a_node_are_found_with_their_policy(db: &TestDatabase) {
        let mut owner = samples::task("a");
        owner.policy.retry.max_attempts = 4;
        insert_task(&db.database, &owner).await;
        let all = [samples::execution("a", 0), samples::execution("gone", 1), samples::execution("a", 2)];
        insert_executions(&db.database, &all).await;
        let mut tx = db.database.write().await.unwrap();
        execution::claim(&mut tx, &node(), &[claim_of(&all[0], 1), claim_of(&all[1], 1)]).await.unwrap();
        let stranded = nodes::running_on(&mut tx, &node().id, 10).await.unwrap();
        let attempts: Vec<_> = stranded.iter().map(|s| s.policy.as_ref().map(|p| p.retry.max_attempts)).collect();
        assert_eq!(attempts, [Some(4), None]);
        assert_eq!(stranded[0].started_at, claim_of(&all[0], 1).started_at);
        assert!(nodes::running_on(&mut tx, "01OTHER", 10).await.unwrap().is_empty());
    }
}
