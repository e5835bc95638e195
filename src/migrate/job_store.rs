//! Read-only access to the job table of APScheduler 3.x (`SQLAlchemyJobStore`) on SQLite, PostgreSQL or MySQL. Job states are
//! returned as raw bytes.

use std::path::Path;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

/// Most jobs read at once; each may be large.
const MAX_JOBS: usize = 10_000;

/// A job store's database.
#[derive(Debug, Clone, PartialEq, Eq)]
enum JobDatabase {
    Sqlite(String),
    Postgres(String),
    MySql(String),
}

/// A stored job: its id and its pickled state.
pub type StoredJob = (String, Vec<u8>);

/// Returns all jobs ordered by id. `url` is an SQLAlchemy URL; `table` may be qualified with a schema.
///
/// # Errors
/// A message for the user, without the URL's password.
pub async fn jobs(url: &str, table: &str) -> Result<Vec<StoredJob>, String> {
    let is_identifier = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !table.split('.').all(is_identifier) {
        return Err("invalid table name: use letters, digits and '_', after an optional schema and '.'".to_owned());
    }
    let found = match parse_url(url)? {
        JobDatabase::Sqlite(file) => read_sqlite(&file, table).await,
        JobDatabase::Postgres(url) => read_postgres(&url, table).await,
        JobDatabase::MySql(url) => read_mysql(&url, table).await,
    };
    let found = found.map_err(|error| format!("cannot read the job store: {error}"))?;
    if found.len() > MAX_JOBS { Err(format!("the job store has more than {MAX_JOBS} jobs")) } else { Ok(found) }
}

/// Parses `dialect+driver://…`; the driver is a Python package and is ignored.
fn parse_url(url: &str) -> Result<JobDatabase, String> {
    let (scheme, rest) = url.split_once("://").ok_or("not an SQLAlchemy URL; give one such as sqlite:///jobs.sqlite")?;
    match scheme.split('+').next().unwrap_or_default() {
        // Three slashes precede a relative path, four an absolute one.
        "sqlite" => match rest.split('?').next().and_then(|path| path.strip_prefix('/')).filter(|path| !path.is_empty()) {
            Some(path) => Ok(JobDatabase::Sqlite(path.to_owned())),
            None => Err("an in-memory store cannot be read; give sqlite:///path/to/jobs.sqlite".to_owned()),
        },
        "postgresql" | "postgres" => Ok(JobDatabase::Postgres(format!("postgres://{rest}"))),
        // The query string configures the Python driver.
        "mysql" | "mariadb" => Ok(JobDatabase::MySql(format!("mysql://{}", rest.split('?').next().unwrap_or_default()))),
        _ => Err("unknown URL scheme; use sqlite, postgresql, mysql or mariadb".to_owned()),
    }
}

/// Adds the failed operation to an error.
fn failed(operation: &str) -> impl FnOnce(sqlx::Error) -> String {
    move |error| format!("cannot {operation}: {error}")
}

fn statement(table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("select id, job_state from {table} order by id limit {}", MAX_JOBS + 1))
}

async fn read_sqlite(file: &str, table: &str) -> Result<Vec<StoredJob>, String> {
    let options = SqliteConnectOptions::new().filename(Path::new(file)).read_only(true);
    let mut connection = options.connect().await.map_err(failed("open the file"))?;
    sqlx::query_as(statement(table)).fetch_all(&mut connection).await.map_err(failed("read the table"))
}

async fn read_postgres(url: &str, table: &str) -> Result<Vec<StoredJob>, String> {
    let options: PgConnectOptions = url.parse().map_err(failed("read the URL"))?;
    let mut connection = options.connect().await.map_err(failed("connect"))?;
    sqlx::query_as(statement(table)).fetch_all(&mut connection).await.map_err(failed("read the table"))
}

async fn read_mysql(url: &str, table: &str) -> Result<Vec<StoredJob>, String> {
    let options: MySqlConnectOptions = url.parse().map_err(failed("read the URL"))?;
    let mut connection = options.connect().await.map_err(failed("connect"))?;
    sqlx::query_as(statement(table)).fetch_all(&mut connection).await.map_err(failed("read the table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlalchemy_urls_are_parsed() {
        for (url, expected) in [
            ("sqlite:///jobs.sqlite", JobDatabase::Sqlite("jobs.sqlite".into())),
            ("sqlite:////var/jobs.sqlite", JobDatabase::Sqlite("/var/jobs.sqlite".into())),
            ("sqlite+pysqlite:///C:/jobs.sqlite?timeout=5", JobDatabase::Sqlite("C:/jobs.sqlite".into())),
            ("postgresql+psycopg2://a:b@c/d", JobDatabase::Postgres("postgres://a:b@c/d".into())),
            ("mysql+pymysql://a:b@c:3306/d?charset=utf8mb4", JobDatabase::MySql("mysql://a:b@c:3306/d".into())),
        ] {
            assert_eq!(parse_url(url), Ok(expected), "{url}");
        }
        for url in ["sqlite://", "jobs.sqlite", "oracle://a:secret@b/c"] {
            assert!(!parse_url(url).unwrap_err().contains("secret"), "{url}");
        }
    }

    #[tokio::test]
    async fn invalid_table_name_is_refused() {
        assert!(jobs("sqlite:///x", "a; drop table b").await.unwrap_err().contains("invalid table name"));
    }
}
