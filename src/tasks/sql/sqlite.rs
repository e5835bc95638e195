//! SQLite sessions.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{LockedSqliteHandle, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions, Connection, Either, Executor, Row, SqlSafeStr, Sqlite as Driver, Statement as _,
    TypeInfo, ValueRef,
};

use super::cell::Cell;
use super::error::SqlError;
use super::meter::{CELL_MAX, Meter, ROW_MAX};
use super::row_stream::{columns, forward_rows};
use super::session::{Event, RowSender, Step, Stopper, sqlx_session};
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::i18n::message;
use crate::long_path::without_limit;

/// Time to wait for a lock held by another program.
const BUSY: Duration = Duration::from_secs(10);
/// Virtual machine instructions between two checks of the stop flag.
const STEPS: i32 = 1000;
/// The smallest limit of a cell, in bytes. A row is computed as a whole, so its columns share the limit of a row.
const CELL_MIN: usize = 16 << 10;
/// The most memory of all SQLite connections in this process, in bytes. The caches of Belfry's own need about half of it at most. The limit of
/// a cell does not bound a statement: a function can have a hundred arguments of that size.
const MEMORY_MAX: i64 = 448 << 20;

/// A connection to a SQLite file.
pub struct Sqlite {
    connection: SqliteConnection,
    stop: Arc<AtomicBool>,
    read_only: bool,
}

impl Sqlite {
    pub async fn connect(target: &Target) -> Result<Sqlite, SqlError> {
        limit_memory();
        let mode = target.address.option("mode").unwrap_or("rw");
        let read_only = target.read_only || mode == "ro";
        let options = SqliteConnectOptions::new()
            .filename(without_limit(Path::new(&target.address.database)))
            .create_if_missing(mode == "rwc" && !read_only)
            .read_only(read_only)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        let stop = Arc::new(AtomicBool::new(false));
        let stop_requested = Arc::clone(&stop);
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(STEPS, move || !stop_requested.load(Ordering::Relaxed));
        drop(handle);
        Ok(Sqlite { connection, stop, read_only })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &RowSender) -> Result<u64, SqlError> {
        refuse_other_files(statement)?;
        let (text, given) = statement.bind(values, Placeholder::Numbered)?;
        let query_text = text.clone();
        let prepared = self.connection.prepare(AssertSqlSafe(query_text.clone()).into_sql_str()).await?;
        if let Values::List(_) = values {
            check_count(&prepared, given.len())?;
        }
        limit_values(&mut self.connection.lock_handle().await?, prepared.columns().len());
        let query = given.into_iter().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind);
        let results = self.connection.fetch_many(query);
        let changed_by = SqliteQueryResult::rows_affected;
        let (changed, has_rows) = forward_rows(results, out, &Meter::default(), changed_by, columns, cell).await?;
        if !has_rows && statement.returns_rows() {
            out.send(Event::Columns(columns(prepared.columns()))).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }
}

/// Limits the memory of SQLite: a statement that needs more fails, whatever it consists of.
#[expect(unsafe_code, reason = "sqlx has no option for it; the call takes a number only")]
fn limit_memory() {
    static LIMITED: Once = Once::new();
    LIMITED.call_once(|| {
        // SAFETY: the call takes a number and may be made at any time.
        let _before = unsafe { libsqlite3_sys::sqlite3_hard_heap_limit64(MEMORY_MAX) };
    });
}

/// Limits the size of values and rows, which SQLite would otherwise build in memory up to a gigabyte.
#[expect(unsafe_code, reason = "sqlx has no option for it; the handle is valid and locked")]
fn limit_values(handle: &mut LockedSqliteHandle<'_>, columns: usize) {
    let limit = (ROW_MAX as usize / columns.max(1)).clamp(CELL_MIN, CELL_MAX);
    // SAFETY: the handle is a valid connection, which the lock keeps from being used elsewhere.
    unsafe {
        libsqlite3_sys::sqlite3_limit(handle.as_raw_handle().as_ptr(), libsqlite3_sys::SQLITE_LIMIT_LENGTH, limit as i32);
    }
}

/// Checks the number of values, because SQLite silently uses NULL for a missing one.
fn check_count(prepared: &impl sqlx::Statement, given: usize) -> Result<(), SqlError> {
    match prepared.parameters() {
        Some(Either::Right(wanted)) if wanted != given => Err(SqlError::fail(message!("sql.value_count", wanted, given))),
        _ => Ok(()),
    }
}

sqlx_session!(Sqlite);

impl Sqlite {
    fn step_text(&self, step: Step) -> &'static str {
        match step {
            // A transaction that begins with a read may fail with "busy" when it writes later.
            Step::Begin { writes: true } if !self.read_only => "begin immediate",
            Step::Begin { .. } => "begin",
            Step::Commit => "commit",
            Step::Rollback => "rollback",
        }
    }

    fn new_stopper(&self) -> Stopper {
        Stopper::Flag(Arc::clone(&self.stop))
    }
}

/// Refuses statements that open or write another file than the datasource's: it could be Belfry's own database.
fn refuse_other_files(statement: &Statement) -> Result<(), SqlError> {
    match statement.verb() {
        verb @ ("attach" | "detach") => Err(SqlError::fail(message!("sql.other_file", verb))),
        "vacuum" if statement.has_word("into") => Err(SqlError::fail(message!("sql.other_file", verb = "vacuum into"))),
        _ => Ok(()),
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
