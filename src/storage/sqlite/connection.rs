//! One connection. Each statement is prepared once and kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::Regex;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, OpenFlags, Statement};

use super::refusal::{is_broken, sqlx_error};
use super::row::{SqliteRow, Value};
use crate::blocking::blocking;
use crate::storage::bound::{Bound, Extent};
use crate::storage::column::FromRow;
use crate::storage::statement_limit::StatementLimit;

/// How long a statement or a transaction waits for the lock of another process.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that a connection keeps prepared.
const PREPARED: usize = 200;
/// A statement that took no longer the last time runs in the thread that asks; others let the tasks of that thread go on elsewhere.
const SHORT: Duration = Duration::from_micros(500);
/// Bound values of so many bytes are a long list, which takes longer than the last one may have.
const MANY_BYTES: usize = 8 * 1024;
/// The statements whose last time is kept.
const TIMED: usize = 1_000;

/// How connections are opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    pub path: PathBuf,
    pub pragmas: Vec<(&'static str, &'static str)>,
    /// How long a statement waits for the lock of another process, in its thread.
    pub busy_timeout: Duration,
    /// Whether statements are those of people: limited in time, and never in the way of other tasks.
    pub for_people: bool,
}

/// A connection to a SQLite file.
#[derive(Debug)]
pub struct SqliteConnection {
    connection: Box<Connection>,
    limit: Option<Arc<StatementLimit>>,
    /// Whether each statement was short the last time, by the hash of its text.
    short: HashMap<u64, bool>,
    hasher: RandomState,
    broken: bool,
}

impl SqliteConnection {
    pub(super) fn open(options: &SqliteOptions) -> sqlx::Result<Self> {
        blocking(|| Self::open_here(options)).map_err(sqlx_error)
    }

    fn open_here(options: &SqliteOptions) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&options.path, flags)?;
        connection.busy_timeout(options.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        for (name, value) in &options.pragmas {
            connection.pragma_update(None, name, value)?;
        }
        let deterministic = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("regexp", 2, deterministic, matches)?;
        let limit = options.for_people.then(Arc::<StatementLimit>::default);
        if let Some(limit) = limit.clone() {
            connection.progress_handler(StatementLimit::CHECK_STEPS, Some(move || limit.is_over()))?;
        }
        Ok(Self { connection: Box::new(connection), limit, short: HashMap::new(), hasher: RandomState::new(), broken: false })
    }

    /// Runs a statement. Returns how many rows it changed.
    pub fn run(&mut self, text: &str, values: &[Bound]) -> sqlx::Result<u64> {
        let ran = self.prepared(text, values, |statement| {
            let mut rows = statement.raw_query();
            while rows.next()?.is_some() {}
            Ok(())
        });
        ran.map(|()| self.connection.changes()).map_err(sqlx_error)
    }

    /// Runs a statement that returns rows.
    pub fn read(&mut self, text: &str, values: &[Bound], extent: Extent) -> sqlx::Result<Vec<SqliteRow>> {
        self.prepared(text, values, |statement| {
            let columns: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
            let (mut rows, mut found) = (statement.raw_query(), Vec::new());
            while let Some(row) = rows.next()? {
                let values = (0..columns.len()).map(|place| row.get::<_, Value>(place)).collect::<rusqlite::Result<_>>()?;
                found.push(SqliteRow::new(columns.clone(), values));
                if extent == Extent::First {
                    break;
                }
            }
            Ok(found)
        })
        .map_err(sqlx_error)
    }

    /// Runs a statement that binds nothing, and returns its only row.
    pub(in crate::storage) fn row<T: FromRow>(&mut self, text: &str) -> sqlx::Result<T> {
        T::from_row(self.read(text, &[], Extent::First)?.first().ok_or(sqlx::Error::RowNotFound)?)
    }

    /// Runs a statement that binds nothing, and returns the integer that is its result.
    pub fn number(&mut self, text: &str) -> sqlx::Result<i64> {
        self.row(text).map(|(number,)| number)
    }

    /// Runs statements that bind nothing, separated by semicolons.
    pub fn run_all(&mut self, texts: &str) -> sqlx::Result<()> {
        self.timed(texts, &[], |connection| connection.execute_batch(texts)).map_err(sqlx_error)
    }

    /// Begins a write transaction.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.prepared("begin immediate", &[], |statement| statement.raw_execute().map(drop))
    }

    /// Commits the transaction. A connection whose commit failed is not used again.
    pub(super) fn commit(&mut self) -> sqlx::Result<()> {
        let committed = self.run("commit", &[]);
        self.broken |= committed.is_err();
        committed.map(drop)
    }

    /// Whether no transaction is open. SQLite rolls back by itself after a full disk or an I/O error.
    pub(super) fn has_no_transaction(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Whether a statement failed so that the connection must not be used again.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Prepares a statement, binds its values, and does `work` with it.
    fn prepared<T>(
        &mut self,
        text: &str,
        values: &[Bound],
        work: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.timed(text, values, |connection| {
            let mut statement = connection.prepare_cached(text)?;
            bind(&mut statement, values)?;
            work(&mut statement)
        })
    }

    fn timed<T>(
        &mut self,
        text: &str,
        values: &[Bound],
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let done = self.paced(text, values, work);
        self.broken |= done.as_ref().is_err_and(is_broken);
        done
    }

    /// Runs `work`, in this thread if it was short the last time.
    fn paced<T>(
        &mut self,
        text: &str,
        values: &[Bound],
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if let Some(limit) = &self.limit {
            limit.begin();
            return blocking(|| work(&self.connection));
        }
        let key = self.hasher.hash_one(text);
        let is_short =
            self.short.get(&key).is_some_and(|short| *short) && values.iter().map(Bound::bytes).sum::<usize>() < MANY_BYTES;
        let started = Instant::now();
        let done = if is_short { work(&self.connection) } else { blocking(|| work(&self.connection)) };
        if self.short.len() >= TIMED {
            self.short.clear();
        }
        self.short.insert(key, started.elapsed() < SHORT);
        done
    }
}

