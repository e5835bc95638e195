//! Session interface: one connection that runs statements sequentially, streams their rows and can be stopped from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::mpsc;

use super::cell::Cell;
use super::error::SqlError;
use super::statement::{Statement, Values};

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

impl RowSender {
    /// Sends an item; fails if the receiver is closed.
    pub async fn send(&self, event: Event) -> Result<(), SqlError> {
        self.0.send(event).await.map_err(|_| SqlError::fail("the rows are no longer received"))
    }

    /// As [`RowSender::send`], for blocking threads.
    pub fn send_blocking(&self, event: Event) -> Result<(), SqlError> {
        self.0.blocking_send(event).map_err(|_| SqlError::fail("the rows are no longer received"))
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
