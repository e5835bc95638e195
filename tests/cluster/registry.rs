//! The node registry: heartbeats and deregistration.

use std::sync::Arc;

use belfry::cluster::process_lock::ProcessLock;
use belfry::cluster::registry::NodeRegistry;
use belfry::domain::node::NodeIdentity;
use belfry::storage::node;
use chrono::Duration;

use crate::for_each_database;
use crate::support::context::{TestContext, start};

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
        let recorded: Vec<_> = nodes().await.into_iter().map(|node| (node.identity.id, node.last_seen_at)).collect();
        assert_eq!(recorded, [("01NODE".to_owned(), start() + Duration::seconds(5))]);
        assert!(registry.dead_nodes(start() + Duration::hours(1)).await.unwrap().is_empty(), "this process lives");
        registry.deregister().await.unwrap();
        assert!(nodes().await.is_empty());
    }
}
