//! Table target: writes each batch in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::profile::datasource::Engine;
use crate::i18n::{Message, message};
use crate::tasks::RunError;
use crate::tasks::sql::dialect::{self, Destination};
use crate::tasks::sql::session::{Column, Step, row_channel};
use crate::tasks::sql::split::split;
use crate::tasks::sql::statement::{Statement, Values};
use crate::tasks::sql::{Cell, Lease, Source, SqlError};

/// A target table with its connection.
pub(super) struct TableTarget<'t> {
    source: Arc<Source>,
    lease: Lease,
    destination: &'t Destination,
    /// The last statement, with its number of rows.
    statement: Option<(usize, Statement)>,
}

impl<'t> TableTarget<'t> {
    pub async fn open(source: Arc<Source>, destination: &'t Destination) -> Result<TableTarget<'t>, SqlError> {
        if source.read_only() {
            return Err(SqlError::fail(message!("sync.read_only", name = source.name.as_str())));
        }
        let mut lease = source.open().await?;
        if source.engine() == Engine::MySql {
            // Timestamps are written in UTC, so the session's time zone must be UTC.
            run(&mut lease, "set time_zone = '+00:00'", source.engine()).await.map_err(|error| source.redact(error))?;
        }
        Ok(TableTarget { source, lease, destination, statement: None })
    }

    /// Writes a batch atomically.
    pub async fn send(&mut self, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), RunError> {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let rows = self.last_row_per_key(&names, rows);
        let step = self.lease.step(Step::Begin { writes: true }).await;
        step.map_err(|error| self.to_run_error(error))?;
        match self.write(&names, &rows).await {
            Ok(()) => self.lease.step(Step::Commit).await.map_err(|error| self.to_run_error(error)),
            Err(error) => {
                let _ = self.lease.step(Step::Rollback).await; // the first error is reported
                Err(error)
            }
        }
    }

    async fn write(&mut self, names: &[String], rows: &[&Vec<Cell>]) -> Result<(), RunError> {
        let chunk_size = dialect::max_rows_per_statement(self.source.engine(), names.len());
        for chunk in rows.chunks(chunk_size) {
            let statement = self.statement(names, chunk.len()).map_err(|message| RunError::fail(message.of("to.table")))?;
            let values = Values::List(chunk.iter().flat_map(|row| row.iter().cloned()).collect());
            let (out, mut events) = row_channel();
            let draining = async { while events.recv().await.is_some() {} };
            let (ran, ()) = tokio::join!(self.lease.run(&statement, &values, out), draining);
            ran.map_err(|error| self.to_run_error(SqlError { position: None, ..error }))?;
        }
        Ok(())
    }

    /// The statement for this number of rows, cached until the number changes.
    fn statement(&mut self, names: &[String], rows: usize) -> Result<Statement, Message> {
        if let Some((_, statement)) = self.statement.as_ref().filter(|(known, _)| *known == rows) {
            return Ok(statement.clone());
        }
        let text = dialect::insert(self.source.engine(), self.destination, names, rows)?;
        let statement = split(&text, self.source.engine()).pop().ok_or_else(|| message!("sync.no_rows"))?;
        self.statement = Some((rows, statement.clone()));
        Ok(statement)
    }

    /// The last row of each key, because one statement cannot update a row twice.
    fn last_row_per_key<'r>(&self, names: &[String], rows: &'r [Vec<Cell>]) -> Vec<&'r Vec<Cell>> {
        if self.destination.key.is_empty() {
            return rows.iter().collect();
        }
        let indexes: Vec<usize> =
            self.destination.key.iter().filter_map(|key| names.iter().position(|name| name == key)).collect();
        let key = |row: &Vec<Cell>| indexes.iter().map(|index| row[*index].to_json().to_string()).collect::<Vec<_>>();
        let last: HashMap<_, usize> = rows.iter().enumerate().map(|(index, row)| (key(row), index)).collect();
        let mut kept: Vec<usize> = last.into_values().collect();
        kept.sort_unstable();
        kept.into_iter().map(|index| &rows[index]).collect()
    }

    fn to_run_error(&self, error: SqlError) -> RunError {
        let error = self.source.redact(error);
        let message = message!("run.detail", what = self.source.name.as_str(), detail = error.message);
        SqlError { message, ..error }.into()
    }

    pub async fn close(self, complete: bool) {
        if complete {
            self.lease.finish().await;
        } else {
            self.lease.abort().await;
        }
    }
}

async fn run(lease: &mut Lease, text: &str, engine: Engine) -> Result<(), SqlError> {
    for statement in split(text, engine) {
        let (out, _events) = row_channel();
        lease.run(&statement, &Values::None, out).await?;
    }
    Ok(())
}
