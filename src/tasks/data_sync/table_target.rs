//! Rows into a table: each batch in a transaction of its own.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::profile::datasource::Engine;
use crate::tasks::RunError;
use crate::tasks::sql::dialect::{self, Destination};
use crate::tasks::sql::session::{Column, Step, way};
use crate::tasks::sql::split::split;
use crate::tasks::sql::statement::{Statement, Values};
use crate::tasks::sql::{Cell, Lease, Source, SqlError};

/// A table of a database.
pub(super) struct TableTarget<'t> {
    source: Arc<Source>,
    lease: Lease,
    into: &'t Destination,
    /// The statement for the number of rows that was sent last.
    statement: Option<(usize, Statement)>,
}

impl<'t> TableTarget<'t> {
    pub async fn open(source: Arc<Source>, into: &'t Destination) -> Result<TableTarget<'t>, SqlError> {
        if source.read_only() {
            return Err(SqlError::fail(format!("to.datasource: {} is read only", source.name)));
        }
        let mut lease = source.open().await?;
        if source.engine() == Engine::MySql {
            // Instants are written by the clock of UTC, and must be read by it.
            run(&mut lease, "set time_zone = '+00:00'", source.engine()).await.map_err(|error| source.clean(error))?;
        }
        Ok(TableTarget { source, lease, into, statement: None })
    }

    /// Writes a batch: all of it or nothing.
    pub async fn send(&mut self, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), RunError> {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let rows = self.newest_of_each_key(&names, rows);
        let step = self.lease.step(Step::Begin { writes: true }).await;
        step.map_err(|error| self.explain(error))?;
        match self.write(&names, &rows).await {
            Ok(()) => self.lease.step(Step::Commit).await.map_err(|error| self.explain(error)),
            Err(error) => {
                let _the_first_fault_is_the_cause = self.lease.step(Step::Rollback).await;
                Err(error)
            }
        }
    }

    async fn write(&mut self, names: &[String], rows: &[&Vec<Cell>]) -> Result<(), RunError> {
        let at_once = dialect::rows_at_once(self.source.engine(), names.len());
        for chunk in rows.chunks(at_once) {
            let statement =
                self.statement(names, chunk.len()).map_err(|message| RunError::fail(format!("to.table: {message}")))?;
            let values = Values::List(chunk.iter().flat_map(|row| row.iter().cloned()).collect());
            let (out, mut answers) = way();
            let taking = async { while answers.recv().await.is_some() {} };
            let (ran, ()) = tokio::join!(self.lease.run(&statement, &values, out), taking);
            ran.map_err(|error| self.explain(SqlError { position: None, ..error }))?;
        }
        Ok(())
    }

    /// The statement for so many rows, made anew where their number changes.
    fn statement(&mut self, names: &[String], rows: usize) -> Result<Statement, String> {
        if let Some((_, statement)) = self.statement.as_ref().filter(|(known, _)| *known == rows) {
            return Ok(statement.clone());
        }
        let text = dialect::insert(self.source.engine(), self.into, names, rows)?;
        let statement = split(&text, self.source.engine()).pop().ok_or("there is nothing to write")?;
        self.statement = Some((rows, statement.clone()));
        Ok(statement)
    }

    /// Of rows with the same key the last: one statement cannot change a row twice.
    fn newest_of_each_key<'r>(&self, names: &[String], rows: &'r [Vec<Cell>]) -> Vec<&'r Vec<Cell>> {
        if self.into.key.is_empty() {
            return rows.iter().collect();
        }
        let places: Vec<usize> = self.into.key.iter().filter_map(|key| names.iter().position(|name| name == key)).collect();
        let key = |row: &Vec<Cell>| places.iter().map(|place| row[*place].to_json().to_string()).collect::<Vec<_>>();
        let last: HashMap<_, usize> = rows.iter().enumerate().map(|(place, row)| (key(row), place)).collect();
        let mut kept: Vec<usize> = last.into_values().collect();
        kept.sort_unstable();
        kept.into_iter().map(|place| &rows[place]).collect()
    }

    fn explain(&self, error: SqlError) -> RunError {
        let error = self.source.clean(error);
        SqlError { message: format!("{}: {}", self.source.name, error.message), ..error }.into()
    }

    pub async fn close(self, whole: bool) {
        if whole {
            self.lease.finish().await;
        } else {
            self.lease.abort().await;
        }
    }
}

async fn run(lease: &mut Lease, text: &str, engine: Engine) -> Result<(), SqlError> {
    for statement in split(text, engine) {
        let (out, _nothing_comes) = way();
        lease.run(&statement, &Values::None, out).await?;
    }
    Ok(())
}
