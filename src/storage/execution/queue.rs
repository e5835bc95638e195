//! The queue: executions that wait for a worker, handed out in the order of priority and id.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::attempt::{Claim, claim};
use super::row::of_version;
use crate::domain::job::Job;
use crate::domain::node::{NodeIdentity, QueueDepth};
use crate::domain::policy::Policy;
use crate::ids::{execution_id, execution_key};
use crate::storage::column::{ExecutionId, OptionalExecutionId, stored};
use crate::storage::statement::fetch;
use crate::storage::{Result, Session, rows};

/// A waiting execution with its task's current policy.
struct Waiting {
    execution_id: String,
    task_id: String,
    task_type: String,
    attempt: i64,
    scheduled_at: DateTime<Utc>,
    params: serde_json::Value,
    started_by: Option<String>,
    chained: bool,
    policy: Policy,
}

stored! {
    Waiting {
        execution_id via ExecutionId, task_id, task_type, attempt, scheduled_at, params, started_by via OptionalExecutionId, chained,
        policy
    }
}

impl Waiting {
    fn claim(&self, started_at: DateTime<Utc>) -> Claim {
        Claim { execution_id: self.execution_id.clone(), attempt: self.attempt, started_at }
    }

    fn into_job(self) -> Job {
        let (timeout_ms, retry) = Job::limits(&self.policy);
        Job {
            execution_id: self.execution_id,
            attempt: self.attempt,
            task_id: self.task_id,
            task_type: self.task_type,
            params: self.params,
            started_by: self.started_by,
            chained: self.chained,
            scheduled_at: self.scheduled_at,
            timeout_ms,
            retry,
            late_after_ms: self.policy.alert.late_ms(),
        }
    }
}

/// Hands at most `limit` waiting executions of a queue out to a node, which begins them at once; none of `except`.
pub async fn hand_out(
    s: &mut dyn Session,
    node: &NodeIdentity,
    queue: &str,
    except: &[String],
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Job>> {
    let except = keys(except)?;
    let waiting: Vec<Waiting> = fetch!(all, s, "read waiting executions", WAITING, except, queue, limit)?;
    let claims: Vec<Claim> = waiting.iter().map(|one| one.claim(now)).collect();
    let claimed: HashSet<String> = claim(s, node, &claims).await?;
    Ok(waiting.into_iter().filter(|one| claimed.contains(&one.execution_id)).map(Waiting::into_job).collect())
}

pub(in crate::storage) const WAITING: &str = concat!(
    "select e.id as execution_id, e.task_id, e.task_type, e.attempt, e.scheduled_at, ",
    of_version!("e", "params"),
    " as params, e.started_by, coalesce(t.chain, '[]') <> '[]' as chained, coalesce(t.policy, '{}') as policy
    from (select id as waiting_id from executions
        where queue = $2 and status = 'queued' and node_id is null and retry_at is null and not waits and id not in {keys}
        order by priority desc, id limit $3 {skip_locked}) as w
    cross join executions e left join tasks t on t.id = e.task_id
    where e.id = w.waiting_id order by e.priority desc, e.id"
);

/// Returns the number of waiting executions per queue, ordered by name; empty queues are omitted.
pub async fn depths(s: &mut dyn Session) -> Result<Vec<QueueDepth>> {
    let found: Vec<(String, i64)> = fetch!(all, s, "count waiting executions", DEPTHS)?;
    Ok(found.into_iter().map(|(name, waiting)| QueueDepth { name, waiting }).collect())
}

pub(in crate::storage) const DEPTHS: &str = "
    select queue, count(*) from executions
    where status = 'queued' and node_id is null and retry_at is null and not waits and queue is not null group by queue order by queue";

/// Returns at most `limit` of the executions of a queue that wait for a worker, in the order in which they are handed out, except
/// those of `except`.
pub async fn waiting(s: &mut dyn Session, queue: &str, except: &[String], limit: i64) -> Result<Vec<String>> {
    let found: Vec<i64> = fetch!(scalars, s, "read waiting executions", WAITING_IDS, keys(except)?, queue, limit)?;
    Ok(found.into_iter().map(execution_id).collect())
}

pub(in crate::storage) const WAITING_IDS: &str = "
    select id from executions
    where queue = $2 and status = 'queued' and node_id is null and retry_at is null and not waits and id not in {keys}
    order by priority desc, id limit $3";

fn keys(ids: &[String]) -> Result<String> {
    rows(&ids.iter().map(|id| execution_key(id)).collect::<Vec<_>>())
}
