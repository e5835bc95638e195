//! MySQL and MariaDB sessions.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlQueryResult, MySqlRow, MySqlSslMode};
use sqlx::query::Query;
use sqlx::types::BigDecimal;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor, MySql as Driver, SqlSafeStr, Statement as _};

use super::cell::Cell;
use super::error::SqlError;
use super::meter::Meter;
use super::relay::{self, Endpoint};
use super::row_stream::forward_rows;
use super::session::{Column, Event, RowSender, Step, Stopper, sqlx_session};
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::domain::profile::datasource::Tls;

mod value;

/// The characters of the longest decimal number: 65 digits, a sign and a point, with room for an exponent.
const DECIMAL_MAX: usize = 80;

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
        let endpoint = relay::open(target, "mysql.sock", &meter).await?;
        let mut connection = through(endpoint.as_ref(), options.clone()).connect().await?;
        let id: u64 = sqlx::query_scalar("select cast(connection_id() as unsigned)").fetch_one(&mut connection).await?;
        if target.read_only {
            connection.execute("set session transaction read only").await?;
        }
        Ok(MySql { connection, options, id, read_only: target.read_only, meter })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &RowSender) -> Result<u64, SqlError> {
        let (text, given) = statement.bind(values, Placeholder::Question)?;
        let query_text = text.clone();
        // A statement that cannot be prepared runs in the text protocol; that of an error fails again there.
        let described = match given.is_empty() && statement.returns_rows() {
            true => self.describe(&text).await.ok(),
            false => None,
        };
        let results: Results<'_> = if given.is_empty() && !has_float(described.as_deref()) {
            sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(&mut self.connection)
        } else {
            // The text protocol has no parameters; the binary protocol does not support statements that change the session.
            let query = given.into_iter().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind);
            self.connection.fetch_many(query)
        };
        let changed_by = MySqlQueryResult::rows_affected;
        let (changed, has_rows) = forward_rows(results, out, &self.meter, changed_by, value::columns, value::cell).await?;
        if !has_rows && statement.returns_rows() {
            let columns = match described {
                Some(columns) => columns,
                None => self.describe(&query_text).await?,
            };
            out.send(Event::Columns(columns)).await?;
        }
        Ok(if statement.changes_rows() { changed } else { 0 })
    }

    /// The columns that a statement returns.
    async fn describe(&mut self, text: &str) -> Result<Arc<[Column]>, SqlError> {
        let prepared = self.connection.prepare(AssertSqlSafe(text.to_owned()).into_sql_str()).await?;
        Ok(value::columns(prepared.columns()))
    }
}

type Results<'c> = BoxStream<'c, Result<Either<MySqlQueryResult, MySqlRow>, sqlx::Error>>;

/// Whether a column is a FLOAT, of which the text protocol gives six digits only.
fn has_float(columns: Option<&[Column]>) -> bool {
    columns.is_some_and(|columns| columns.iter().any(|column| column.kind == "float"))
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

/// Options that lead through a relay.
fn through(endpoint: Option<&Endpoint>, options: MySqlConnectOptions) -> MySqlConnectOptions {
    match endpoint {
        None => options,
        #[cfg(unix)]
        Some(Endpoint::Socket { folder, name }) => options.socket(folder.path().join(name)),
        #[cfg(any(not(unix), test))]
        Some(Endpoint::Port(port)) => options.host("127.0.0.1").port(*port),
    }
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
        // MySQL compares a text with a number as floating-point numbers.
        Cell::Decimal(text) => match decimal(&text) {
            Some(number) => query.bind(number),
            None => query.bind(text),
        },
        Cell::Text(text) | Cell::Json(text) => query.bind(text),
    }
}

/// The number of a text that MySQL's type can hold as it is written; reading a longer one takes time that grows with its square.
fn decimal(text: &str) -> Option<BigDecimal> {
    let number: BigDecimal = Some(text).filter(|text| text.len() <= DECIMAL_MAX)?.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_numbers_as_long_as_the_database_can_hold_them() {
        assert_eq!(decimal("-1.10").unwrap().to_string(), "-1.10");
        assert!(decimal(&"9".repeat(65)).is_some());
        for text in ["1e400", "x", "", "9".repeat(81).as_str(), "9".repeat(2_000_000).as_str()] {
            assert!(decimal(text).is_none(), "{} characters", text.len());
        }
    }
}
