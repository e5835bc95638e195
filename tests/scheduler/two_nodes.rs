//! Two schedulers on one database: each occurrence is decided by one of them.

use std::collections::HashMap;

use belfry::scheduler::Planner;
use chrono::Duration;
use serde_json::json;

use crate::for_each_database;
use crate::support::context::{TestContext, start};

/// Plans until nothing is left, as one of several nodes.
async fn plan_all(planner: Planner) -> usize {
    let (mut jobs, mut empty) = (0, 0);
    while empty < 5 {
        let planned = planner.run_once(start() + Duration::seconds(61)).await.expect("plans");
        jobs += planned.queued;
        empty = if planned.tasks == 0 { empty + 1 } else { 0 };
    }
    jobs
}

for_each_database! {
    async fn each_occurrence_is_decided_once(db: &TestDatabase) {
        let context = TestContext::new(&db.database);
        for n in 0..200 {
            let policy = json!({"max_instances": 100, "coalesce": false});
            let mut task = crate::support::context::echo(&format!("t{n}"), json!({"type": "interval", "seconds": 10}));
            task["policy"] = policy;
            context.services.tasks.create(&crate::support::context::admin(), &task).await.unwrap();
        }
        let other = TestContext::new(&db.reopen().await);
        let one = tokio::spawn(plan_all(context.planner.clone()));
        let two = tokio::spawn(plan_all(other.planner.clone()));
        assert_eq!(one.await.unwrap() + two.await.unwrap(), 1200, "200 tasks, six occurrences each");
        for n in [0, 99, 199] {
            let mut occurrences: HashMap<_, usize> = HashMap::new();
            for execution in context.executions(&format!("t{n}")).await {
                *occurrences.entry(execution.scheduled_at).or_default() += 1;
            }
            assert_eq!(occurrences.len(), 6, "t{n}");
            assert!(occurrences.values().all(|count| *count == 1), "t{n}: {occurrences:?}");
        }
        other.database.close().await;
    }
}
