//! `data_sync`: copies the rows of a query to a table of another database or to an HTTP API, in batches. With a watermark the
//! next run or attempt continues where the last one ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use super::http_request::HttpRequest;
use super::send_sql::guard;
use super::sql::lease::run_bounded;
use super::sql::session::{Column, Event, row_channel};
use super::sql::split::split;
use super::sql::statement::Statement;
use super::sql::{Cell, Datasources, Lease, Source};
use super::state::StateStore;
use super::{Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::i18n::message;

mod http_target;
mod params;
mod progress;
mod table_target;

use http_target::{HttpTarget, HttpTargets};
use params::{Params, TargetParams};
use progress::Progress;
use table_target::TableTarget;

/// A batch of this many bytes is sent before it has all its rows.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// The task type `data_sync`.
pub struct DataSync {
    datasources: Arc<Datasources>,
    states: StateStore,
    http: HttpTargets,
}

impl DataSync {
    /// `http` is the task type that sends batches to an API.
    pub fn new(toolbox: &Toolbox, http: Arc<HttpRequest>) -> Self {
        let (datasources, states) = (Arc::clone(&toolbox.datasources), StateStore::new(toolbox));
        Self { datasources, states, http: HttpTargets::new(http) }
    }
}

impl TaskType for DataSync {
    fn spec(&self) -> Spec {
        Spec {
            name: "data_sync".into(),
            title: Text::new("Sync data", "数据同步"),
            description: Text::new(
                "Copies the rows of a query to another database or to an HTTP API, in batches, and continues in the next run where it \
                    ended.",
                "将查询结果分批写入另一个数据库或推送到 HTTP 接口，下次运行从上次结束的位置继续。",
            ),
            params_schema: params::schema(&self.http.schema()),
            example: json!({
                "from": {"datasource": "sales", "sql": "select id, total, updated_at from orders where updated_at > :watermark order by updated_at"},
                "to": {"datasource": "reports", "table": "orders", "mode": "upsert", "key": ["id"]},
                "watermark": {"column": "updated_at", "start": "2026-01-01"},
            }),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            dangerous: true,
        }
    }

    fn code(&self) -> &'static [&'static str] {
        &["/from/sql"]
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        let mut faults = Params::read(params).err().unwrap_or_default();
        for side in ["from", "to"] {
            let name = params.pointer(&format!("/{side}/datasource")).and_then(Value::as_str);
            let is_datasource = side == "from" || params.pointer("/to/table").is_some();
            if let (true, Err(message)) = (is_datasource, self.datasources.check(name)) {
                faults.push(Fault::new(format!("/{side}/datasource"), message));
            }
        }
        if let Some(http) = params.pointer("/to/http") {
            faults.extend(self.http.check(http));
        }
        faults
    }

    fn uses_profiles(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first_fault)?;
            let started = Instant::now();
            let state = match &params.watermark {
                Some(_) => Some(self.states.read(context).await?),
                None => None,
            };
            let kept = state.as_ref().and_then(|state| state.value().cloned());
            let mut progress = Progress::new(params.watermark.as_ref(), kept);
            let mut outcome = self.work(&params, &mut progress, context).await;
            if let (Some(state), Some(reached)) = (&state, progress.state(outcome.is_ok())) {
                outcome = state.save(&reached).await.and(outcome);
            }
            let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            match outcome {
                Ok(()) => Ok(progress.into_result(true, elapsed)),
                Err(error) => Err(error.with_result(progress.into_result(false, elapsed))),
            }
        })
    }
}

impl DataSync {
    async fn work(&self, params: &Params, progress: &mut Progress, context: &RunContext) -> Result<(), RunError> {
        let source = self.datasources.get(params.from.datasource.as_deref());
        let source = source.map_err(|problem| RunError::fail(message!("sync.side", side = "from", problem)))?;
        let statement = statement(params, &source, progress)?;
        let opening = async { tokio::try_join!(source.open(), self.target(params, context)) };
        let (mut reader, mut target) = run_bounded(&context.cancel, None, opening).await.and_then(std::convert::identity)?;
        let transfer = Transfer { source: &source, statement: &statement, params, context };
        let ended = run_bounded(&context.cancel, None, transfer.run(&mut reader, &mut target, progress)).await;
        let complete = matches!(ended, Ok(Ok(())));
        // After a failure a statement may still be running on the server.
        let closing = async {
            if complete {
                reader.finish().await;
            } else {
                reader.abort().await;
            }
        };
        tokio::join!(closing, target.close(complete));
        ended.map_err(RunError::from).and_then(std::convert::identity)
    }

