//! The node registry: heartbeats and deregistration.

use std::sync::Arc;

use belfry::cluster::process_lock::ProcessLock;
use belfry::cluster::registry::NodeRegistry;
use belfry::domain::execution::Status;
use belfry::domain::node::NodeIdentity;
use belfry::storage::execution::{self, Claim, Finish};
use belfry::storage::node;
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, start};
use crate::support::queued_execution;

for_each_database! {
    async fn node_is_recorded_by_heartbeats_and_removed_by_deregister(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let folder = tempfile::tempdir().unwrap();
        let registry = NodeRegistry {
            database: context.database.clone(),
            clock: context.clock.clone(),
            node: NodeIdentity { id: "01NODE".into(), name: "host-1".into() },
            process_lock: Arc::new(ProcessLock::acquire(folder.path(), "01NODE").unwrap()),
            started_at: start(),
            workers: 4,
        };
        let nodes = async || node::all(&mut context.database.read().await.unwrap()).await.unwrap();
        registry.run_once(start()).await.unwrap();
        registry.run_once(start() + Duration::seconds(5)).await.unwrap();
        let recorded = nodes().await;
        assert_eq!(recorded.iter().map(|node| node.identity.id.as_str()).collect::<Vec<_>>(), ["01NODE"]);
        match recorded[0].clock_offset_ms {
            None => assert_eq!(recorded[0].last_seen_at, start() + Duration::seconds(5)),
            // The heartbeat is by the clock of PostgreSQL, which is ahead of the test's.
            Some(offset) => assert_eq!(recorded[0].last_seen_at, start() + Duration::seconds(5) - Duration::milliseconds(offset)),
        }
        assert!(registry.dead_nodes(start() + Duration::hours(1)).await.unwrap().is_empty(), "this process lives");
        let new = queued_execution("a", "echo", json!({}), start());
        let claim = Claim { execution_id: new.id.clone(), attempt: 1, started_at: start() };
        let mut tx = context.database.write().await.unwrap();
        execution::insert(&mut tx, &[new], start()).await.unwrap();
        assert_eq!(execution::claim(&mut tx, &registry.node, std::slice::from_ref(&claim)).await.unwrap().len(), 1);
        assert_eq!(execution::mark_running(&mut tx, "01NODE", std::slice::from_ref(&claim)).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
        registry.deregister().await.unwrap();
        assert_eq!(nodes().await.len(), 1, "a run has no recorded end");
        let mut tx = context.database.write().await.unwrap();
        let end = Finish {
            execution_id: claim.execution_id,
            attempt: 1,
            status: Status::Succeeded,
            retry_at: None,
            started_at: start(),
            finished_at: start(),
            duration_ms: 0,
            error: None,
            result: None,
        };
        execution::finish(&mut tx, "01NODE", &[end]).await.unwrap();
        tx.commit().await.unwrap();
        registry.deregister().await.unwrap();
        assert!(nodes().await.is_empty());
    }

    async fn silence_is_judged_by_the_clock_of_the_database(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        let folder = tempfile::tempdir().unwrap();
        let registry = NodeRegistry {
            database: context.database.clone(),
            clock: context.clock.clone(),
            node: NodeIdentity { id: "01NODE".into(), name: "host-1".into() },
            process_lock: Arc::new(ProcessLock::acquire(folder.path(), "01NODE").unwrap()),
            started_at: start(),
            workers: 4,
        };
        let mut tx = context.database.write().await.unwrap();
        let time = node::database_time(&mut tx).await.unwrap().unwrap_or(start());
        for (id, silent) in [("02LIVING", Duration::zero()), ("03SILENT", Duration::hours(1))] {
            let node = NodeIdentity { id: id.into(), name: "host-2".into() };
            node::heartbeat(&mut tx, &node, 4, start(), time - silent, None).await.unwrap();
        }
        tx.commit().await.unwrap();
        let dead = async |now| {
            let found = registry.dead_nodes(now).await.unwrap();
            found.into_iter().map(|node| node.identity.id).collect::<Vec<_>>()
        };
        assert_eq!(dead(time).await, ["03SILENT"]);
        if !db.url().is_empty() {
            assert_eq!(dead(time + Duration::seconds(28)).await, ["03SILENT"], "a clock that is ahead takes over nobody who lives");
            assert!(dead(time + Duration::minutes(5)).await.is_empty(), "a clock that is far off decides nothing");
        }
    }
}
