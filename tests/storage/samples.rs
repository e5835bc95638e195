//! Sample rows.

use belfry::domain::execution::{Cause, Status};
use belfry::domain::node::NodeIdentity;
use belfry::domain::policy::Policy;
use belfry::domain::task::{Task, TaskInput};
use belfry::storage::execution::{Claim, Finish, NewExecution};
use belfry::storage::{Database, execution, task};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::support::{at, execution_id_at, queued_execution};

pub fn now() -> DateTime<Utc> {
    at("2026-11-21T08:00:00Z")
}

pub fn node() -> NodeIdentity {
    NodeIdentity { id: "01NODE".into(), name: "host-1".into() }
}

pub fn task(id: &str) -> Task {
    let value = json!({
        "id": id, "name": format!("Name of {id}"), "tags": ["report", "日报"], "type": "echo",
        "trigger": {"type": "interval", "seconds": 5}, "params": {"message": "x"},
    });
    let input = TaskInput::parse(&value, chrono_tz::Tz::UTC, |_| Ok(Policy::default())).unwrap();
    Task { next_run_at: Some(now()), next_rule_at: Some(now()), ..Task::new(&input, now()) }
}

/// An execution queued `offset` milliseconds after [`now`]; its id encodes that time.
pub fn execution(task_id: &str, offset: i64) -> NewExecution {
    let queued_at = now() + Duration::milliseconds(offset);
    NewExecution {
        id: execution_id_at(queued_at, tail(task_id)),
        schedule_text: Some("every 5s".into()),
        cause: Cause::Schedule,
        ..queued_execution(task_id, "echo", json!({"message": "x"}), queued_at)
    }
}

fn tail(task_id: &str) -> i64 {
    task_id.bytes().fold(0, |sum, byte| (sum * 31 + i64::from(byte)) % (1 << 18))
}

pub async fn insert_task(db: &Database, new: &Task) {
    let mut tx = db.write().await.unwrap();
    task::insert(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn insert_executions(db: &Database, new: &[NewExecution]) -> usize {
    let mut tx = db.write().await.unwrap();
    let inserted = execution::insert(&mut tx, new, new[0].scheduled_at).await.unwrap();
    tx.commit().await.unwrap();
    inserted.len()
}

pub fn claim_of(new: &NewExecution, attempt: i64) -> Claim {
    Claim { execution_id: new.id.clone(), attempt, started_at: new.scheduled_at + Duration::milliseconds(3) }
}

pub fn finish_of(new: &NewExecution, attempt: i64, status: Status) -> Finish {
    Finish {
        execution_id: new.id.clone(),
        attempt,
        status,
        retry_at: None,
        started_at: new.scheduled_at + Duration::milliseconds(3),
        finished_at: new.scheduled_at + Duration::milliseconds(10),
        duration_ms: 7,
        error: (status != Status::Succeeded).then(|| belfry::i18n::Message::verbatim("it broke")),
        result: Some(json!({"message": "结果"})),
    }
}

/// Claims and finishes an execution; returns the number of recorded results.
pub async fn run(db: &Database, new: &NewExecution, status: Status) -> usize {
    let mut tx = db.write().await.unwrap();
    execution::claim(&mut tx, &node(), &[claim_of(new, 1)]).await.unwrap();
    let recorded = execution::finish(&mut tx, &node().id, &[finish_of(new, 1, status)]).await.unwrap().executions;
    tx.commit().await.unwrap();
    recorded.len()
}
