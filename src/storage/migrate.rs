//! Brings a database's tables up to date: the queue's own, ours, and for SQLite what its planner must know.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgPool, SqlitePool};

use super::{Error, Result};

/// The tables of Belfry. Both sets have the same names; a test compares them.
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const OUR_TABLE: &str = "belfry_migrations";
const QUEUE_TABLE: &str = "queue_migrations";

/// What SQLite's planner must know before there is any data: ids are unique, statuses are not. Without this it answers
/// the queue's statements from indexes on the status, at a cost that grows with the backlog. The rows name table, index,
/// and (rows in all, rows for each value of the first column, of the first two, …).
const STATISTICS: &str = "
    ANALYZE;
    DELETE FROM sqlite_stat1;
    INSERT INTO sqlite_stat1 VALUES
        ('Jobs', 'sqlite_autoindex_Jobs_1', '100000 1'),
        ('Jobs', 'LIdx', '100000 50000'),
        ('Jobs', 'idx_jobs_pending', '50000 50000 1000 100 1'),
        ('Jobs', 'idx_jobs_failed', '1000 1000 1000 10 1'),
        ('Jobs', 'idx_jobs_completed_done_at', '50000 50000 100 10'),
        ('Jobs', 'idx_jobs_idempotency_key', '100000 100000 1'),
        ('executions', 'executions', '1000000 1'),
        ('executions', 'executions_instant', '1000000 100 1'),
        ('executions', 'executions_request', '1000 10 1'),
        ('executions', 'executions_task', '1000000 100 1'),
        ('executions', 'executions_type', '1000000 100000 1'),
        ('executions', 'executions_status', '1000000 200000 1'),
        ('executions', 'executions_asked', '10000 5000 1'),
        ('executions', 'executions_trouble', '100000 20 4 1'),
        ('executions', 'executions_active', '1000 2'),
        ('executions', 'executions_retry', '100 1'),
        ('attempts', 'attempts', '100000 3 1'),
        ('outputs', 'outputs', '1000000 20 10 1'),
        ('run_minutes', 'run_minutes', '50000 2 1'),
        ('tasks', 'tasks', '100000 1'),
        ('tasks', 'tasks_next', '100000 10'),
        ('task_tags', 'task_tags', '100000 1000 1'),
        ('task_tags', 'task_tags_task', '100000 2 1'),
        ('task_tags', 'task_tags_gone', '1000 2 1'),
        ('tasks', 'tasks_idle', '10 10'),
        ('tasks', 'tasks_tags', '10000 50'),
        ('sessions', 'sessions', '1000 1'),
        ('tokens', 'tokens', '1000 1'),
        ('users', 'users', '100 1'),
        ('users', 'users_name', '100 1'),
        ('nodes', 'nodes', '10 1'),
        ('saved_views', 'saved_views', '1000 1'),
        ('saved_views', 'saved_views_name', '1000 10 5 1');
    ANALYZE sqlite_schema;";

/// Indexes of the queue that serve its own dashboards and the locking of single jobs, neither of which is used here; each
/// costs every job several writes.
const UNUSED_INDEXES: &str = "
    DROP INDEX IF EXISTS idx_jobs_status_run_at;
    DROP INDEX IF EXISTS idx_jobs_job_type_status_run_at;
    DROP INDEX IF EXISTS idx_jobs_claimable;
    DROP INDEX IF EXISTS idx_jobs_running;";

pub(super) async fn sqlite(pool: &SqlitePool) -> Result<()> {
    let mut queue = apalis_sqlite::SqliteStorage::<()>::migrations();
    queue.dangerous_set_table_name(QUEUE_TABLE);
    queue.run(pool).await.map_err(on_migration)?;
    sqlx::raw_sql(UNUSED_INDEXES).execute(pool).await.map_err(Error::on("drop indexes"))?;
    ours(&SQLITE).run(pool).await.map_err(on_migration)?;
    sqlx::raw_sql(STATISTICS).execute(pool).await.map_err(Error::on("write the planner's statistics"))?;
    Ok(())
}

pub(super) async fn postgres(pool: &PgPool) -> Result<()> {
    let mut queue = apalis_postgres::PostgresStorage::<()>::migrations();
    // Two nodes that start at once must not both create it.
    queue.create_schema("apalis");
    queue.run(pool).await.map_err(on_queue_migration)?;
    ours(&POSTGRES).run(pool).await.map_err(on_migration)
}

fn ours(migrator: &'static Migrator) -> Migrator {
    let mut migrator = Migrator { migrations: migrator.migrations.clone(), ..Migrator::DEFAULT };
    migrator.dangerous_set_table_name(OUR_TABLE);
    migrator
}

fn on_migration(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::Newer(version),
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            Error::Database { context: "bring the tables up to date", source }
        }
        other => Error::Database { context: "bring the tables up to date", source: sqlx::Error::Migrate(Box::new(other)) },
    }
}

/// The queue on PostgreSQL needs the extension hstore; say so where it is missing.
fn on_queue_migration(error: MigrateError) -> Error {
    let text = error.to_string();
    if text.contains("hstore") { Error::MissingHstore(text) } else { on_migration(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_migrations() {
        let names = |m: &Migrator| m.iter().map(|m| (m.version, m.description.to_string())).collect::<Vec<_>>();
        assert_eq!(names(&SQLITE), names(&POSTGRES), "each migration needs its twin, with the same name");
    }
}
