//! Belfry's own statements on the queue's tables: jobs are inserted in the transaction of their executions, and finished jobs
//! are deleted in small batches.

use chrono::{DateTime, Utc};

use crate::domain::job::Job;
use crate::domain::node::QueueDepth;
use crate::domain::task::Task;
use crate::storage::execution::NewExecution;
use crate::storage::{Dialect, Error, Result, Session, millis, on_session, rows};

/// A job, its queue and its priority.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub queue: String,
    pub priority: i32,
    pub job: Job,
}

impl NewJob {
    /// Returns the job of an execution's first attempt.
    pub fn first(new: &NewExecution, task: &Task) -> NewJob {
        let (timeout_ms, retry) = Job::limits(&task.policy);
        let job = Job {
            execution_id: new.id.clone(),
            attempt: 1,
            task_id: new.task_id.clone(),
            task_type: new.task_type.clone(),
            params: new.params.clone(),
            started_by: new.started_by.clone(),
            chained: !task.chain.is_empty(),
            scheduled_at: new.scheduled_at,
            timeout_ms,
            retry,
        };
        NewJob { queue: task.policy.queue.clone(), priority: task.policy.priority, job }
    }
}

/// Inserts jobs in the caller's transaction; a job that exists (same execution and attempt) is skipped.
pub async fn push(s: &mut dyn Session, jobs: &[NewJob], now: DateTime<Utc>) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = jobs.iter().map(row).collect();
    let list = rows(&list)?;
    // Workers compare whole seconds; pushed jobs are due immediately.
    let due = millis(now) / 1000 - 1;
    on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => PUSH_SQLITE,
            Dialect::Postgres => PUSH_POSTGRES,
        };
        sqlx::query(dialect.sql(text)).bind(list).bind(due).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("queue jobs"))
}

/// Row: 0 id, 1 queue, 2 priority, 3 idempotency key, 4 job.
const PUSH_SQLITE: &str = "
    insert into Jobs (job, id, job_type, status, attempts, max_attempts, run_at, priority, metadata, idempotency_key)
    select cast(j.value->>4 as blob), j.value->>0, j.value->>1, 'Pending', 0, 1, $2, j.value->>2, '{}',
           j.value->>3
    from {rows} where true
    on conflict (job_type, idempotency_key) do nothing";

const PUSH_POSTGRES: &str = "
    insert into apalis.jobs (job, id, job_type, status, attempts, max_attempts, run_at, priority, metadata, idempotency_key)
    select convert_to(j.value->>4, 'UTF8'), j.value->>0, j.value->>1, 'Pending', 0, 1, to_timestamp($2),
           cast(j.value->>2 as integer), ''::hstore, j.value->>3
    from {rows}
    on conflict do nothing";

/// The first attempt's job has the execution's id; later attempts get new ids.
fn row(new: &NewJob) -> (String, &str, i32, String, String) {
    let id = if new.job.attempt == 1 { new.job.execution_id.clone() } else { ulid::Ulid::generate().to_string() };
    (id, &new.queue, new.priority, new.job.idempotency_key(), serde_json::to_string(&new.job).unwrap_or_default())
}

/// Returns the number of pending jobs per queue, ordered by name; empty queues are omitted.
pub async fn depths(s: &mut dyn Session) -> Result<Vec<QueueDepth>> {
    let found: Vec<(String, i64)> = on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => "select job_type, count(*) from Jobs where status = 'Pending' group by job_type order by job_type",
            Dialect::Postgres => {
                "select job_type, count(*) from apalis.jobs where status = 'Pending' group by job_type order by job_type"
            }
        };
        sqlx::query_as(dialect.sql(text)).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("count pending jobs"))?;
    Ok(found.into_iter().map(|(name, waiting)| QueueDepth { name, waiting }).collect())
}

/// Deletes at most `limit` finished jobs. Returns how many.
pub async fn delete_done(s: &mut dyn Session, limit: i64) -> Result<u64> {
    on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => {
                "delete from Jobs where rowid in
                     (select rowid from Jobs where status in ('Done', 'Failed', 'Killed') and done_at is not null limit $1)"
            },
            Dialect::Postgres => {
                "delete from apalis.jobs where id in (select id from apalis.jobs where status in ('Done', 'Failed', 'Killed') limit $1)"
            }
        };
        sqlx::query(dialect.sql(text)).bind(limit).execute(&mut *conn).await.map(|done| done.rows_affected())
    })
    .map_err(Error::on("delete finished jobs"))
}

/// Releases jobs that these workers fetched but did not finish, so that another worker takes them at once; the claim decides
/// whether an attempt still counts. Returns how many.
pub async fn release_jobs(s: &mut dyn Session, worker_names: &[String]) -> Result<u64> {
    let names = rows(worker_names)?;
    on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => {
                "update Jobs set status = 'Pending', lock_by = null, lock_at = null
                 where lock_by in {ids} and status in ('Queued', 'Running')"
            }
            Dialect::Postgres => {
                "update apalis.jobs set status = 'Pending', lock_by = null, lock_at = null
                 where lock_by in {ids} and status in ('Queued', 'Running')"
            }
        };
        sqlx::query(dialect.sql(text)).bind(names).execute(&mut *conn).await.map(|done| done.rows_affected())
    })
    .map_err(Error::on("release jobs"))
}

/// Returns the names of a node's workers; they begin with the node's id.
pub async fn workers_of_node(s: &mut dyn Session, node_id: &str) -> Result<Vec<String>> {
    on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => "select id from Workers where id like $1 || '%'",
            Dialect::Postgres => "select id from apalis.workers where id like $1 || '%'",
        };
        sqlx::query_scalar(dialect.sql(text)).bind(node_id).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read the queue's workers"))
}

/// Deletes the workers of these names that hold no job.
pub async fn delete_workers(s: &mut dyn Session, worker_names: &[String]) -> Result<()> {
    let names = rows(worker_names)?;
    on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => {
                "delete from Workers where id in {ids} and id not in (select lock_by from Jobs where lock_by is not null)"
            }
            Dialect::Postgres => {
                "delete from apalis.workers where id in {ids}
                 and not exists (select 1 from apalis.jobs where lock_by = apalis.workers.id)"
            }
        };
        sqlx::query(dialect.sql(text)).bind(names).execute(&mut *conn).await.map(drop)
    })
    .map_err(Error::on("delete workers"))
}