/// Binds the values to the placeholders `$1`, `$2` and so on, which may stand in any order and repeatedly.
fn bind(statement: &mut Statement<'_>, values: &[Bound]) -> rusqlite::Result<()> {
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        match value.ok_or(rusqlite::Error::InvalidParameterCount(place, values.len()))? {
            Bound::Text(text) => statement.raw_bind_parameter(place, text)?,
            Bound::Integer(number) => statement.raw_bind_parameter(place, number)?,
            Bound::Flag(flag) => statement.raw_bind_parameter(place, flag)?,
        }
    }
    Ok(())
}

/// `text regexp pattern`, which SQLite calls as `regexp(pattern, text)`. The pattern is compiled once a statement.
fn matches(context: &Context<'_>) -> rusqlite::Result<bool> {
    let pattern: Arc<Regex> = context
        .get_or_create_aux(0, |value| Regex::new(value.as_str()?).map_err(Box::<dyn std::error::Error + Send + Sync>::from))?;
    Ok(context.get_raw(1).as_str_or_null()?.is_some_and(|text| pattern.is_match(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::column::StoredRow;

    fn open(for_people: bool) -> (tempfile::TempDir, SqliteConnection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let options = SqliteOptions { path, pragmas: vec![("journal_mode", "wal")], busy_timeout: Duration::ZERO, for_people };
        let connection = SqliteConnection::open(&options).unwrap();
        (folder, connection)
    }

    #[test]
    fn placeholders_stand_in_any_order_and_repeatedly() {
        let (_folder, mut connection) = open(false);
        let values = [Bound::from("a"), Bound::from(Some(2)), Bound::from(true), Bound::from(None::<String>)];
        let rows = connection.read("select $2 + $2, $1, $4, $3", &values, Extent::All).unwrap();
        let found: Vec<(i64, String, Option<String>, bool)> = rows.iter().map(|row| FromRow::from_row(row).unwrap()).collect();
        assert_eq!(found, [(4, "a".to_owned(), None, true)]);
        assert!(connection.read("select $2", &values[..1], Extent::All).is_err(), "a value is missing");
    }

    #[test]
    fn run_counts_the_changed_rows() {
        let (_folder, mut connection) = open(false);
        connection.run_all("create table t (a); insert into t values (1); insert into t values (2)").unwrap();
        assert_eq!(connection.run("update t set a = a + 1 where a > $1", &[Bound::from(0)]).unwrap(), 2);
        assert_eq!(connection.run("update t set a = 0 where a > $1 returning a", &[Bound::from(2)]).unwrap(), 1);
        assert_eq!(connection.run("delete from t where a = 9", &[]).unwrap(), 0);
        assert_eq!(connection.read("select a from t order by a", &[], Extent::First).unwrap().len(), 1);
        assert_eq!(connection.number("select count(*) from t").unwrap(), 2);
    }

    #[test]
    fn regular_expressions_match_texts() {
        let (_folder, mut connection) = open(true);
        let matches = |connection: &mut SqliteConnection, text: Option<&str>, pattern: &str| {
            let rows = connection.read("select $1 regexp $2", &[Bound::from(text), Bound::from(pattern)], Extent::All);
            rows.map(|rows| rows[0].value::<bool>(0).unwrap())
        };
        assert!(matches(&mut connection, Some("日报-12"), "报-[0-9]+$").unwrap());
        assert!(!matches(&mut connection, Some("a"), "^b").unwrap());
        assert!(!matches(&mut connection, None, "a").unwrap(), "null");
        assert!(matches(&mut connection, Some("a"), "(").is_err(), "an invalid pattern");
    }

    #[test]
    fn errors_have_the_codes_of_sqlite() {
        let (_folder, mut connection) = open(false);
        connection.run_all("create table t (a unique not null); insert into t values (1)").unwrap();
        let mut refused = |text: &str| match connection.run(text, &[]).unwrap_err() {
            sqlx::Error::Database(refusal) => (refusal.code().unwrap().into_owned(), refusal.is_unique_violation()),
            other => panic!("{other}"),
        };
        assert_eq!(refused("insert into t values (1)"), ("2067".to_owned(), true));
        assert_eq!(refused("insert into t values (null)"), ("1299".to_owned(), false));
        assert_eq!(refused("select from"), ("1".to_owned(), false));
        assert!(!connection.is_broken(), "a refused statement is no fault of the connection");
    }

    #[test]
    fn only_statements_that_were_short_run_at_once() {
        let (_folder, mut connection) = open(false);
        let text = "select 1";
        assert_eq!(connection.short.get(&connection.hasher.hash_one(text)), None);
        connection.read(text, &[], Extent::All).unwrap();
        let long = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) select count(*) from n";
        connection.read(long, &[], Extent::All).unwrap();
        assert!(connection.short.contains_key(&connection.hasher.hash_one(text)));
        assert_eq!(connection.short.get(&connection.hasher.hash_one(long)), Some(&false));
        let (_folder, mut of_people) = open(true);
        of_people.read(text, &[], Extent::All).unwrap();
        assert!(of_people.short.is_empty(), "those of people never do");
    }
}
