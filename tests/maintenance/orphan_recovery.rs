//! Recovery of the runs of dead processes.

use std::sync::Arc;

use belfry::clock::Clock;
use belfry::cluster::process_lock::ProcessLock;
use belfry::cluster::registry::NodeRegistry;
use belfry::domain::execution::Status;
use belfry::domain::node::NodeIdentity;
use belfry::maintenance::orphan_recovery::OrphanRecovery;
use belfry::storage::{execution, node};
use chrono::Duration;
use chrono_tz::Tz;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, admin, echo, start};

fn identity(id: &str) -> NodeIdentity {
    NodeIdentity { id: id.into(), name: "host-1".into() }
}

/// Claims the only queued execution of a task for a registered node.
async fn claim_for(context: &TestContext, node_id: &str, task_id: &str) -> String {
    let waiting = context.executions(task_id).await.pop().unwrap();
    let claim = execution::Claim { execution_id: waiting.id.clone(), attempt: waiting.attempt, started_at: context.clock.now() };
    let mut tx = context.database.write().await.unwrap();
    node::heartbeat(&mut tx, &identity(node_id), 4, start(), context.clock.now(), None).await.unwrap();
    assert_eq!(execution::claim(&mut tx, &identity(node_id), &[claim]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    waiting.id
}

fn recovery(context: &TestContext, process_lock: ProcessLock) -> OrphanRecovery {
    recovery_by("02LIVING", context, process_lock)
}

fn recovery_by(node: &str, context: &TestContext, process_lock: ProcessLock) -> OrphanRecovery {
    let registry = NodeRegistry {
        database: context.database.clone(),
        clock: context.clock.clone(),
        node: identity(node),
        process_lock: Arc::new(process_lock),
        started_at: start(),
        workers: 4,
    };
    OrphanRecovery { registry, signals: context.signals.clone(), zone: Tz::UTC }
}

for_each_database! {
    async fn runs_of_a_dead_process_are_interrupted_and_retried(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let mut task = echo("a", json!({"type": "interval", "seconds": 5}));
        task["policy"] = json!({"retry": {"max_attempts": 2, "delay_seconds": 1, "backoff": "fixed"}});
        context.services.tasks.create(&admin(), &task).await.unwrap();
        let mut once = echo("b", json!({"type": "interval", "seconds": 5}));
        once["policy"] = json!({"retry": {"on_interruption": false}});
        context.services.tasks.create(&admin(), &once).await.unwrap();
        context.advance(Duration::seconds(5)).await;
        let (retried, ended) = (claim_for(&context, "01DEAD", "a").await, claim_for(&context, "01DEAD", "b").await);

        // A killed process leaves its lock file behind, unlocked.
        let folder = tempfile::tempdir().unwrap();
        let process_lock = ProcessLock::acquire(folder.path(), "02LIVING").unwrap();
        std::fs::File::create(folder.path().join("nodes/01DEAD.lock")).unwrap();
        context.clock.advance(Duration::seconds(2));
        let recovery = recovery(&context, process_lock);
        recovery.registry.run_once(context.clock.now()).await.unwrap();
        assert_eq!(recovery.run_once(context.clock.now()).await.unwrap(), 2);
        assert_eq!(recovery.run_once(context.clock.now()).await.unwrap(), 0, "recovered once");

        let ended = context.services.executions.get(&admin(), &ended).await.unwrap();
        assert_eq!((ended.execution.status, ended.execution.duration_ms), (Status::Interrupted, Some(2000)));
        let waiting = context.services.executions.get(&admin(), &retried).await.unwrap();
        assert_eq!((waiting.execution.status, waiting.execution.attempt), (Status::Queued, 2));
        assert_eq!(waiting.attempts.iter().map(|a| (a.attempt, a.status)).collect::<Vec<_>>(), [(1, Status::Interrupted)]);
        context.clock.advance(Duration::seconds(1));
        assert_eq!(context.planner.run_once(context.clock.now()).await.unwrap().queued, 1, "the second attempt is queued");
        let nodes = node::all(&mut context.database.read().await.unwrap()).await.unwrap();
        assert_eq!(nodes.iter().map(|n| n.identity.id.as_str()).collect::<Vec<_>>(), ["02LIVING"]);
        assert!(!folder.path().join("nodes/01DEAD.lock").exists());
    }

    async fn interrupted_last_attempt_is_retried_as_the_policy_says(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for (id, policy) in [
            ("again", json!({})),
            ("never", json!({"retry": {"on_interruption": false}})),
            ("within", json!({"retry": {"max_attempts": 3, "on_interruption": false}})),
        ] {
            let mut task = echo(id, json!({"type": "interval", "seconds": 5}));
            task["policy"] = policy;
            context.services.tasks.create(&admin(), &task).await.unwrap();
        }
        context.advance(Duration::seconds(5)).await;
        let mut ids = Vec::new();
        for task in ["again", "never", "within"] {
            ids.push(claim_for(&context, "01DEAD", task).await);
        }
        let folder = tempfile::tempdir().unwrap();
        let process_lock = ProcessLock::acquire(folder.path(), "02LIVING").unwrap();
        std::fs::File::create(folder.path().join("nodes/01DEAD.lock")).unwrap();
        assert_eq!(recovery(&context, process_lock).run_once(context.clock.now()).await.unwrap(), 3);
        let mut found = Vec::new();
        for id in &ids {
            let run = context.services.executions.get(&admin(), id).await.unwrap().execution;
            found.push((run.status, run.attempt));
        }
        assert_eq!(found, [(Status::Queued, 2), (Status::Interrupted, 1), (Status::Queued, 2)]);
    }

    async fn chain_starts_once_when_several_nodes_recover_the_same_runs(db: &TestDatabase) {
        const RUNS: usize = 20;
        let context = TestContext::new(&db.database);
        context.create("after", json!({"type": "cron", "year": 2999})).await;
        let mut ids = Vec::new();
        for number in 0..RUNS {
            let mut task = echo(&format!("a{number}"), json!({"type": "interval", "seconds": 5}));
            task["policy"] = json!({"retry": {"on_interruption": false}});
            task["chain"] = json!([{"on": "failure", "task": "after"}]);
            context.services.tasks.create(&admin(), &task).await.unwrap();
        }
        context.advance(Duration::seconds(5)).await;
        for number in 0..RUNS {
            ids.push(claim_for(&context, "01DEAD", &format!("a{number}")).await);
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("nodes")).unwrap();
        std::fs::File::create(folder.path().join("nodes/01DEAD.lock")).unwrap();
        let nodes = ["02LIVING", "03LIVING", "04LIVING"];
        let recoveries = nodes.map(|node| recovery_by(node, &context, ProcessLock::acquire(folder.path(), node).unwrap()));
        let now = context.clock.now();
        let recovered = futures_util::future::join_all(recoveries.iter().map(|recovery| recovery.run_once(now))).await;
        let recovered: usize = recovered.into_iter().map(Result::unwrap_or_default).sum();
        assert_eq!(recovered, RUNS, "each run is recovered by one node");
        let mut started: Vec<String> = context.all_executions("after").await.into_iter().filter_map(|run| run.started_by).collect();
        started.sort();
        ids.sort();
        assert_eq!(started, ids, "each starts its chain once");
    }

    async fn runs_of_a_live_process_are_not_recovered(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        context.create("a", json!({"type": "interval", "seconds": 5})).await;
        context.advance(Duration::seconds(5)).await;
        let id = claim_for(&context, "01OTHER", "a").await;
        let folder = tempfile::tempdir().unwrap();
        let _other = ProcessLock::acquire(folder.path(), "01OTHER").unwrap();
        let recovery = recovery(&context, ProcessLock::acquire(folder.path(), "02LIVING").unwrap());
        context.clock.advance(Duration::hours(1));
        assert_eq!(recovery.run_once(context.clock.now()).await.unwrap(), 0);
        assert_eq!(context.services.executions.get(&admin(), &id).await.unwrap().execution.status, Status::Queued, "its node still holds it");
    }
}
