//! MySQL and MariaDB.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::mysql::types::MySqlTime;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlQueryResult, MySqlRow, MySqlSslMode};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Either, Executor, MySql as Driver, Row, SqlSafeStr, Statement as _, TypeInfo,
    ValueRef,
};

use super::answers::{columns, hand_on};
use super::cell::Cell;
use super::error::SqlError;
use super::session::{Event, Out, Session, Step, Stopper};
use super::source::Target;
use super::statement::{Placeholder, Statement, Values};
use crate::domain::profile::datasource::Tls;

/// A connection to MySQL or MariaDB.
pub struct MySql {
    connection: MySqlConnection,
    options: MySqlConnectOptions,
    id: u64,
    read_only: bool,
}

impl MySql {
    pub async fn connect(target: &Target) -> Result<MySql, SqlError> {
        let options = options(target);
        let mut connection = options.connect().await?;
        let id: u64 = sqlx::query_scalar("select cast(connection_id() as unsigned)").fetch_one(&mut connection).await?;
        if target.read_only {
            connection.execute("set session transaction read only").await?;
        }
        Ok(MySql { connection, options, id, read_only: target.read_only })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &Out) -> Result<u64, SqlError> {
        let (text, given) = statement.bind(values, Placeholder::Question)?;
        let asked = text.clone();
        let answers: BoxStream<'_, Result<Either<MySqlQueryResult, MySqlRow>, sqlx::Error>> = if given.is_empty() {
            sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut self.connection)
        } else {
            // The text protocol takes no parameters; this one takes no statements that change the session.
            let query = given.into_iter().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind);
            self.connection.fetch_many(query)
        };
        let (changed, seen) = hand_on(answers, out, MySqlQueryResult::rows_affected, cell).await?;
        if !seen && statement.answers_rows() {
            let asked = self.connection.prepare(AssertSqlSafe(asked).into_sql_str()).await?;
            out.send(Event::Columns(columns(asked.columns()))).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }
}

/// The server's own zone and modes are left as they are: people's SQL counts on them.
fn options(target: &Target) -> MySqlConnectOptions {
    let address = &target.address;
    let mut options = MySqlConnectOptions::new()
        .host(&address.host)
        .port(address.port)
        .charset(address.option("charset").unwrap_or("utf8mb4"))
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .ssl_mode(match target.tls {
            Tls::Off => MySqlSslMode::Disabled,
            Tls::Prefer => MySqlSslMode::Preferred,
            Tls::Require => MySqlSslMode::Required,
            Tls::Verify => MySqlSslMode::VerifyIdentity,
        });
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password.reveal());
    }
    if !address.database.is_empty() {
        options = options.database(&address.database);
    }
    if let Some(file) = &target.tls_ca {
        options = options.ssl_ca(file);
    }
    options.disable_statement_logging()
}

impl Session for MySql {
    fn run<'a>(&'a mut self, statement: &'a Statement, values: &'a Values, out: Out) -> BoxFuture<'a, Result<u64, SqlError>> {
        Box::pin(async move { self.run_all(statement, values, &out).await })
    }

    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>> {
        let text = match step {
            Step::Begin { .. } if self.read_only => "start transaction read only",
            Step::Begin { .. } => "start transaction",
            Step::Commit => "commit",
            Step::Rollback => "rollback",
        };
        Box::pin(async move {
            sqlx::raw_sql(text).execute(&mut self.connection).await?;
            Ok(())
        })
    }

    fn stopper(&self) -> Stopper {
        Stopper::MySql(Box::new(self.options.clone()), self.id)
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _gone_anyway = self.connection.close().await;
        })
    }
}

fn bind(query: Query<'_, Driver, MySqlArguments>, cell: Cell) -> Query<'_, Driver, MySqlArguments> {
    match cell {
        Cell::Null => query.bind(None::<String>),
        Cell::Bool(value) => query.bind(value),
        Cell::Integer(whole) => query.bind(whole),
        Cell::Float(float) => query.bind(float),
        Cell::Bytes(bytes) => query.bind(bytes),
        // MySQL knows no offsets: the same moment, by the clock of UTC.
        Cell::Instant(at) => query.bind(at.naive_utc()),
        Cell::Local(at) => query.bind(at),
        Cell::Date(date) => query.bind(date),
        Cell::Decimal(text) | Cell::Text(text) => query.bind(text),
        Cell::Json(value) => query.bind(value.to_string()),
    }
}

/// A value. A date that is none (`0000-00-00`) is NULL, as most programs see it.
fn cell(row: &MySqlRow, place: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BOOLEAN" => Cell::Bool(row.try_get_unchecked::<i64, _>(place)? != 0),
        "BIT" => whole(row.try_get_unchecked(place)?),
        unsigned if unsigned.ends_with("UNSIGNED") => whole(row.try_get_unchecked(place)?),
        "YEAR" => whole(row.try_get_unchecked(place)?),
        int if int.ends_with("INT") => Cell::Integer(row.try_get_unchecked(place)?),
        "FLOAT" => Cell::Float(f64::from(row.try_get_unchecked::<f32, _>(place)?)),
        "DOUBLE" => Cell::Float(row.try_get_unchecked(place)?),
        "DECIMAL" => Cell::Decimal(row.try_get_unchecked::<String, _>(place)?),
        "DATETIME" | "TIMESTAMP" => row.try_get_unchecked(place).map_or(Cell::Null, Cell::Local),
        "DATE" => row.try_get_unchecked(place).map_or(Cell::Null, Cell::Date),
        "TIME" => Cell::Text(row.try_get_unchecked::<MySqlTime, _>(place)?.to_string()),
        "JSON" => json(row.try_get_unchecked(place)?),
        binary if binary.ends_with("BLOB") || binary.ends_with("BINARY") || binary == "GEOMETRY" => {
            Cell::Bytes(row.try_get_unchecked(place)?)
        }
        _ => Cell::Text(row.try_get_unchecked(place)?),
    })
}

fn whole(number: u64) -> Cell {
    i64::try_from(number).map_or_else(|_| Cell::Decimal(number.to_string()), Cell::Integer)
}

fn json(text: String) -> Cell {
    serde_json::from_str(&text).map_or(Cell::Text(text), Cell::Json)
}
