//! What every database can do for a task: one connection that runs statements one after the other, hands out their rows as
//! they come, and can be stopped from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::mpsc;

use super::cell::Cell;
use super::error::SqlError;
use super::statement::{Statement, Values};

/// One connection.
pub trait Session: Send {
    /// Runs a statement. Its rows go to `out` as they come, no faster than they are taken; answers how many rows were changed.
    fn run<'a>(&'a mut self, statement: &'a Statement, values: &'a Values, out: Out) -> BoxFuture<'a, Result<u64, SqlError>>;

    /// Begins or ends a transaction.
    fn step(&mut self, step: Step) -> BoxFuture<'_, Result<(), SqlError>>;

    /// How to stop what runs.
    fn stopper(&self) -> Stopper;

    /// Says good-bye to the server.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A step of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `writes`: something in it may change something.
    Begin {
        writes: bool,
    },
    Commit,
    Rollback,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The database's own name for its type, in lower case.
    pub kind: String,
}

/// What a statement answers with.
#[derive(Debug)]
pub enum Event {
    /// The columns of the rows that follow.
    Columns(Arc<[Column]>),
    Row(Vec<Cell>),
}

/// Takes what a statement answers with; bounded, so that a reader who is slow slows the database down.
#[derive(Debug, Clone)]
pub struct Out(mpsc::Sender<Event>);

/// Rows on their way at most.
const ROWS_AHEAD: usize = 64;

/// A way for rows, with its two ends.
pub fn way() -> (Out, mpsc::Receiver<Event>) {
    let (sender, receiver) = mpsc::channel(ROWS_AHEAD);
    (Out(sender), receiver)
}

impl Out {
    /// # Errors
    /// Where nobody takes rows any more.
    pub async fn send(&self, event: Event) -> Result<(), SqlError> {
        self.0.send(event).await.map_err(|_| SqlError::fail("the rows are not wanted any more"))
    }

    /// As [`Out::send`], for threads that may block.
    ///
    /// # Errors
    /// As [`Out::send`].
    pub fn send_blocking(&self, event: Event) -> Result<(), SqlError> {
        self.0.blocking_send(event).map_err(|_| SqlError::fail("the rows are not wanted any more"))
    }
}

/// Stops what runs on a connection, from beside it.
#[derive(Clone)]
pub enum Stopper {
    /// Asks by another connection to end the process of this one.
    Postgres(Box<sqlx::postgres::PgConnectOptions>, i32),
    /// As PostgreSQL.
    MySql(Box<sqlx::mysql::MySqlConnectOptions>, u64),
    /// Is looked at while the statement runs.
    Flag(Arc<AtomicBool>),
    /// The server ends by itself what nobody listens to any more.
    ByClosing,
}

impl Stopper {
    /// Stops it. Where the server does not answer it is left alone: it will find the connection closed.
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
            tracing::debug!(error = %kind, "a statement could not be stopped on its server; its connection is closed");
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
