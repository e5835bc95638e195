//! Online backups: SQLite copies itself; for PostgreSQL this module provides the environment of `pg_dump`.

use std::collections::BTreeMap;
use std::path::Path;

use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use super::{Database, Error, Result};
use crate::long_path;

/// SQLite instructions between two checks for cancellation.
const CANCEL_CHECK_STEPS: i32 = 10_000;

/// Copies a SQLite database, as of this moment, into a new or empty file, without blocking readers and writers. Fails early
/// once `stop` is cancelled.
///
/// # Errors
/// If the copy cannot be written; a partial file may remain.
pub async fn copy_sqlite(database: &Database, file: &Path, stop: CancellationToken) -> Result<()> {
    let Database::Sqlite { writer, .. } = database else { return Ok(()) };
    let options = SqliteConnectOptions::new().filename(&writer.options().path);
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(Error::on("connect"))?;
    let mut handle = conn.lock_handle().await.map_err(Error::on("connect"))?;
    handle.set_progress_handler(CANCEL_CHECK_STEPS, move || !stop.is_cancelled());
    drop(handle);
    let copied =
        sqlx::query("vacuum into $1").bind(long_path::without_limit(file).display().to_string()).execute(&mut conn).await;
    copied.map_err(Error::on("copy the database"))?;
    conn.close().await.map_err(Error::on("copy the database"))
}

/// Copies a SQLite file with what its `-wal` file holds into a new or empty file.
///
/// # Errors
/// If the file cannot be read or the copy cannot be written; a partial file may remain.
pub async fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let mut conn = open_file(from).await?;
    let copied = sqlx::query("vacuum into $1").bind(long_path::without_limit(to).display().to_string()).execute(&mut conn).await;
    copied.map_err(Error::on("copy the file"))?;
    conn.close().await.map_err(Error::on("copy the file"))
}

/// Opens a file that no process changes. Without a `-wal` file SQLite reads it as it is, also in a folder that cannot be
/// written.
async fn open_file(file: &Path) -> Result<SqliteConnection> {
    let mut wal = file.as_os_str().to_owned();
    wal.push("-wal");
    let options =
        SqliteConnectOptions::new().filename(long_path::without_limit(file)).read_only(true).immutable(!Path::new(&wal).exists());
    SqliteConnection::connect_with(&options).await.map_err(Error::on("open the file"))
}

/// Checks the integrity of a SQLite copy.
///
/// # Errors
/// The first defect that SQLite finds.
pub async fn check_sqlite(file: &Path) -> Result<()> {
    let mut conn = open_file(file).await?;
    let found: String =
        sqlx::query_scalar("pragma integrity_check(1)").fetch_one(&mut conn).await.map_err(Error::on("check the copy"))?;
    conn.close().await.map_err(Error::on("check the copy"))?;
    if found == "ok" { Ok(()) } else { Err(Error::InvalidValue(found)) }
}

/// Returns the number of tasks and executions in a SQLite file, opened read-only.
///
/// # Errors
/// If the file cannot be read or is not a Belfry database.
pub async fn count_rows(file: &Path) -> Result<(i64, i64)> {
    let mut conn = open_file(file).await?;
    let counts = "select (select count(*) from tasks), (select count(*) from executions) from belfry_migrations limit 1";
    let found = sqlx::query_as(counts).fetch_optional(&mut conn).await.map_err(Error::on("read Belfry's tables in the file"))?;
    conn.close().await.map_err(Error::on("read the file"))?;
    found.ok_or_else(|| Error::InvalidValue("it is not a Belfry database".to_owned()))
}

/// Returns the environment variables that let PostgreSQL's tools connect to this database, password included; `None` for
/// SQLite.
pub fn postgres_environment(database: &Database) -> Option<BTreeMap<String, String>> {
    let Database::Postgres { pool, .. } = database else { return None };
    Some(environment(&pool.connect_options()))
}

fn environment(options: &PgConnectOptions) -> BTreeMap<String, String> {
    let ssl = match options.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    };
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    let mut variables = BTreeMap::from([
        ("PGHOST", host),
        ("PGPORT", options.get_port().to_string()),
        ("PGUSER", options.get_username().to_owned()),
        ("PGDATABASE", options.get_database().unwrap_or(options.get_username()).to_owned()),
        ("PGSSLMODE", ssl.to_owned()),
    ]);
    // sqlx exposes the password and the certificate paths only through the URL; dummy values replace its other parts.
    let url = options.clone().host("localhost").username("user").to_url_lossy();
    variables
        .extend(url.password().map(|password| ("PGPASSWORD", percent_decode_str(password).decode_utf8_lossy().into_owned())));
    for (name, value) in url.query_pairs() {
        let variable = match &*name {
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        // A certificate inlined in the URL cannot be passed to other programs.
        let Some(file) = value.strip_prefix("file: ") else { continue };
        variables.insert(variable, file.to_owned());
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_url(url: &str) -> BTreeMap<String, String> {
        environment(&url.parse().unwrap())
    }

    #[test]
    fn postgres_environment_holds_host_credentials_and_certificates() {
        let variables =
            from_url("postgres://me:p%40ss%2F%E9%92%9F@db.example.com:6432/belfry?sslmode=require&sslrootcert=/ca.pem");
        let expected = [
            ("PGDATABASE", "belfry"),
            ("PGHOST", "db.example.com"),
            ("PGPASSWORD", "p@ss/钟"),
            ("PGPORT", "6432"),
            ("PGSSLMODE", "require"),
            ("PGSSLROOTCERT", "/ca.pem"),
            ("PGUSER", "me"),
        ];
        assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(from_url("postgres://a%20b@[::1]/x").get("PGUSER").map(String::as_str), Some("a b"));
        assert_eq!(from_url("postgres:///x?host=/run/pg&user=u").get("PGHOST").map(String::as_str), Some("/run/pg"));
    }
}
