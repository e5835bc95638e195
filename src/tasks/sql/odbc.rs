//! ODBC sessions. The ODBC API blocks, so each call runs on a blocking thread.
//!
//! A running statement cannot be stopped from outside; it ends at the driver's query timeout, or when its rows are no longer
//! received.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use odbc_api::buffers::Indicator;
use odbc_api::parameter::{Binary, InputParameter, VarCell, VarKind, WideText};
use odbc_api::{Connection, ConnectionOptions, Cursor, CursorRow, DataType, IntoParameter};

use super::cell::Cell;
use super::error::SqlError;
use super::meter::{CELL_MAX, too_large};
use super::session::{Column, Event, RowSender, Session, Step, Stopper};
use super::statement::{Placeholder, Statement, Values};
use super::target::Target;
use crate::i18n::{Message, message};

/// Query timeout in seconds, so that an abandoned run does not hold its connection forever.
const STATEMENT_LIMIT: usize = 3600;
/// Elements of a value that are read at once: at first, and at most. Drivers convert the whole value again for each piece.
const PIECE: usize = 16 << 10;
const PIECE_MAX: usize = 1 << 20;

/// A connection over ODBC.
pub struct Odbc {
    connection: Arc<Mutex<Connection<'static>>>,
}

impl Odbc {
    pub async fn connect(target: &Target) -> Result<Odbc, SqlError> {
        let text = connection_string(target);
        let seconds = u32::try_from(target.connect_timeout.as_secs()).unwrap_or(u32::MAX);
        let connection = blocking(move || {
            let options = ConnectionOptions { login_timeout_sec: Some(seconds), ..ConnectionOptions::default() };
            Ok(odbc_api::environment()?.connect_with_connection_string(&text, options)?)
        })
        .await?;
        Ok(Odbc { connection: Arc::new(Mutex::new(connection)) })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection<'static>) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let connection = Arc::clone(&self.connection);
        blocking(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

/// The connection string, with user and password of the settings appended.
fn connection_string(target: &Target) -> String {
    let mut text = target.address.database.trim_end_matches(';').to_owned();
    let mut add = |key: &str, value: &str| text.push_str(&format!(";{key}={{{}}}", value.replace('}', "}}")));
    if let Some(user) = &target.address.user {
        add("UID", user);
    }
    if let Some(password) = &target.address.password {
        add("PWD", password.reveal());
    }
    text
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, SqlError> + Send + 'static) -> Result<T, SqlError> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|_| Err(SqlError::fail(message!("sql.driver_failed"))))
}

impl Session for Odbc {
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: &'a Values,
        out: RowSender,
    ) -> BoxFuture<'a, Result<u64, SqlError>> {
        let changes = statement.changes_rows();
        Box::pin(async move {
            let (text, cells) = statement.bind(values, Placeholder::Question)?;
            self.with(move |connection| {
                let params: Vec<Box<dyn InputParameter>> = cells.into_iter().map(param).collect();
                let mut prepared = connection.preallocate()?;
                let _ = prepared.set_query_timeout_sec(STATEMENT_LIMIT); // not supported by all drivers
                if let Some(cursor) = prepared.execute(&text, params.as_slice())? {
                    read(cursor, &out)?;
                }
                let changed = if changes { prepared.row_count()?.unwrap_or(0) } else { 0 };
                Ok(changed as u64)
            })
            .await
        })
    }

    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>> {
        Box::pin(async move {
            self.with(move |connection| {
                match step {
                    Step::Begin { .. } => connection.set_autocommit(false)?,
                    Step::Commit => connection.commit().and_then(|()| connection.set_autocommit(true))?,
                    Step::Rollback => connection.rollback().and_then(|()| connection.set_autocommit(true))?,
                }
                Ok(())
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
                drop(self);
                Ok(())
            })
            .await;
        })
    }
}

fn read(mut cursor: impl Cursor, out: &RowSender) -> Result<(), SqlError> {
    let count = u16::try_from(cursor.num_result_cols()?).unwrap_or(0);
    let mut columns = Vec::with_capacity(usize::from(count));
    let mut kinds = Vec::with_capacity(usize::from(count));
    for index in 1..=count {
        let kind = cursor.col_data_type(index)?;
        let shown = format!("{kind:?}").split([' ', '{', '(']).next().unwrap_or_default().to_lowercase();
        columns.push(Column { name: cursor.col_name(index)?, kind: shown });
        kinds.push(kind);
    }
    out.send_blocking(Event::Columns(columns.into()))?;
    while let Some(mut row) = cursor.next_row()? {
        let cells = kinds.iter().zip(1..).map(|(kind, index)| cell(&mut row, index, kind)).collect::<Result<_, _>>()?;
        out.send_blocking(Event::Row(cells))?;
    }
    Ok(())
}

fn param(cell: Cell) -> Box<dyn InputParameter> {
    match cell {
        Cell::Null => Box::new(None::<String>.into_parameter()),
        Cell::Bool(value) => Box::new(i64::from(value).into_parameter()),
        Cell::Integer(integer) => Box::new(integer.into_parameter()),
        Cell::Float(float) => Box::new(float.into_parameter()),
        Cell::Bytes(bytes) => Box::new(bytes.into_parameter()),
        other => Box::new(other.text().into_parameter()),
    }
}

/// Reads a value by its column's type; a value that cannot be parsed as its type stays text.
fn cell(row: &mut CursorRow<'_>, index: u16, kind: &DataType) -> Result<Cell, SqlError> {
    if matches!(kind, DataType::Binary { .. } | DataType::Varbinary { .. } | DataType::LongVarbinary { .. }) {
        return Ok(value::<Binary>(row, index)?.map_or(Cell::Null, Cell::Bytes));
    }
    let Some(wide) = value::<WideText>(row, index)? else { return Ok(Cell::Null) };
    let text = String::from_utf16_lossy(&wide);
    let typed = match kind {
        DataType::Integer | DataType::SmallInt | DataType::BigInt | DataType::TinyInt => text.parse().ok().map(Cell::Integer),
        DataType::Double | DataType::Real | DataType::Float { .. } => text.parse().ok().map(Cell::Float),
        DataType::Decimal { .. } | DataType::Numeric { .. } => Some(Cell::Decimal(text.clone())),
        DataType::Bit => Some(Cell::Bool(text == "1")),
        _ => None,
    };
    Ok(typed.unwrap_or(Cell::Text(text)))
}

/// Reads a value in pieces, so that one above [`CELL_MAX`] is never in memory; `None` for NULL.
fn value<K: VarKind>(row: &mut CursorRow<'_>, index: u16) -> Result<Option<Vec<K::Element>>, SqlError> {
    let mut piece = vec![K::ZERO; PIECE];
    let mut all = Vec::new();
    loop {
        let mut target = VarCell::<&mut [K::Element], K>::from_buffer(piece.as_mut_slice(), Indicator::NoTotal);
        row.get_data(index, &mut target)?;
        let (read, is_complete) = (target.len_in_bytes(), target.is_complete());
        let Some(bytes) = read else { return Ok(None) };
        all.extend_from_slice(&piece[..bytes / size_of::<K::Element>()]);
        if all.len() * size_of::<K::Element>() > CELL_MAX {
            return Err(too_large(CELL_MAX as u64));
        }
        if is_complete {
            return Ok(Some(all));
        }
        piece.resize((piece.len() * 2).min(PIECE_MAX), K::ZERO);
    }
}

impl From<odbc_api::Error> for SqlError {
    fn from(error: odbc_api::Error) -> Self {
        let message = error.to_string();
        // The SQLSTATE classes common to all drivers: connection exceptions, transaction rollback, timeouts.
        let retryable = ["State: 08", "State: 40", "State: HYT"].iter().any(|class| message.contains(class));
        SqlError { message: Message::verbatim(message), retryable, position: None }
    }
}