    async fn target<'t>(&'t self, params: &'t Params, context: &'t RunContext) -> Result<Target<'t>, super::sql::SqlError> {
        Ok(match &params.to {
            TargetParams::Http(given) => Target::Http(self.http.target(given, context)),
            TargetParams::Table { datasource, destination } => {
                let source = self.datasources.get(datasource.as_deref());
                let source = source.map_err(|problem| super::sql::SqlError::fail(message!("sync.side", side = "to", problem)))?;
                Target::Table(TableTarget::open(source, destination).await?)
            }
        })
    }
}

/// The query: exactly one statement that only reads.
fn statement(params: &Params, source: &Source, progress: &Progress) -> Result<Statement, RunError> {
    let mut statements = split(&params.from.sql, source.engine());
    guard::check(&statements, &params.values(progress), source, false)
        .map_err(|problem| RunError::fail(message!("sync.side", side = "from", problem)))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(only), true) if !only.changes_rows() => Ok(only),
        _ => Err(RunError::fail(message!("sync.one_query"))),
    }
}

/// The target of the rows.
enum Target<'t> {
    Http(HttpTarget<'t>),
    Table(TableTarget<'t>),
}

impl Target<'_> {
    async fn send(&mut self, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), RunError> {
        match self {
            Target::Http(http) => http.send(columns, rows).await,
            Target::Table(table) => table.send(columns, rows).await,
        }
    }

    async fn close(self, complete: bool) {
        match self {
            Target::Http(_) => {}
            Target::Table(table) => table.close(complete).await,
        }
    }
}

/// One transfer from the source to the target.
struct Transfer<'j> {
    source: &'j Source,
    statement: &'j Statement,
    params: &'j Params,
    context: &'j RunContext,
}

impl Transfer<'_> {
    /// Reads and sends concurrently; at most one batch is read ahead while the previous one is sent.
    async fn run(&self, reader: &mut Lease, target: &mut Target<'_>, progress: &mut Progress) -> Result<(), RunError> {
        let (out, rows) = row_channel();
        let values = self.params.values(progress);
        let mut reading = std::pin::pin!(reader.run(self.statement, &values, out));
        let mut sending = std::pin::pin!(self.send_all(rows, target, progress));
        tokio::select! {
            sent = &mut sending => {
                sent?;
                reading.await.map_err(|error| self.to_run_error(error))?;
            }
            read = &mut reading => {
                // Rows read before a failure are still sent.
                sending.await?;
                read.map_err(|error| self.to_run_error(error))?;
            }
        }
        Ok(())
    }

    fn to_run_error(&self, error: super::sql::SqlError) -> RunError {
        self.source.redact(error.with_location(&self.statement.text(), self.statement.line)).into()
    }

    async fn send_all(
        &self,
        mut events: Receiver<Event>,
        target: &mut Target<'_>,
        progress: &mut Progress,
    ) -> Result<(), RunError> {
        let mut columns: Arc<[Column]> = Arc::default();
        let mut batch = Vec::with_capacity(self.params.batch_size.min(1000));
        let mut bytes = 0;
        while let Some(event) = events.recv().await {
            match event {
                Event::Columns(names) => {
                    progress.set_columns(&names).map_err(RunError::fail)?;
                    columns = names;
                }
                Event::Row(row) => {
                    bytes += row.iter().map(Cell::size).sum::<usize>();
                    batch.push(row);
                }
            }
            if batch.len() >= self.params.batch_size || bytes >= BATCH_BYTES_MAX {
                bytes = 0;
                self.send(&columns, &mut batch, target, progress).await?;
            }
        }
        if batch.is_empty() { Ok(()) } else { self.send(&columns, &mut batch, target, progress).await }
    }

    async fn send(
        &self,
        columns: &[Column],
        batch: &mut Vec<Vec<Cell>>,
        target: &mut Target<'_>,
        progress: &mut Progress,
    ) -> Result<(), RunError> {
        progress.record_attempt(batch);
        target.send(columns, batch).await?;
        progress.record_sent(batch);
        self.context.output.line(&format!("{} rows sent", progress.rows()));
        batch.clear();
        Ok(())
    }
}
