//! Oracle sessions (preview: only connection errors are tested). The driver blocks, so each call runs on a blocking thread.
//!
//! A running statement cannot be stopped from outside; it ends at the call timeout, or when its rows are no longer received.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use oracledb::{Connection, ErrorKind, Lob, OracleTimestamp, Row, ToDbValue};

use super::cell::{Cell, shortest};
use super::error::SqlError;
use super::meter::{CELL_MAX, too_large};
use super::session::{Column, Event, RowSender, Session, Step, Stopper};
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::domain::profile::datasource::Tls;
use crate::i18n::{Message, message};

/// Call timeout, so that an abandoned run does not hold its connection forever.
const CALL_LIMIT: std::time::Duration = std::time::Duration::from_secs(3600);
/// Rows that the driver fetches at once, without their large objects.
const ROWS_AT_ONCE: u32 = 10;
/// The types of columns that are read, as the driver names them: Oracle bounds their values to 32,767 bytes, and large objects are read in
/// pieces. Of others, such as `LONG`, the driver reads the whole value, whatever its size.
const READABLE: [&str; 20] = [
    "DB_TYPE_BFILE",
    "DB_TYPE_BINARY_DOUBLE",
    "DB_TYPE_BINARY_FLOAT",
    "DB_TYPE_BINARY_INTEGER",
    "DB_TYPE_BLOB",
    "DB_TYPE_BOOLEAN",
    "DB_TYPE_CHAR",
    "DB_TYPE_CLOB",
    "DB_TYPE_DATE",
    "DB_TYPE_NCHAR",
    "DB_TYPE_NCLOB",
    "DB_TYPE_NUMBER",
    "DB_TYPE_NVARCHAR",
    "DB_TYPE_RAW",
    "DB_TYPE_ROWID",
    "DB_TYPE_TIMESTAMP",
    "DB_TYPE_TIMESTAMP_LTZ",
    "DB_TYPE_TIMESTAMP_TZ",
    "DB_TYPE_UROWID",
    "DB_TYPE_VARCHAR",
];
/// Bytes of a large object that are read at once.
const PIECE: usize = 256 << 10;

/// A connection to Oracle.
pub struct Oracle {
    connection: Arc<Mutex<Connection>>,
    /// Outside a transaction every statement is committed immediately.
    in_transaction: bool,
    read_only: bool,
}

impl Oracle {
    pub async fn connect(target: &Target) -> Result<Oracle, SqlError> {
        let address = target.address.clone();
        let (limit, tls) = (target.connect_timeout, target.tls);
        let connection = blocking(move || {
            let scheme = if matches!(tls, Tls::Require | Tls::Verify) { "tcps://" } else { "" };
            let connect_string = format!("{scheme}{}:{}/{}", address.host, address.port, address.database);
            let password = address.password.as_ref().map(|secret| secret.reveal()).unwrap_or_default();
            let config = oracledb::Config::default()
                .set_transport_connect_timeout(Some(limit))
                .set_credentials(address.user.as_deref().unwrap_or_default(), password)
                .set_connect_string(&connect_string)?;
            let connection = oracledb::connect(config)?;
            connection.set_call_timeout(Some(CALL_LIMIT))?;
            Ok(connection)
        })
        .await?;
        let connection = Arc::new(Mutex::new(connection));
        Ok(Oracle { connection, in_transaction: false, read_only: target.read_only })
    }

    /// Runs work with the connection on a blocking thread.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let connection = Arc::clone(&self.connection);
        blocking(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, SqlError> + Send + 'static) -> Result<T, SqlError> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|_| Err(SqlError::fail(message!("sql.driver_failed"))))
}

impl Session for Oracle {
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: &'a Values,
        out: RowSender,
    ) -> BoxFuture<'a, Result<u64, SqlError>> {
        let (is_query, changes) = (statement.returns_rows() && !statement.changes_rows(), statement.changes_rows());
        let autocommit = !self.in_transaction && !self.read_only;
        Box::pin(async move {
            let (text, cells) = statement.bind(values, Placeholder::Colon)?;
            self.with(move |connection| {
                let params: Vec<Box<dyn ToDbValue>> = cells.into_iter().map(param).collect();
                let params: Vec<&dyn ToDbValue> = params.iter().map(AsRef::as_ref).collect();
                if is_query {
                    return query(connection, &text, &params, &out).map(|()| 0);
                }
                let outcome = connection.execute(text.as_str(), &params)?;
                if autocommit {
                    connection.commit()?;
                }
                Ok(if changes { outcome.rows_affected() } else { 0 })
            })
            .await
        })
    }

    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>> {
        self.in_transaction = matches!(step, Step::Begin { .. });
        let read_only = self.read_only;
        Box::pin(async move {
            self.with(move |connection| {
                match step {
                    Step::Begin { .. } if read_only => connection.execute("set transaction read only", &[]).map(drop),
                    Step::Begin { .. } => Ok(()),
                    Step::Commit => connection.commit(),
                    Step::Rollback => connection.rollback(),
                }
                .map_err(SqlError::from)
            })
            .await
        })
    }

    fn stopper(&self) -> Stopper {
        Stopper::ByClosing
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // The connection is dropped in any case.
            let _ = blocking(move || {
                self.connection.lock().unwrap_or_else(PoisonError::into_inner).close()?;
                Ok(())
            })
            .await;
        })
    }
}

