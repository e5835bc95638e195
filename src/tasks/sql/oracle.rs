//! Oracle, by a driver that blocks: each call is made on a thread that may. A preview: only its refusals are tested.
//!
//! What runs cannot be stopped from outside; it ends at the limit of a call, or when its rows are not wanted any more.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use oracledb::{Connection, ErrorKind, OracleTimestamp, Row, ToDbValue};

use super::cell::Cell;
use super::error::SqlError;
use super::session::{Column, Event, Out, Session, Step, Stopper};
use super::source::Target;
use super::statement::{Placeholder, Statement, Values};
use crate::domain::profile::datasource::Tls;

/// The longest call, so that a run that was given up does not hold its connection for good.
const CALL_LIMIT: std::time::Duration = std::time::Duration::from_secs(3600);

/// A connection to Oracle.
pub struct Oracle {
    connection: Arc<Mutex<Connection>>,
    /// Outside of a transaction every statement counts at once.
    in_transaction: bool,
    read_only: bool,
}

impl Oracle {
    pub async fn connect(target: &Target) -> Result<Oracle, SqlError> {
        let address = target.address.clone();
        let (limit, tls) = (target.connect_timeout, target.tls);
        let connection = blocking(move || {
            let scheme = if matches!(tls, Tls::Require | Tls::Verify) { "tcps://" } else { "" };
            let place = format!("{scheme}{}:{}/{}", address.host, address.port, address.database);
            let password = address.password.as_ref().map(|secret| secret.reveal()).unwrap_or_default();
            let config = oracledb::Config::default()
                .set_transport_connect_timeout(Some(limit))
                .set_credentials(address.user.as_deref().unwrap_or_default(), password)
                .set_connect_string(&place)?;
            let connection = oracledb::connect(config)?;
            connection.set_call_timeout(Some(CALL_LIMIT))?;
            Ok(connection)
        })
        .await?;
        let connection = Arc::new(Mutex::new(connection));
        Ok(Oracle { connection, in_transaction: false, read_only: target.read_only })
    }

    /// Does something with the connection on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let connection = Arc::clone(&self.connection);
        blocking(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, SqlError> + Send + 'static) -> Result<T, SqlError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(SqlError::fail("the driver failed")))
}

impl Session for Oracle {
    fn run<'a>(&'a mut self, statement: &'a Statement, values: &'a Values, out: Out) -> BoxFuture<'a, Result<u64, SqlError>> {
        let (asks, changes) = (statement.answers_rows() && !statement.changes_rows(), statement.changes_rows());
        let at_once = !self.in_transaction && !self.read_only;
        Box::pin(async move {
            let (text, cells) = statement.bind(values, Placeholder::Colon)?;
            self.with(move |connection| {
                let params: Vec<Box<dyn ToDbValue>> = cells.into_iter().map(param).collect();
                let params: Vec<&dyn ToDbValue> = params.iter().map(AsRef::as_ref).collect();
                if asks {
                    return query(connection, &text, &params, &out).map(|()| 0);
                }
                let done = connection.execute(text.as_str(), &params)?;
                if at_once {
                    connection.commit()?;
                }
                Ok(if changes { done.rows_affected() } else { 0 })
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
            let _gone_anyway = blocking(move || {
                self.connection.lock().unwrap_or_else(PoisonError::into_inner).close()?;
                Ok(())
            })
            .await;
        })
    }
}

fn query(connection: &Connection, text: &str, params: &[&dyn ToDbValue], out: &Out) -> Result<(), SqlError> {
    let cursor = connection.query(text, params)?;
    let kinds: Vec<String> = cursor.columns().iter().map(|column| column.db_type().name().to_lowercase()).collect();
    let column = |(column, kind): (&oracledb::Metadata, &String)| Column { name: column.name().to_owned(), kind: kind.clone() };
    out.send_blocking(Event::Columns(cursor.columns().iter().zip(&kinds).map(column).collect()))?;
    for row in cursor {
        let row = row?;
        let cells = kinds.iter().enumerate().map(|(place, kind)| cell(&row, place, kind)).collect::<Result<_, _>>()?;
        out.send_blocking(Event::Row(cells))?;
    }
    Ok(())
}

fn param(cell: Cell) -> Box<dyn ToDbValue> {
    match cell {
        Cell::Null => Box::new(None::<String>),
        Cell::Bool(value) => Box::new(i64::from(value)),
        Cell::Integer(whole) => Box::new(whole),
        Cell::Float(float) => Box::new(float),
        Cell::Bytes(bytes) => Box::new(bytes),
        other => Box::new(other.text()),
    }
}

/// A value by its column's type: exact numbers as digits, the rest as text.
fn cell(row: &Row, place: usize, kind: &str) -> Result<Cell, SqlError> {
    if kind.contains("number") {
        let number: Option<oracledb::OracleNumber> = row.get(place)?;
        return Ok(number.map_or(Cell::Null, |number| {
            let digits = number.to_string();
            digits.parse().map_or(Cell::Decimal(digits), Cell::Integer)
        }));
    }
    if kind.contains("double") || kind.contains("float") {
        return Ok(row.get::<Option<f64>>(place)?.map_or(Cell::Null, Cell::Float));
    }
    if kind.contains("date") || kind.contains("timestamp") {
        return Ok(row.get::<Option<OracleTimestamp>>(place)?.map_or(Cell::Null, |at| Cell::Text(at.to_string())));
    }
    if kind.contains("raw") || kind.contains("blob") {
        return Ok(row.get::<Option<Vec<u8>>>(place)?.map_or(Cell::Null, Cell::Bytes));
    }
    if kind.contains("boolean") {
        return Ok(row.get::<Option<bool>>(place)?.map_or(Cell::Null, Cell::Bool));
    }
    Ok(row.get::<Option<String>>(place)?.map_or(Cell::Null, Cell::Text))
}

impl From<oracledb::Error> for SqlError {
    fn from(error: oracledb::Error) -> Self {
        let message = error.to_string();
        let passes = match error.kind() {
            ErrorKind::CallTimeoutExceeded | ErrorKind::DeadConnection | ErrorKind::StreamOperation => true,
            ErrorKind::NotConnected | ErrorKind::OutOfData | ErrorKind::UnexpectedRefuse(_) => true,
            ErrorKind::ListenerRefusedConnection(..) => true,
            // Resource busy, deadlock, serialization, shutdown, not open, lost.
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
        SqlError { message, retryable: passes, position: None }
    }
}
