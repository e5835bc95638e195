//! SQLite sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Either, Executor, Row, SqlSafeStr, Sqlite as Driver, Statement as _,
    TypeInfo, ValueRef,
};

use super::cell::Cell;
use super::error::SqlError;
use super::row_stream::{columns, forward_rows};
use super::session::{Event, RowSender, Session, Step, Stopper};
use super::source::Target;
use super::statement::{Placeholder, Statement, Values};

/// Time to wait for a lock held by another program.
const BUSY: Duration = Duration::from_secs(10);
/// Virtual machine instructions between two checks of the stop flag.
const STEPS: i32 = 1000;

/// A connection to a SQLite file.
pub struct Sqlite {
    connection: SqliteConnection,
    stop: Arc<AtomicBool>,
    read_only: bool,
}

impl Sqlite {
    pub async fn connect(target: &Target) -> Result<Sqlite, SqlError> {
        let mode = target.address.option("mode").unwrap_or("rw");
        let read_only = target.read_only || mode == "ro";
        let options = SqliteConnectOptions::new()
            .filename(&target.address.database)
            .create_if_missing(mode == "rwc" && !read_only)
            .read_only(read_only)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        let stop = Arc::new(AtomicBool::new(false));
        let stop_requested = Arc::clone(&stop);
        connection.lock_handle().await?.set_progress_handler(STEPS, move || !stop_requested.load(Ordering::Relaxed));
        Ok(Sqlite { connection, stop, read_only })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &RowSender) -> Result<u64, SqlError> {
        let (text, given) = statement.bind(values, Placeholder::Numbered)?;
        let query_text = text.clone();
        if let Values::List(_) = values {
            self.check_count(&query_text, given.len()).await?;
        }
        let query = given.into_iter().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind);
        let results = self.connection.fetch_many(query);
        let (changed, has_rows) = forward_rows(results, out, SqliteQueryResult::rows_affected, cell).await?;
        if !has_rows && statement.returns_rows() {
            let prepared = self.connection.prepare(AssertSqlSafe(query_text).into_sql_str()).await?;
            out.send(Event::Columns(columns(prepared.columns()))).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }
}

impl Sqlite {
    /// Checks the number of values, because SQLite silently uses NULL for a missing one.
    async fn check_count(&mut self, text: &str, given: usize) -> Result<(), SqlError> {
        let prepared = self.connection.prepare(AssertSqlSafe(text.to_owned()).into_sql_str()).await?;
        match prepared.parameters() {
            Some(Either::Right(wanted)) if wanted != given => {
                Err(SqlError::fail(format!("the statement has {wanted} parameters, but {given} values were given")))
            }
            _ => Ok(()),
        }
    }
}

impl Session for Sqlite {
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: &'a Values,
        out: RowSender,
    ) -> BoxFuture<'a, Result<u64, SqlError>> {
        Box::pin(async move { self.run_all(statement, values, &out).await })
    }

    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>> {
        let text = match step {
            // A transaction that begins with a read may fail with "busy" when it writes later.
            Step::Begin { writes: true } if !self.read_only => "begin immediate",
            Step::Begin { .. } => "begin",
            Step::Commit => "commit",
            Step::Rollback => "rollback",
        };
        Box::pin(async move {
            sqlx::raw_sql(text).execute(&mut self.connection).await?;
            Ok(())
        })
    }

    fn stopper(&self) -> Stopper {
        Stopper::Flag(Arc::clone(&self.stop))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _ = self.connection.close().await; // the connection is dropped in any case
        })
    }
}

fn bind(query: Query<'_, Driver, SqliteArguments>, cell: Cell) -> Query<'_, Driver, SqliteArguments> {
    match cell {
        Cell::Null => query.bind(None::<String>),
        Cell::Bool(value) => query.bind(value),
        Cell::Integer(integer) => query.bind(integer),
        Cell::Float(float) => query.bind(float),
        Cell::Bytes(bytes) => query.bind(bytes),
        other => query.bind(other.text()),
    }
}

/// Reads a value by its storage class, not by its column's declared type; but 0 and 1 in a BOOLEAN column are false and true.
fn cell(row: &SqliteRow, index: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let declared = row.columns()[index].type_info().name().to_owned();
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => match row.try_get_unchecked(index)? {
            integer @ (0 | 1) if declared == "BOOLEAN" => Cell::Bool(integer == 1),
            integer => Cell::Integer(integer),
        },
        "REAL" => Cell::Float(row.try_get_unchecked(index)?),
        "BLOB" => Cell::Bytes(row.try_get_unchecked(index)?),
        "BOOLEAN" => Cell::Bool(row.try_get_unchecked::<i64, _>(index)? != 0),
        _ => Cell::Text(row.try_get_unchecked(index)?),
    })
}
