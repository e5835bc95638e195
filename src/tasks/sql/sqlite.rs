//! SQLite: a file on this machine.

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

use super::answers::{columns, hand_on};
use super::cell::Cell;
use super::error::SqlError;
use super::session::{Event, Out, Session, Step, Stopper};
use super::source::Target;
use super::statement::{Placeholder, Statement, Values};

/// How long a lock of another program is waited for.
const BUSY: Duration = Duration::from_secs(10);
/// After so many steps of its machine SQLite looks whether it should stop.
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
        let asked = Arc::clone(&stop);
        connection.lock_handle().await?.set_progress_handler(STEPS, move || !asked.load(Ordering::Relaxed));
        Ok(Sqlite { connection, stop, read_only })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &Out) -> Result<u64, SqlError> {
        let (text, given) = statement.bind(values, Placeholder::Numbered)?;
        let asked = text.clone();
        if let Values::List(_) = values {
            self.check_count(&asked, given.len()).await?;
        }
        let query = given.into_iter().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind);
        let answers = self.connection.fetch_many(query);
        let (changed, seen) = hand_on(answers, out, SqliteQueryResult::rows_affected, cell).await?;
        if !seen && statement.answers_rows() {
            let asked = self.connection.prepare(AssertSqlSafe(asked).into_sql_str()).await?;
            out.send(Event::Columns(columns(asked.columns()))).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }
}

impl Sqlite {
    /// SQLite takes NULL for a value that is missing, in silence.
    async fn check_count(&mut self, text: &str, given: usize) -> Result<(), SqlError> {
        let prepared = self.connection.prepare(AssertSqlSafe(text.to_owned()).into_sql_str()).await?;
        match prepared.parameters() {
            Some(Either::Right(wanted)) if wanted != given => {
                Err(SqlError::fail(format!("the statement has {wanted} parameters, and {given} values were given")))
            }
            _ => Ok(()),
        }
    }
}

impl Session for Sqlite {
    fn run<'a>(&'a mut self, statement: &'a Statement, values: &'a Values, out: Out) -> BoxFuture<'a, Result<u64, SqlError>> {
        Box::pin(async move { self.run_all(statement, values, &out).await })
    }

    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>> {
        let text = match step {
            // A transaction that begins by reading may find, when it comes to write, that another was faster.
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
            let _gone_anyway = self.connection.close().await;
        })
    }
}

fn bind(query: Query<'_, Driver, SqliteArguments>, cell: Cell) -> Query<'_, Driver, SqliteArguments> {
    match cell {
        Cell::Null => query.bind(None::<String>),
        Cell::Bool(value) => query.bind(value),
        Cell::Integer(whole) => query.bind(whole),
        Cell::Float(float) => query.bind(float),
        Cell::Bytes(bytes) => query.bind(bytes),
        other => query.bind(other.text()),
    }
}

/// A value by what it is, not by what its column was declared to hold; but 0 and 1 in a BOOLEAN column are false and true.
fn cell(row: &SqliteRow, place: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let declared = row.columns()[place].type_info().name().to_owned();
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => match row.try_get_unchecked(place)? {
            whole @ (0 | 1) if declared == "BOOLEAN" => Cell::Bool(whole == 1),
            whole => Cell::Integer(whole),
        },
        "REAL" => Cell::Float(row.try_get_unchecked(place)?),
        "BLOB" => Cell::Bytes(row.try_get_unchecked(place)?),
        "BOOLEAN" => Cell::Bool(row.try_get_unchecked::<i64, _>(place)? != 0),
        _ => Cell::Text(row.try_get_unchecked(place)?),
    })
}
