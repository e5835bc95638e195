//! Two schedulers on one database: each instant is decided by one of them.

use std::collections::HashMap;

use belfry::scheduler::Planner;
use chrono::Duration;
use serde_json::json;

use crate::on_each;
use crate::support::parts::{TestParts, start};

/// Plans until nothing is left, as one of several nodes.
async fn plan_all(planner: Planner) -> usize {
    let (mut jobs, mut empty) = (0, 0);
    while empty < 5 {
        let planned = planner.run_once(start() + Duration::seconds(61)).await.expect("plans");
        jobs += planned.jobs;
        empty = if planned.tasks == 0 { empty + 1 } else { 0 };
    }
    jobs
}

on_each! {
    async fn each_instant_is_decided_once(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for n in 0..200 {
            let policy = json!({"max_instances": 100, "coalesce": false});
            let mut task = crate::support::parts::echo(&format!("t{n}"), json!({"type": "interval", "seconds": 10}));
            task["policy"] = policy;
            parts.service.create_task(&crate::support::parts::admin(), &task).await.unwrap();
        }
        let other = TestParts::new(&db.again().await);
        let one = tokio::spawn(plan_all(parts.planner.clone()));
        let two = tokio::spawn(plan_all(other.planner.clone()));
        assert_eq!(one.await.unwrap() + two.await.unwrap(), 1200, "200 tasks, six instants each");
        for n in [0, 99, 199] {
            let mut instants: HashMap<_, usize> = HashMap::new();
            for execution in parts.executions(&format!("t{n}")).await {
                *instants.entry(execution.scheduled_at).or_default() += 1;
            }
            assert_eq!(instants.len(), 6, "t{n}");
            assert!(instants.values().all(|count| *count == 1), "t{n}: {instants:?}");
        }
        other.database.close().await;
    }
}
