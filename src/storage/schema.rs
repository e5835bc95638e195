//! Schema migrations.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr};

use super::sqlite::BUSY_TIMEOUT;
use super::{Error, Result};
use crate::embedded;

/// Belfry's migrations, one folder a database. The macro of sqlx would compile every driver a second time, for the compiler.
const FOLDER: &str = "migrations";

const TABLE: &str = "belfry_migrations";

/// Creates the file if it is missing.
pub(super) async fn sqlite(file: &Path) -> Result<()> {
    let mut options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true);
    if is_new(file) {
        // Incremental vacuum returns freed space in steps, see [`super::retention::release_free_pages`]. Only the creating
        // connection sets it: on an existing file it would be a write.
        options = options.auto_vacuum(SqliteAutoVacuum::Incremental);
    }
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(Error::on("open"))?;
    let done = migrations("sqlite")?.run(&pool).await.map_err(on_migration);
    pool.close().await;
    done
}

/// Whether there is no database in the file yet.
fn is_new(file: &Path) -> bool {
    std::fs::metadata(file).map_or(true, |file| file.len() == 0)
}

pub(super) async fn postgres(pool: &PgPool) -> Result<()> {
    migrations("postgres")?.run(pool).await.map_err(on_migration)
}

/// The migrations of `migrations/<database>/`, each `<version>_<description>.sql`.
///
/// # Errors
/// A file has no version or is not UTF-8.
fn migrations(database: &str) -> Result<Migrator> {
    let names = embedded::names(FOLDER).into_iter().filter(|name| name.split('/').next() == Some(database));
    let migrations = names.map(|name| migration(&name).ok_or(Error::InvalidValue(name)));
    let mut migrator = Migrator::with_migrations(migrations.collect::<Result<_>>()?);
    migrator.dangerous_set_table_name(TABLE);
    Ok(migrator)
}

fn migration(name: &str) -> Option<Migration> {
    let text = embedded::read_text(FOLDER, name)?;
    let (version, description) = name.rsplit('/').next()?.strip_suffix(".sql")?.split_once('_')?;
    let description = description.replace('_', " ").into();
    Some(Migration::new(version.parse().ok()?, description, MigrationType::Simple, AssertSqlSafe(text).into_sql_str(), false))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_and_postgres_have_the_same_migrations() {
        let names = |database| {
            let migrations = migrations(database).unwrap();
            migrations.iter().map(|m| (m.version, m.description.to_string())).collect::<Vec<_>>()
        };
        assert!(names("sqlite").contains(&(1, "initial".to_owned())));
        assert_eq!(names("sqlite"), names("postgres"), "each migration must exist for both databases under the same name");
    }
}
