//! MySQL and MariaDB sessions.

use futures_util::stream::BoxStream;
use sqlx::mysql::types::MySqlTime;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlQueryResult, MySqlRow, MySqlSslMode};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Either, Executor, MySql as Driver, Row, SqlSafeStr, Statement as _, TypeInfo,
    ValueRef,
};

use super::cell::Cell;
use super::error::SqlError;
use super::meter::Meter;
use super::relay::Relay;
use super::row_stream::{columns, forward_rows};
use super::session::{Event, RowSender, Step, Stopper, sqlx_session};
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::domain::profile::datasource::Tls;

/// A connection to MySQL or MariaDB.
pub struct MySql {
    connection: MySqlConnection,
    options: MySqlConnectOptions,
    id: u64,
    read_only: bool,
    meter: Meter,
}

impl MySql {
    pub async fn connect(target: &Target) -> Result<MySql, SqlError> {
        let options = options(target);
        let meter = Meter::default();
        let relay = Relay::open(target, "mysql.sock", &meter).await?;
        let direct = options.clone();
        let mut connection = relay.iter().fold(direct, |options, relay| options.socket(relay.socket())).connect().await?;
        let id: u64 = sqlx::query_scalar("select cast(connection_id() as unsigned)").fetch_one(&mut connection).await?;
        if target.read_only {
            connection.execute("set session transaction read only").await?;
        }
        Ok(MySql { connection, options, id, read_only: target.read_only, meter })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &RowSender) -> Result<u64, SqlError> {
        let (text, given) = statement.bind(values, Placeholder::Question)?;
        let query_text = text.clone();
        let results: BoxStream<'_, Result<Either<MySqlQueryResult, MySqlRow>, sqlx::Error>> = if given.is_empty() {
            sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut self.connection)
        } else {
            // The text protocol has no parameters; the binary protocol does not support statements that change the session.
            let query = given.into_iter().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind);
            self.connection.fetch_many(query)
        };
        let (changed, has_rows) = forward_rows(results, out, &self.meter, MySqlQueryResult::rows_affected, cell).await?;
        if !has_rows && statement.returns_rows() {
            let prepared = self.connection.prepare(AssertSqlSafe(query_text).into_sql_str()).await?;
            out.send(Event::Columns(columns(prepared.columns()))).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }
}

/// Connection options. The server's time zone and SQL modes are kept, because the user's SQL may depend on them.
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

sqlx_session!(MySql);

impl MySql {
    fn step_text(&self, step: Step) -> &'static str {
        match step {
            Step::Begin { .. } if self.read_only => "start transaction read only",
            Step::Begin { .. } => "start transaction",
            Step::Commit => "commit",
            Step::Rollback => "rollback",
        }
    }

    fn new_stopper(&self) -> Stopper {
        Stopper::MySql(Box::new(self.options.clone()), self.id)
    }
}

fn bind(query: Query<'_, Driver, MySqlArguments>, cell: Cell) -> Query<'_, Driver, MySqlArguments> {
    match cell {
        Cell::Null => query.bind(None::<String>),
        Cell::Bool(value) => query.bind(value),
        Cell::Integer(integer) => query.bind(integer),
        Cell::Float(float) => query.bind(float),
        Cell::Bytes(bytes) => query.bind(bytes),
        // MySQL has no offsets, so the timestamp is written in UTC.
        Cell::TimestampTz(at) => query.bind(at.naive_utc()),
        Cell::Timestamp(at) => query.bind(at),
        Cell::Date(date) => query.bind(date),
        Cell::Decimal(text) | Cell::Text(text) => query.bind(text),
        Cell::Json(value) => query.bind(value.to_string()),
    }
}

/// Reads a value. An invalid date (`0000-00-00`) becomes NULL.
fn cell(row: &MySqlRow, index: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BOOLEAN" => Cell::Bool(row.try_get_unchecked::<i64, _>(index)? != 0),
        "BIT" => integer(row.try_get_unchecked(index)?),
        unsigned if unsigned.ends_with("UNSIGNED") => integer(row.try_get_unchecked(index)?),
        "YEAR" => integer(row.try_get_unchecked(index)?),
        int if int.ends_with("INT") => Cell::Integer(row.try_get_unchecked(index)?),
        "FLOAT" => Cell::Float(f64::from(row.try_get_unchecked::<f32, _>(index)?)),
        "DOUBLE" => Cell::Float(row.try_get_unchecked(index)?),
        "DECIMAL" => Cell::Decimal(row.try_get_unchecked::<String, _>(index)?),
        "DATETIME" | "TIMESTAMP" => row.try_get_unchecked(index).map_or(Cell::Null, Cell::Timestamp),
        "DATE" => row.try_get_unchecked(index).map_or(Cell::Null, Cell::Date),
        "TIME" => Cell::Text(row.try_get_unchecked::<MySqlTime, _>(index)?.to_string()),
        "JSON" => json(row.try_get_unchecked(index)?),
        binary if binary.ends_with("BLOB") || binary.ends_with("BINARY") || binary == "GEOMETRY" => {
            Cell::Bytes(row.try_get_unchecked(index)?)
        }
        _ => Cell::Text(row.try_get_unchecked(index)?),
    })
}

fn integer(number: u64) -> Cell {
    i64::try_from(number).map_or_else(|_| Cell::Decimal(number.to_string()), Cell::Integer)
}

fn json(text: String) -> Cell {
    serde_json::from_str(&text).map_or(Cell::Text(text), Cell::Json)
}
