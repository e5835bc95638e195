//! The log is kept for as long as the settings say.

use belfry::clock::Clock;
use belfry::domain::execution::Status;
use belfry::scheduler::prune::{Keep, Prune};
use chrono::Duration;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::on_each;
use crate::support::parts::{TestParts, start};

on_each! {
    async fn old_executions_go_and_waiting_ones_stay(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        parts.create("a", json!({"type": "interval", "seconds": 10})).await;
        for _ in 0..450 {
            parts.advance(Duration::seconds(10)).await;
        }
        assert_eq!(parts.executions("a").await.len(), 450);
        let prune = Prune { database: db.database.clone(), clock: parts.clock.clone(), keep: Keep { age: Some(Duration::seconds(500)), per_task: None } };
        let removed = prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap();
        let left = parts.executions("a").await;
        assert_eq!(removed, 398, "those queued more than 500 s ago, but the first, which still waits");
        assert_eq!((left.len(), left[0].status, left[0].scheduled_at), (52, Status::Queued, start() + Duration::seconds(10)));
    }
    async fn a_task_keeps_its_newest_executions(db: &TestDatabase) {
        let parts = TestParts::new(&db.database);
        for id in ["busy", "calm"] {
            parts.create(id, json!({"type": "interval", "seconds": if id == "busy" { 10 } else { 100 }})).await;
        }
        for _ in 0..300 {
            parts.advance(Duration::seconds(10)).await;
        }
        let keep = Keep { age: None, per_task: Some(40) };
        let prune = Prune { database: db.database.clone(), clock: parts.clock.clone(), keep };
        let removed = prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap();
        let left = parts.executions("busy").await;
        assert_eq!(removed, 259, "all of the busy one's 300 but the newest 40 and the first, which still waits");
        assert_eq!((left.len(), left[0].status), (41, Status::Queued));
        assert_eq!(left[1].scheduled_at, start() + Duration::seconds(10 * 261), "the newest stay");
        assert_eq!(parts.executions("calm").await.len(), 30);
        assert_eq!(prune.run_once(parts.clock.now(), &CancellationToken::new()).await.unwrap(), 0);
    }
}
