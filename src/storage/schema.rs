//! Schema migrations: the queue's, Belfry's, and SQLite's planner statistics.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgPool, SqlitePool};

use super::{Error, Result};

/// Belfry's migrations. Both sets have the same versions and names; a test compares them.
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const BELFRY_TABLE: &str = "belfry_migrations";
const QUEUE_TABLE: &str = "queue_migrations";

/// Initial planner statistics for SQLite: ids are unique, statuses are not. Without them an empty database answers the queue's
/// statements from indexes on the status, at a cost that grows with the backlog. `ANALYZE sqlite_schema` creates and loads the
/// tables of statistics and measures nothing: measured samples of a backlog mislead the planner. Columns: table, index, and row
/// counts (total, per value of the first column, of the first two, …).
const STATISTICS: &str = "
    ANALYZE sqlite_schema;
    DELETE FROM sqlite_stat4;
    DELETE FROM sqlite_stat1;
    INSERT INTO sqlite_stat1 VALUES
        ('Jobs', 'sqlite_autoindex_Jobs_1', '100000 1'),
        ('Jobs', 'LIdx', '100000 50000'),
        ('Jobs', 'idx_jobs_pending', '50000 50000 1000 100 1'),
        ('Jobs', 'idx_jobs_failed', '1000 1000 1000 10 1'),
        ('Jobs', 'idx_jobs_completed_done_at', '50000 50000 100 10'),
        ('Jobs', 'idx_jobs_idempotency_key', '100000 100000 1'),
        ('executions', 'executions', '1000000 1'),
        ('executions', 'executions_occurrence', '1000000 100 1'),
        ('executions', 'executions_idempotency', '1000 10 1'),
        ('executions', 'executions_task', '1000000 100 1'),
        ('executions', 'executions_type', '1000000 100000 1'),
        ('executions', 'executions_status', '1000000 200000 1'),
        ('executions', 'executions_cause', '10000 5000 1'),
        ('executions', 'executions_unsuccessful', '100000 20 4 1'),
        ('executions', 'executions_active', '1000 2'),
        ('executions', 'executions_retry', '100 1'),
        ('attempts', 'attempts', '100000 3 1'),
        ('outputs', 'outputs', '1000000 20 10 1'),
        ('run_stats_by_minute', 'run_stats_by_minute', '50000 2 1'),
        ('tasks', 'tasks', '100000 1'),
        ('tasks', 'tasks_next', '100000 10'),
        ('task_tags', 'task_tags', '100000 1000 1'),
        ('task_tags', 'task_tags_task', '100000 2 1'),
        ('task_tags', 'task_tags_deleted', '1000 2 1'),
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

/// Indexes of the queue for its dashboard and for locking single jobs. Belfry uses neither, and each costs several writes per
/// job.
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
    belfry_migrations(&SQLITE).run(pool).await.map_err(on_migration)?;
    sqlx::raw_sql(STATISTICS).execute(pool).await.map_err(Error::on("write planner statistics"))?;
    Ok(())
}

pub(super) async fn postgres(pool: &PgPool) -> Result<()> {
    let mut queue = apalis_postgres::PostgresStorage::<()>::migrations();
    // Two nodes that start at the same time must not both create it.
    queue.create_schema("apalis");
    queue.run(pool).await.map_err(on_queue_migration)?;
    belfry_migrations(&POSTGRES).run(pool).await.map_err(on_migration)
}

fn belfry_migrations(migrator: &'static Migrator) -> Migrator {
    let mut migrator = Migrator { migrations: migrator.migrations.clone(), ..Migrator::DEFAULT };
    migrator.dangerous_set_table_name(BELFRY_TABLE);
    migrator
}

fn on_migration(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::NewerSchema(version),
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            Error::Database { context: "migrate the database", source }
        }
        other => Error::Database { context: "migrate the database", source: sqlx::Error::Migrate(Box::new(other)) },
    }
}

/// Reports a missing hstore extension, which the queue needs on PostgreSQL, as an error of its own.
fn on_queue_migration(error: MigrateError) -> Error {
    let text = error.to_string();
    if text.contains("hstore") { Error::MissingHstore(text) } else { on_migration(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_and_postgres_have_the_same_migrations() {
        let names = |m: &Migrator| m.iter().map(|m| (m.version, m.description.to_string())).collect::<Vec<_>>();
        assert_eq!(names(&SQLITE), names(&POSTGRES), "each migration must exist for both databases under the same name");
    }
}