fn query(connection: &Connection, text: &str, params: &[&dyn ToDbValue], out: &RowSender) -> Result<(), SqlError> {
    // Large objects arrive as locators, so that one above the limit is never in memory.
    // No row comes with the execution, so that the columns are known before any value is read. A cached statement would bring rows.
    let statement = connection.statement(text)?.prefetch_rows(0).exclude_from_cache();
    let cursor = statement.fetch_array_size(ROWS_AT_ONCE).fetch_lobs().build()?.query(params)?;
    refuse_unreadable(cursor.columns().iter().map(|column| (column.name(), column.db_type().name())))?;
    let kinds: Vec<String> = cursor.columns().iter().map(|column| column.db_type().name().to_lowercase()).collect();
    let column = |(column, kind): (&oracledb::Metadata, &String)| Column { name: column.name().to_owned(), kind: kind.clone() };
    out.send_blocking(Event::Columns(cursor.columns().iter().zip(&kinds).map(column).collect()))?;
    for row in cursor {
        let mut row = row?;
        let cells = kinds.iter().enumerate().map(|(index, kind)| cell(&mut row, index, kind)).collect::<Result<_, _>>()?;
        out.send_blocking(Event::Row(cells))?;
    }
    Ok(())
}

/// Refuses columns, each with its name and type, whose values would be read whole.
fn refuse_unreadable<'c>(mut columns: impl Iterator<Item = (&'c str, &'c str)>) -> Result<(), SqlError> {
    match columns.find(|(_, kind)| !READABLE.contains(kind)) {
        None => Ok(()),
        Some((name, kind)) => {
            let kind = kind.trim_start_matches("DB_TYPE_").replace('_', " ");
            Err(SqlError::fail(message!("sql.column_type_refused", name, kind)))
        }
    }
}

fn param(cell: Cell) -> Box<dyn ToDbValue> {
    match cell {
        Cell::Null => Box::new(None::<String>),
        Cell::Bool(value) => Box::new(i64::from(value)),
        Cell::Integer(integer) => Box::new(integer),
        Cell::Float(float) => Box::new(float),
        Cell::Bytes(bytes) => Box::new(bytes),
        other => Box::new(other.text()),
    }
}

/// Reads a value by its column's type: exact numbers as digits, unknown types as text.
fn cell(row: &mut Row, index: usize, kind: &str) -> Result<Cell, SqlError> {
    if kind.contains("lob") || kind.contains("bfile") {
        return row.take::<Option<Lob>>(index)?.map_or(Ok(Cell::Null), large_object);
    }
    if kind.contains("number") {
        let number: Option<oracledb::OracleNumber> = row.get(index)?;
        return Ok(number.map_or(Cell::Null, |number| {
            let digits = number.to_string();
            digits.parse().map_or(Cell::Decimal(digits), Cell::Integer)
        }));
    }
    if kind.contains("binary_float") {
        return Ok(row.get::<Option<f32>>(index)?.map_or(Cell::Null, |number| Cell::Float(shortest(number))));
    }
    if kind.contains("double") || kind.contains("float") {
        return Ok(row.get::<Option<f64>>(index)?.map_or(Cell::Null, Cell::Float));
    }
    if kind.contains("date") || kind.contains("timestamp") {
        return Ok(row.get::<Option<OracleTimestamp>>(index)?.map_or(Cell::Null, |at| Cell::Text(at.to_string())));
    }
    if kind.contains("raw") {
        return Ok(row.get::<Option<Vec<u8>>>(index)?.map_or(Cell::Null, Cell::Bytes));
    }
    if kind.contains("boolean") {
        return Ok(row.get::<Option<bool>>(index)?.map_or(Cell::Null, Cell::Bool));
    }
    Ok(row.get::<Option<String>>(index)?.map_or(Cell::Null, Cell::Text))
}

