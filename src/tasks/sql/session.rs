//! Session interface: one connection that runs statements sequentially, streams their rows and can be stopped from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::mpsc;

use super::cell::Cell;
use super::error::SqlError;
use super::meter::{CELL_MAX, ROW_MAX, too_large};
use super::statement::{Statement, Values};
use crate::i18n::message;

/// One connection to a database.
pub trait Session: Send {
    /// Runs a statement and sends its rows to `out`, with backpressure. Returns the number of changed rows.
    fn run<'a>(
        &'a mut self,
        statement: &'a Statement,
        values: &'a Values,
        out: RowSender,
    ) -> BoxFuture<'a, Result<u64, SqlError>>;

    /// Begins or ends a transaction.
    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>>;

    /// A handle that stops the running statement.
    fn stopper(&self) -> Stopper;

    /// Closes the connection gracefully.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Implements [`Session`] for a driver of sqlx by its methods `run_all`, `step_text` and `new_stopper`.
macro_rules! sqlx_session {
    ($driver:ty) => {
        impl $crate::tasks::sql::session::Session for $driver {
            fn run<'a>(
                &'a mut self,
                statement: &'a Statement,
                values: &'a Values,
                out: RowSender,
            ) -> futures_util::future::BoxFuture<'a, Result<u64, SqlError>> {
                Box::pin(async move { self.run_all(statement, values, &out).await })
            }

            fn step(&mut self, step: Step) -> futures_util::future::BoxFuture<'_, Result<(), SqlError>> {
                let text = self.step_text(step);
                Box::pin(async move {
                    sqlx::raw_sql(text).execute(&mut self.connection).await?;
                    Ok(())
                })
            }

            fn stopper(&self) -> Stopper {
                self.new_stopper()
            }

            fn close(self: Box<Self>) -> futures_util::future::BoxFuture<'static, ()> {
                Box::pin(async move {
                    let _ = self.connection.close().await; // the connection is dropped in any case
                })
            }
        }
    };
}
pub(super) use sqlx_session;

/// A transaction command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `writes`: whether the transaction may change data.
    Begin {
        writes: bool,
    },
    Commit,
    Rollback,
}

/// A column of a result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The database's name of the type, in lower case.
    pub kind: String,
}

/// An item of a statement's result.
#[derive(Debug)]
pub enum Event {
    /// The columns of the rows that follow.
    Columns(Arc<[Column]>),
    Row(Vec<Cell>),
}

/// The sending end of a row channel. The channel is bounded, so that a slow receiver slows down the database.
#[derive(Debug, Clone)]
pub struct RowSender(mpsc::Sender<Event>);

/// Capacity of a row channel.
const ROWS_AHEAD: usize = 64;

/// A channel for the rows of one statement.
pub fn row_channel() -> (RowSender, mpsc::Receiver<Event>) {
    let (sender, receiver) = mpsc::channel(ROWS_AHEAD);
    (RowSender(sender), receiver)
}

/// A row of this many bytes takes one place of the channel; a larger one takes several.
const PLACE_BYTES: usize = 256 << 10;

impl RowSender {
    /// Sends an item; fails if the receiver is closed or a cell is too large.
    pub async fn send(&self, event: Event) -> Result<(), SqlError> {
        let places = places(&event)?;
        let mut permits = self.0.reserve_many(places).await.map_err(|_| not_received())?;
        if let Some(permit) = permits.next() {
            permit.send(event);
        }
        Ok(())
    }

    /// As [`RowSender::send`], for blocking threads of the runtime.
    pub fn send_blocking(&self, event: Event) -> Result<(), SqlError> {
        tokio::runtime::Handle::current().block_on(self.send(event))
    }
}

fn not_received() -> SqlError {
    SqlError::fail(message!("sql.rows_not_received"))
}

/// The places of the channel that must be free for an item, so that large rows do not wait there together.
fn places(event: &Event) -> Result<usize, SqlError> {
    let Event::Row(row) = event else { return Ok(1) };
    let mut bytes = 0;
    for cell in row {
        let size = cell.size();
        if size > CELL_MAX {
            return Err(too_large(CELL_MAX as u64));
        }
        bytes += size;
    }
    match bytes as u64 > ROW_MAX {
        true => Err(too_large(ROW_MAX)),
        false => Ok((bytes / PLACE_BYTES).clamp(1, ROWS_AHEAD)),
    }
}

/// Stops the statement that runs on a connection.
#[derive(Clone)]
pub enum Stopper {
    /// Terminates the backend process through a second connection (`pg_terminate_backend`).
    Postgres(Box<sqlx::postgres::PgConnectOptions>, i32),
    /// Kills the connection through a second one (`KILL`).
    MySql(Box<sqlx::mysql::MySqlConnectOptions>, u64),
    /// Sets a flag that SQLite's progress handler checks.
    Flag(Arc<AtomicBool>),
    /// Closing the connection is all that can be done.
    ByClosing,
}

impl Stopper {
    /// Stops the statement. A failure is only logged, because the server notices the closed connection later.
    pub async fn stop(self) {
        let stopped = match self {
            Stopper::Postgres(options, pid) => stop_postgres(&options, pid).await,
            Stopper::MySql(options, id) => stop_mysql(&options, id).await,
            Stopper::Flag(flag) => {
                flag.store(true, Ordering::Relaxed);
                Ok(())
            }
            Stopper::ByClosing => Ok(()),
        };
        if let Err(error) = stopped {
            let kind = SqlError::from(error).message;
            tracing::debug!(error = %kind, "failed to stop statement on its server; closing the connection");
        }
    }
}

async fn stop_postgres(options: &sqlx::postgres::PgConnectOptions, pid: i32) -> Result<(), sqlx::Error> {
    let mut beside = options.connect().await?;
    sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(&mut beside).await?;
    beside.close().await
}

async fn stop_mysql(options: &sqlx::mysql::MySqlConnectOptions, id: u64) -> Result<(), sqlx::Error> {
    let mut beside = options.connect().await?;
    beside.execute(sqlx::AssertSqlSafe(format!("kill {id}"))).await?;
    beside.close().await
}
