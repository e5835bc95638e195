//! Copies of the whole database, made while it is in use: SQLite's by itself, PostgreSQL's by PostgreSQL's own programs, which
//! are told here how to find it.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use super::{Database, Error, Result};

/// Steps of SQLite between two looks at whether to go on.
const STEPS: i32 = 10_000;

/// Copies a SQLite database, as it is at this moment, into a file that does not exist yet or is empty. Others read and write
/// meanwhile. Ends early, with an error, once `stop` is cancelled.
///
/// # Errors
/// Where the copy cannot be written; what was written then stays.
pub async fn sqlite_into(database: &Database, file: &Path, stop: CancellationToken) -> Result<()> {
    let Database::Sqlite { writer, .. } = database else { return Ok(()) };
    let options = writer.connect_options();
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(Error::on("connect"))?;
    let mut handle = conn.lock_handle().await.map_err(Error::on("connect"))?;
    handle.set_progress_handler(STEPS, move || !stop.is_cancelled());
    drop(handle);
    let copied = sqlx::query("vacuum into $1").bind(file.display().to_string()).execute(&mut conn).await;
    copied.map_err(Error::on("copy the database"))?;
    conn.close().await.map_err(Error::on("copy the database"))
}

/// Whether a copy of a SQLite database is sound.
///
/// # Errors
/// What is wrong with it.
pub async fn check_sqlite(file: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(Error::on("open the copy"))?;
    let found: String =
        sqlx::query_scalar("pragma integrity_check(1)").fetch_one(&mut conn).await.map_err(Error::on("check the copy"))?;
    conn.close().await.map_err(Error::on("check the copy"))?;
    if found == "ok" { Ok(()) } else { Err(Error::Unreadable(found)) }
}

/// What a SQLite file holds of Belfry: how many tasks and executions. The file is only read.
///
/// # Errors
/// Where it cannot be read, or is no database of Belfry's.
pub async fn contents(file: &Path) -> Result<(i64, i64)> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(Error::on("open the file"))?;
    let counts = "select (select count(*) from tasks), (select count(*) from executions) from belfry_migrations limit 1";
    let found = sqlx::query_as(counts).fetch_optional(&mut conn).await.map_err(Error::on("read Belfry's tables in the file"))?;
    conn.close().await.map_err(Error::on("read the file"))?;
    found.ok_or_else(|| Error::Unreadable("no tables of Belfry's".to_owned()))
}

/// The variables by which PostgreSQL's own programs find this database and sign in, password and all; `None` for SQLite.
pub fn postgres_environment(database: &Database) -> Option<BTreeMap<String, String>> {
    let Database::Postgres(pool) = database else { return None };
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
    // The password and the certificates are told by the URL alone, which is made of harmless parts otherwise.
    let url = options.clone().host("localhost").username("user").to_url_lossy();
    variables.extend(url.password().map(|password| ("PGPASSWORD", decoded(password))));
    for (name, value) in url.query_pairs() {
        let variable = match &*name {
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        // One that stands in the URL itself, not in a file, is of no use to other programs.
        let Some(file) = value.strip_prefix("file: ") else { continue };
        variables.insert(variable, file.to_owned());
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Undoes the escaping of a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |place: usize| after.get(place).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> BTreeMap<String, String> {
        environment(&url.parse().unwrap())
    }

    #[test]
    fn postgres_own_programs_are_told_all_they_need() {
        let told = of("postgres://me:p%40ss%2F%E9%92%9F@db.example.com:6432/belfry?sslmode=require&sslrootcert=/ca.pem");
        let expected = [
            ("PGDATABASE", "belfry"),
            ("PGHOST", "db.example.com"),
            ("PGPASSWORD", "p@ss/钟"),
            ("PGPORT", "6432"),
            ("PGSSLMODE", "require"),
            ("PGSSLROOTCERT", "/ca.pem"),
            ("PGUSER", "me"),
        ];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(of("postgres://a%20b@[::1]/x").get("PGUSER").map(String::as_str), Some("a b"));
        assert_eq!(of("postgres:///x?host=/run/pg&user=u").get("PGHOST").map(String::as_str), Some("/run/pg"));
    }
}
