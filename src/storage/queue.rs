//! The queue's table, as far as Belfry writes it itself: jobs go in together with the executions they carry, and those
//! that are done go out in small groups.

use chrono::{DateTime, Utc};

use super::database::on_session;
use super::execution::NewExecution;
use super::{Dialect, Error, Result, Session, millis, rows};
use crate::domain::job::Job;
use crate::domain::node::QueueDepth;
use crate::domain::task::Task;

/// A job with the queue it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub queue: String,
    pub priority: i32,
    pub job: Job,
}

impl NewJob {
    /// The job of an execution's first attempt.
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

/// Queues jobs on the caller's transaction; a job that is queued already (same execution and attempt) is ignored.
///
/// # Errors
/// Where the database fails.
pub async fn push(s: &mut dyn Session, jobs: &[NewJob], now: DateTime<Utc>) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = jobs.iter().map(row).collect();
    let list = rows(&list)?;
    // Workers compare whole seconds; what is pushed is due.
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

/// Of each row: 0 the id, 1 the queue, 2 the priority, 3 the key, 4 the job.
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

/// The first attempt's job has the execution's id; a later one has an id of its own.
fn row(new: &NewJob) -> (String, &str, i32, String, String) {
    let id = if new.job.attempt == 1 { new.job.execution_id.clone() } else { ulid::Ulid::generate().to_string() };
    (id, &new.queue, new.priority, new.job.idempotency_key(), serde_json::to_string(&new.job).unwrap_or_default())
}

/// How many jobs wait in each queue, by name; queues without any are left out.
///
/// # Errors
/// Where the database fails.
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
    .map_err(Error::on("count jobs that wait"))?;
    Ok(found.into_iter().map(|(name, waiting)| QueueDepth { name, waiting }).collect())
}

/// Deletes at most `limit` jobs that are done. Answers how many.
///
/// # Errors
/// Where the database fails.
pub async fn prune_done(s: &mut dyn Session, limit: i64) -> Result<u64> {
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
    .map_err(Error::on("remove jobs that are done"))
}

/// Puts back what the named workers fetched but did not finish, so that another worker takes it at once; claims decide
/// whether an attempt still counts. Answers how many.
///
/// # Errors
/// Where the database fails.
pub async fn put_back(s: &mut dyn Session, worker_names: &[String]) -> Result<u64> {
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
    .map_err(Error::on("put back jobs"))
}

/// Names of the queue's workers that belong to the given node (their names begin with its id).
///
/// # Errors
/// Where the database fails.
pub async fn workers_of(s: &mut dyn Session, node_id: &str) -> Result<Vec<String>> {
    on_session!(s, |conn, dialect| {
        let text = match dialect {
            Dialect::Sqlite => "select id from Workers where id like $1 || '%'",
            Dialect::Postgres => "select id from apalis.workers where id like $1 || '%'",
        };
        sqlx::query_scalar(dialect.sql(text)).bind(node_id).fetch_all(&mut *conn).await
    })
    .map_err(Error::on("read the queue's workers"))
}

/// Forgets the queue's workers of the given names that no job points at any more.
///
/// # Errors
/// Where the database fails.
pub async fn forget_workers(s: &mut dyn Session, worker_names: &[String]) -> Result<()> {
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
    .map_err(Error::on("forget workers"))
}
