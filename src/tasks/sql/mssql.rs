//! SQL Server sessions. A text is sent as one batch, because variables are local to a batch.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use tiberius::numeric::Numeric;
use tiberius::{AuthMethod, Client, ColumnData, Config, EncryptionLevel, FromSql, QueryItem, Row, ToSql};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use super::cell::{Cell, shortest};
use super::error::{SqlError, reason};
use super::meter::{Meter, MeteredStream};
use super::session::{Column, Event, RowSender, Session, Step, Stopper};
use super::split::split;
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::domain::profile::datasource::{Engine, Tls};
use crate::i18n::{Message, message};

/// A connection to SQL Server.
pub struct SqlServer {
    client: Client<Compat<MeteredStream<TcpStream>>>,
    meter: Meter,
}

impl SqlServer {
    pub async fn connect(target: &Target) -> Result<SqlServer, SqlError> {
        let config = config(target);
        let stream = TcpStream::connect(config.get_addr()).await;
        let stream = stream.map_err(|error| SqlError::retry(message!("sql.connection_failed", error = reason(&error))))?;
        let _ = stream.set_nodelay(true); // only an optimisation
        let meter = Meter::default();
        let stream = MeteredStream { stream, meter: meter.clone() };
        let mut client = Client::connect(config, stream.compat_write()).await?;
        // A statement that fails inside a transaction must roll back all of it.
        client.simple_query("set xact_abort on").await?.into_results().await?;
        Ok(SqlServer { client, meter })
    }

    async fn run_all(&mut self, statement: &Statement, values: &Values, out: &RowSender) -> Result<u64, SqlError> {
        let (text, cells) = statement.bind(values, Placeholder::AtP)?;
        let params: Vec<Param> = cells.into_iter().map(Param).collect();
        let params: Vec<&dyn ToSql> = params.iter().map(|param| param as &dyn ToSql).collect();
        self.meter.reset();
        if !expects_rows(statement) {
            let outcome = self.client.execute(text, &params).await?;
            return Ok(outcome.rows_affected().iter().sum());
        }
        let mut stream = match params.is_empty() {
            true => self.client.simple_query(text).await?,
            false => self.client.query(text, &params).await?,
        };
        while let Some(item) = stream.try_next().await.map_err(|error| self.meter.explain(error.into()))? {
            self.meter.reset();
            match item {
                QueryItem::Metadata(meta) if meta.columns().is_empty() => {}
                QueryItem::Metadata(meta) => {
                    let column = |column: &tiberius::Column| Column {
                        name: column.name().to_owned(),
                        kind: format!("{:?}", column.column_type()).to_lowercase(),
                    };
                    out.send(Event::Columns(meta.columns().iter().map(column).collect())).await?;
                }
                QueryItem::Row(row) => out.send(Event::Row(cells_of(&row)?)).await?,
            }
        }
        Ok(0)
    }
}

/// Whether to read rows. The driver returns either the rows or the number of changed rows; for a batch of several statements
/// the rows are read.
fn expects_rows(statement: &Statement) -> bool {
    let has_any = |words: &[&str]| words.iter().any(|word| statement.has_word(word));
    // SQLite's rules for splitting also know names in brackets.
    let several = split(&statement.text(), Engine::Sqlite).len() > 1;
    has_any(&["output", "exec", "execute"]) || (has_any(&["select", "values"]) && (several || !statement.changes_rows()))
}

fn config(target: &Target) -> Config {
    let address = &target.address;
    let mut config = Config::new();
    config.host(&address.host);
    config.port(address.port);
    if !address.database.is_empty() {
        config.database(&address.database);
    }
    config.application_name("belfry");
    config.readonly(target.read_only);
    config.handshake_timeout(Some(target.connect_timeout.max(Duration::from_secs(1))));
    let password = address.password.as_ref().map(|secret| secret.reveal()).unwrap_or_default();
    config.authentication(AuthMethod::sql_server(address.user.as_deref().unwrap_or_default(), password));
    config.encryption(match target.tls {
        Tls::Off => EncryptionLevel::NotSupported,
        Tls::Prefer => EncryptionLevel::On,
        Tls::Require | Tls::Verify => EncryptionLevel::Required,
    });
    match &target.tls_ca {
        Some(file) if target.tls == Tls::Verify => config.trust_cert_ca(file.display()),
        _ if target.tls != Tls::Verify => config.trust_cert(),
        _ => {}
    }
    config
}

