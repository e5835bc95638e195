//! Read-only access to the job table of APScheduler 3.x (`SQLAlchemyJobStore`) on SQLite, PostgreSQL or MySQL. Job states are
//! returned as raw bytes.

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::table::{MAX_ROWS, TableSource, check_name, sqlite};
use crate::i18n::{Message, message};

/// A stored job: its id and its pickled state.
pub type StoredJob = (String, Vec<u8>);

/// Returns all jobs ordered by id; `table` may be qualified with a schema.
///
/// # Errors
/// A message for the user, without the URL's password.
pub async fn jobs(source: &TableSource, table: &str) -> Result<Vec<StoredJob>, Message> {
    check_name(table)?;
    let sql = AssertSqlSafe(format!("select id, job_state from {table} order by id limit {}", MAX_ROWS + 1));
    let found = match source {
        TableSource::Sqlite(path) => read_sqlite(path, sql).await,
        TableSource::Postgres(url) => read_postgres(url, sql).await,
        TableSource::MySql(url) => read_mysql(url, sql).await,
    };
    let found = found.map_err(|error| super::table::failed(&error))?;
    if found.len() > MAX_ROWS { Err(message!("table.too_many_rows", table, max = MAX_ROWS)) } else { Ok(found) }
}

async fn read_sqlite(path: &str, sql: AssertSqlSafe<String>) -> sqlx::Result<Vec<StoredJob>> {
    sqlx::query_as(sql).fetch_all(&mut sqlite(path).connect().await?).await
}

async fn read_postgres(url: &str, sql: AssertSqlSafe<String>) -> sqlx::Result<Vec<StoredJob>> {
    sqlx::query_as(sql).fetch_all(&mut url.parse::<PgConnectOptions>()?.connect().await?).await
}

async fn read_mysql(url: &str, sql: AssertSqlSafe<String>) -> sqlx::Result<Vec<StoredJob>> {
    sqlx::query_as(sql).fetch_all(&mut url.parse::<MySqlConnectOptions>()?.connect().await?).await
}
