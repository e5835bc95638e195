//! The table in which APScheduler 3.x keeps its jobs (its SQLAlchemy store), on SQLite, PostgreSQL or MySQL. It is read and never
//! written; what a job holds is handed on as bytes.

use std::path::Path;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::{Error, Result};

/// Jobs read at most; each may be large.
const MOST_JOBS: usize = 10_000;

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Sqlite(String),
    Postgres(String),
    MySql(String),
}

/// A job as it is stored: its id, and the pickle of its state.
pub type StoredJob = (String, Vec<u8>);

/// All jobs of a store, by id. `url` is SQLAlchemy's; `table` may have a schema before a point.
///
/// # Errors
/// A message for people, without the URL's password.
pub async fn jobs(url: &str, table: &str) -> std::result::Result<Vec<StoredJob>, String> {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !table.split('.').all(plain) {
        return Err("the table's name has other than letters, digits and '_'".to_owned());
    }
    let found = match place(url)? {
        Place::Sqlite(file) => of_sqlite(&file, table).await,
        Place::Postgres(url) => of_postgres(&url, table).await,
        Place::MySql(url) => of_mysql(&url, table).await,
    };
    let found = found.map_err(|error| format!("the job store cannot be read: {error}"))?;
    if found.len() > MOST_JOBS { Err(format!("the store has more than {MOST_JOBS} jobs")) } else { Ok(found) }
}

/// `dialect+driver://…`, where the driver is Python's and means nothing here.
fn place(url: &str) -> std::result::Result<Place, String> {
    let (scheme, rest) = url.split_once("://").ok_or("the URL is not one of SQLAlchemy's, such as sqlite:///jobs.sqlite")?;
    match scheme.split('+').next().unwrap_or_default() {
        // Three slashes and a relative path, or four and one from the root.
        "sqlite" => match rest.split('?').next().and_then(|path| path.strip_prefix('/')).filter(|path| !path.is_empty()) {
            Some(path) => Ok(Place::Sqlite(path.to_owned())),
            None => Err("a store in memory cannot be read; give sqlite:///path/to/jobs.sqlite".to_owned()),
        },
        "postgresql" | "postgres" => Ok(Place::Postgres(format!("postgres://{rest}"))),
        // What follows the question mark is for Python's driver.
        "mysql" | "mariadb" => Ok(Place::MySql(format!("mysql://{}", rest.split('?').next().unwrap_or_default()))),
        _ => Err("the URL begins with none of sqlite, postgresql, mysql and mariadb".to_owned()),
    }
}

fn statement(table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("select id, job_state from {table} order by id limit {}", MOST_JOBS + 1))
}

async fn of_sqlite(file: &str, table: &str) -> Result<Vec<StoredJob>> {
    let options = SqliteConnectOptions::new().filename(Path::new(file)).read_only(true);
    let mut connection = options.connect().await.map_err(Error::on("open the file"))?;
    sqlx::query_as(statement(table)).fetch_all(&mut connection).await.map_err(Error::on("read the table"))
}

async fn of_postgres(url: &str, table: &str) -> Result<Vec<StoredJob>> {
    let options: PgConnectOptions = url.parse().map_err(Error::on("read the URL"))?;
    let mut connection = options.connect().await.map_err(Error::on("connect"))?;
    sqlx::query_as(statement(table)).fetch_all(&mut connection).await.map_err(Error::on("read the table"))
}

async fn of_mysql(url: &str, table: &str) -> Result<Vec<StoredJob>> {
    let options: MySqlConnectOptions = url.parse().map_err(Error::on("read the URL"))?;
    let mut connection = options.connect().await.map_err(Error::on("connect"))?;
    sqlx::query_as(statement(table)).fetch_all(&mut connection).await.map_err(Error::on("read the table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_sqlalchemy_are_read() {
        for (url, expected) in [
            ("sqlite:///jobs.sqlite", Place::Sqlite("jobs.sqlite".into())),
            ("sqlite:////var/jobs.sqlite", Place::Sqlite("/var/jobs.sqlite".into())),
            ("sqlite+pysqlite:///C:/jobs.sqlite?timeout=5", Place::Sqlite("C:/jobs.sqlite".into())),
            ("postgresql+psycopg2://a:b@c/d", Place::Postgres("postgres://a:b@c/d".into())),
            ("mysql+pymysql://a:b@c:3306/d?charset=utf8mb4", Place::MySql("mysql://a:b@c:3306/d".into())),
        ] {
            assert_eq!(place(url), Ok(expected), "{url}");
        }
        for url in ["sqlite://", "jobs.sqlite", "oracle://a:secret@b/c"] {
            assert!(!place(url).unwrap_err().contains("secret"), "{url}");
        }
    }

    #[tokio::test]
    async fn a_table_is_a_name() {
        assert!(jobs("sqlite:///x", "a; drop table b").await.unwrap_err().contains("letters, digits"));
    }
}