impl Session for SqlServer {
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
            Step::Begin { .. } => "begin transaction",
            Step::Commit => "commit transaction",
            Step::Rollback => "if @@trancount > 0 rollback transaction",
        };
        Box::pin(async move {
            self.client.simple_query(text).await?.into_results().await?;
            Ok(())
        })
    }

    fn stopper(&self) -> Stopper {
        Stopper::ByClosing
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _ = self.client.close().await; // the connection is dropped in any case
        })
    }
}

struct Param(Cell);

impl ToSql for Param {
    fn to_sql(&self) -> ColumnData<'_> {
        match &self.0 {
            Cell::Null => ColumnData::String(None),
            Cell::Bool(value) => ColumnData::Bit(Some(*value)),
            Cell::Integer(integer) => ColumnData::I64(Some(*integer)),
            Cell::Float(float) => ColumnData::F64(Some(*float)),
            Cell::Bytes(bytes) => ColumnData::Binary(Some(bytes.as_slice().into())),
            other => ColumnData::String(Some(other.text().into())),
        }
    }
}

fn cells_of(row: &Row) -> Result<Vec<Cell>, SqlError> {
    row.cells().map(|(_, data)| cell(data)).collect()
}

fn cell(data: &ColumnData<'static>) -> Result<Cell, SqlError> {
    fn cell_or_null<T>(value: Option<T>, make: impl FnOnce(T) -> Cell) -> Cell {
        value.map_or(Cell::Null, make)
    }
    Ok(match data {
        ColumnData::U8(value) => cell_or_null(*value, |n| Cell::Integer(n.into())),
        ColumnData::I16(value) => cell_or_null(*value, |n| Cell::Integer(n.into())),
        ColumnData::I32(value) => cell_or_null(*value, |n| Cell::Integer(n.into())),
        ColumnData::I64(value) => cell_or_null(*value, Cell::Integer),
        ColumnData::F32(value) => cell_or_null(*value, |n| Cell::Float(shortest(n))),
        ColumnData::F64(value) => cell_or_null(*value, Cell::Float),
        ColumnData::Bit(value) => cell_or_null(*value, Cell::Bool),
        ColumnData::String(value) => cell_or_null(value.as_ref(), |text| Cell::Text(text.to_string())),
        ColumnData::Guid(value) => cell_or_null(*value, |id| Cell::Text(id.to_string())),
        ColumnData::Binary(value) => cell_or_null(value.as_ref(), |bytes| Cell::Bytes(bytes.to_vec())),
        ColumnData::Numeric(value) => cell_or_null(*value, decimal),
        ColumnData::Xml(value) => cell_or_null(value.as_ref(), |xml| Cell::Text(xml.to_string())),
        ColumnData::DateTime(_) | ColumnData::SmallDateTime(_) | ColumnData::DateTime2(_) => {
            cell_or_null(NaiveDateTime::from_sql(data)?, Cell::Timestamp)
        }
        ColumnData::Date(_) => cell_or_null(NaiveDate::from_sql(data)?, Cell::Date),
        ColumnData::Time(_) => cell_or_null(NaiveTime::from_sql(data)?, |time| Cell::Text(time.to_string())),
        ColumnData::DateTimeOffset(_) => cell_or_null(DateTime::<FixedOffset>::from_sql(data)?, Cell::TimestampTz),
    })
}

fn decimal(number: Numeric) -> Cell {
    // The driver writes an integer with a fraction of zero.
    let digits = if number.scale() == 0 { number.int_part().to_string() } else { number.to_string() };
    Cell::Decimal(digits)
}

impl From<tiberius::error::Error> for SqlError {
    fn from(error: tiberius::error::Error) -> Self {
        use tiberius::error::Error;
        match &error {
            Error::Server(server_error) => {
                let message = format!("{} ({}, line {})", server_error.message(), server_error.code(), server_error.line());
                SqlError { message: Message::verbatim(message), retryable: is_retryable(server_error.code()), position: None }
            }
            Error::Io { message, .. } => SqlError::retry(message!("sql.connection_failed", error = message)),
            Error::Protocol(_) | Error::Routing { .. } => SqlError::retry(Message::verbatim(error.to_string())),
            _ => SqlError::fail(Message::verbatim(error.to_string())),
        }
    }
}

/// Whether the error is temporary: deadlock, lock timeout, snapshot conflict, resources, shutdown, retryable errors of Azure.
fn is_retryable(code: u32) -> bool {
    matches!(
        code,
        701 | 1204 | 1205 | 1222 | 3960 | 4060 | 6005 | 8645 | 10928 | 10929 | 17142 | 40143 | 40197 | 40501 | 40613 | 49918
            ..=49920
    )
}