/// Reads a large object in pieces.
fn large_object(mut lob: Lob) -> Result<Cell, SqlError> {
    let kind = lob.db_type();
    let is_text = kind == oracledb::DB_TYPE_CLOB || kind == oracledb::DB_TYPE_NCLOB;
    let bytes = read_whole(&mut lob)?;
    Ok(match is_text {
        true => Cell::Text(String::from_utf8_lossy(&bytes).into_owned()),
        false => Cell::Bytes(bytes),
    })
}

/// Reads all bytes, at most [`CELL_MAX`].
fn read_whole(source: &mut impl Read) -> Result<Vec<u8>, SqlError> {
    let (mut piece, mut all) = (vec![0; PIECE], Vec::new());
    loop {
        let read = source.read(&mut piece).map_err(|error| SqlError::retry(Message::verbatim(error.to_string())))?;
        all.extend_from_slice(&piece[..read]);
        if all.len() > CELL_MAX {
            return Err(too_large(CELL_MAX as u64));
        }
        if read == 0 {
            return Ok(all);
        }
    }
}

impl From<oracledb::Error> for SqlError {
    fn from(error: oracledb::Error) -> Self {
        let message = error.to_string();
        let retryable = match error.kind() {
            ErrorKind::CallTimeoutExceeded | ErrorKind::DeadConnection | ErrorKind::StreamOperation => true,
            ErrorKind::NotConnected | ErrorKind::OutOfData | ErrorKind::UnexpectedRefuse(_) => true,
            ErrorKind::ListenerRefusedConnection(..) => true,
            // Resource busy, deadlock, serialization, shutdown, database not open, connection lost.
            _ => [
                "ORA-00054",
                "ORA-00060",
                "ORA-08177",
                "ORA-01033",
                "ORA-01034",
                "ORA-01089",
                "ORA-03113",
                "ORA-03114",
                "ORA-12514",
                "ORA-12516",
                "ORA-12520",
                "ORA-12528",
                "ORA-12541",
            ]
            .iter()
            .any(|code| message.contains(code)),
        };
        SqlError { message: Message::verbatim(message), retryable, position: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_objects_end_at_the_limit_of_a_cell() {
        let mut small = &[7; 3 * PIECE + 1][..];
        assert_eq!(read_whole(&mut small).unwrap(), vec![7; 3 * PIECE + 1]);
        let mut read = 0;
        let mut endless = Endless(&mut read);
        let error = read_whole(&mut endless).unwrap_err();
        assert!(error.message.to_string().contains("16 MiB") && !error.retryable, "{}", error.message);
        assert!(read <= CELL_MAX + PIECE, "{read}");
    }

    #[test]
    fn columns_of_unbounded_types_are_refused_by_name() {
        let all = READABLE.iter().map(|kind| ("a", *kind));
        refuse_unreadable(all).unwrap();
        for (kind, shown) in [
            (oracledb::DB_TYPE_LONG, "LONG"),
            (oracledb::DB_TYPE_LONG_NVARCHAR, "LONG NVARCHAR"),
            (oracledb::DB_TYPE_LONG_RAW, "LONG RAW"),
            (oracledb::DB_TYPE_JSON, "JSON"),
            (oracledb::DB_TYPE_OBJECT, "OBJECT"),
            (oracledb::DB_TYPE_XMLTYPE, "XMLTYPE"),
            (oracledb::DB_TYPE_UNKNOWN, "UNKNOWN"),
        ] {
            let columns = [("id", oracledb::DB_TYPE_NUMBER.name()), ("note", kind.name())];
            let error = refuse_unreadable(columns.into_iter()).unwrap_err();
            let message = error.message.to_string();
            assert!(message.contains("note") && message.contains(&format!("type {shown},")) && !error.retryable, "{message}");
        }
    }

    /// A source without an end that counts what was read.
    struct Endless<'r>(&'r mut usize);

    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            *self.0 += buffer.len();
            Ok(buffer.len())
        }
    }
}
