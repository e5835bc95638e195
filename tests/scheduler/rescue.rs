//! What a dead process left behind is taken over at once; what a living one does is left alone.

use std::sync::Arc;

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::domain::node::NodeIdentity;
use belfry::scheduler::presence::Presence;
use belfry::scheduler::rescue::Rescue;
use belfry::storage::{execution, node};
use chrono::Duration;
use serde_json::json;

use crate::on_each;
use crate::support::parts::{TestParts, admin, echo, start};

fn identity(id: &str) -> NodeIdentity {
    NodeIdentity { id: id.into(), name: "host-1".into() }
}

/// Claims the only waiting execution of a task for a node that is on record.
async fn claim_for(parts: &TestParts, node_id: &str, task_id: &str) -> String {
    let waiting = parts.executions(task_id).await.pop().unwrap();
    let claim = execution::Claim {
        execution_id: waiting.id.clone(),
        attempt: waiting.attempt,
        started_at: parts.clock.now(),
        filled_params: None,
    };
    let mut tx = parts.database.write().await.unwrap();
    node::seen(&mut tx, &identity(node_id), 4, start(), parts.clock.now()).await.unwrap();
    assert_eq!(execution::claim(&mut tx, &identity(node_id), &[claim]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    waiting.id
}

fn rescue(parts: &TestParts, presence: Presence) -> Rescue {
    Rescue {
        database: parts.database.clone(),
        clock: parts.clock.clone(),
        signals: parts.signals.clone(),
        node: identity("02LIVING"),
        presence: Arc::new(presence),
        started_at: start(),
        workers: 4,
    }
}

on_each! {
    async fn runs_of_a_killed_process_are_interrupted_and_tried_again(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        let mut task = echo("a", json!({"type": "interval", "seconds": 5}));
        task["policy"] = json!({"retry": {"max_attempts": 2, "delay_seconds": 1, "backoff": "fixed"}});
        parts.service.create_task(&admin(), &task).await.unwrap();
        parts.create("b", json!({"type": "interval", "seconds": 5})).await;
        parts.advance(Duration::seconds(5)).await;
        let (retried, ended) = (claim_for(&parts, "01DEAD", "a").await, claim_for(&parts, "01DEAD", "b").await);

        // A killed process leaves its lock file behind, unlocked.
        let folder = tempfile::tempdir().unwrap();
        let presence = Presence::announce(folder.path(), "02LIVING").unwrap();
        std::fs::File::create(folder.path().join("nodes/01DEAD.lock")).unwrap();
        parts.clock.advance(Duration::seconds(2));
        let rescue = rescue(&parts, presence);
        assert_eq!(rescue.run_once(parts.clock.now()).await.unwrap(), 2);
        assert_eq!(rescue.run_once(parts.clock.now()).await.unwrap(), 0, "taken over once");

        let ended = parts.service.execution(&admin(), &ended).await.unwrap();
        assert_eq!((ended.execution.status, ended.execution.duration_ms), (Status::Interrupted, Some(2000)));
        let waiting = parts.service.execution(&admin(), &retried).await.unwrap();
        assert_eq!((waiting.execution.status, waiting.execution.attempt), (Status::Queued, 2));
        assert_eq!(waiting.attempts.iter().map(|a| (a.attempt, a.status)).collect::<Vec<_>>(), [(1, Status::Interrupted)]);
        parts.clock.advance(Duration::seconds(1));
        assert_eq!(parts.planner.run_once(parts.clock.now()).await.unwrap().jobs, 1, "the second attempt is queued");
        let nodes = node::all(&mut parts.database.read().await.unwrap()).await.unwrap();
        assert_eq!(nodes.iter().map(|n| n.identity.id.as_str()).collect::<Vec<_>>(), ["02LIVING"]);
        assert!(!folder.path().join("nodes/01DEAD.lock").exists());
    }

    async fn a_living_process_keeps_its_runs(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 5})).await;
        parts.advance(Duration::seconds(5)).await;
        let id = claim_for(&parts, "01OTHER", "a").await;
        let folder = tempfile::tempdir().unwrap();
        let _other = Presence::announce(folder.path(), "01OTHER").unwrap();
        let rescue = rescue(&parts, Presence::announce(folder.path(), "02LIVING").unwrap());
        parts.clock.advance(Duration::hours(1));
        assert_eq!(rescue.run_once(parts.clock.now()).await.unwrap(), 0);
        assert_eq!(parts.service.execution(&admin(), &id).await.unwrap().execution.status, Status::Running);
    }
}
