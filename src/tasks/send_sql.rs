//! `send_sql`: runs SQL on a database of the settings; its answer becomes the result, a file, or a check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use super::sql::lease::{TimeLimit, until};
use super::sql::session::{Event, Step, way};
use super::sql::split::split;
use super::sql::statement::Statement;
use super::sql::{Datasources, Lease, Source, SqlError};
use super::{Limits, Run, RunContext, RunError, Spec, TaskType, Text, Toolbox};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::tasks::template::is_template;

mod answer;
mod csv_file;
mod expect;
pub(in crate::tasks) mod guard;
mod params;

pub(in crate::tasks) use params::{datasource_schema, values as values_of, values_schema};

use answer::Answer;
use csv_file::CsvFile;
use params::{Output, Params};

/// Runs SQL.
pub struct SendSql {
    datasources: Arc<Datasources>,
    limits: Arc<Limits>,
}

impl SendSql {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { datasources: Arc::clone(&toolbox.datasources), limits: Arc::clone(&toolbox.limits) }
    }
}

impl TaskType for SendSql {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_sql".into(),
            title: Text::of("Run SQL", "执行 SQL"),
            description: Text::of(
                "Runs SQL on a database that the administrator set up, and keeps its answer as the result or in a CSV file, or checks it.",
                "在管理员配置的数据库上执行 SQL，将查询结果保存为执行结果或 CSV 文件，也可用于数据检查。",
            ),
            params_schema: params::schema(),
            example: json!({"sql": "select count(*) as orders from orders where day = :day", "params": {"day": "2026-11-21"}}),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            dangerous: true,
        }
    }

    fn code(&self) -> &'static [&'static str] {
        &["/sql"]
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        let read = Params::read(params);
        let mut faults = read.as_ref().err().cloned().unwrap_or_default();
        let name = params.get("datasource").and_then(Value::as_str);
        if let Err(message) = self.datasources.check(name) {
            faults.push(Fault::new("/datasource", message));
        }
        if let (Ok(read), Ok(source)) = (&read, self.datasources.get(name))
            && faults.is_empty()
        {
            faults.extend(statements(read, &source).err().map(|message| Fault::new("/sql", message)));
        }
        faults
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first)?;
            let source = self.datasources.get(params.datasource.as_deref()).map_err(RunError::fail)?;
            let statements = statements(&params, &source).map_err(RunError::fail)?;
            self.work(&params, &source, &statements, context).await
        })
    }
}

fn first(faults: Vec<Fault>) -> RunError {
    RunError::fail(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default())
}

/// The statements of the text, where they may be run as asked. Nothing is said of a text that holds template expressions.
fn statements(params: &Params, source: &Source) -> Result<Vec<Statement>, String> {
    let statements = split(&params.sql, source.engine());
    if is_template(&params.sql) {
        return Ok(statements);
    }
    guard::check(&statements, &params.values, source, params.transaction)?;
    Ok(statements)
}

impl SendSql {
    async fn work(
        &self,
        params: &Params,
        source: &Source,
        statements: &[Statement],
        context: &RunContext,
    ) -> Result<Value, RunError> {
        let started = Instant::now();
        let mut sink = self.sink(params).await?;
        let limit = params.timeout.map(TimeLimit::of);
        let opened = until(&context.cancel, limit, source.open()).await;
        let mut lease = opened.and_then(std::convert::identity)?;
        let job = Job { params, source, statements, context };
        let ended = until(&context.cancel, limit, job.run(&mut lease, &mut sink)).await;
        let reports = match ended {
            Ok(ended) => {
                lease.finish().await;
                ended?
            }
            Err(cut_off) => {
                lease.abort().await;
                return Err(cut_off.into());
            }
        };
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        sink.into_result(params, reports, elapsed).await
    }

    async fn sink(&self, params: &Params) -> Result<Sink, RunError> {
        match (&params.output, &params.file) {
            (Output::Csv, Some(file)) => Ok(Sink::Csv(Box::new(CsvFile::open(&self.limits, file).await?))),
            _ => Ok(Sink::Rows(Answer::new(params.max_rows))),
        }
    }
}

/// One run on its connection.
struct Job<'j> {
    params: &'j Params,
    source: &'j Source,
    statements: &'j [Statement],
    context: &'j RunContext,
}

/// What a statement came to.
struct Report {
    verb: String,
    rows_affected: u64,
    row_count: u64,
}

impl Job<'_> {
    /// All statements; in one transaction where that was asked for. What is expected is checked before anything counts.
    async fn run(&self, lease: &mut Lease, sink: &mut Sink) -> Result<Vec<Report>, RunError> {
        let writes = self.statements.iter().any(|statement| !statement.answers_rows() || statement.changes_rows());
        let one = self.statements.len() == 1 && self.params.expect.is_none() && self.source.engine().batches_alone();
        let transaction = self.source.read_only() || (self.params.transaction && !one);
        if transaction {
            lease.step(Step::Begin { writes }).await.map_err(|error| self.source.clean(error))?;
        }
        let done = self.run_each(lease, sink).await.and_then(|reports| match &self.params.expect {
            Some(expect) => expect.check(sink, &reports).map(|()| reports),
            None => Ok(reports),
        });
        if transaction {
            // What may only read has nothing that could count.
            let ended = if done.is_ok() && !self.source.read_only() { Step::Commit } else { Step::Rollback };
            let ended = lease.step(ended).await;
            if done.is_ok() {
                ended.map_err(|error| self.source.clean(error))?;
            }
        }
        done
    }

    async fn run_each(&self, lease: &mut Lease, sink: &mut Sink) -> Result<Vec<Report>, RunError> {
        let mut reports = Vec::with_capacity(self.statements.len());
        for (place, statement) in self.statements.iter().enumerate() {
            let report = self.run_one(lease, sink, statement).await.map_err(|error| {
                let error = self.source.clean(error.at(&statement.text(), statement.line));
                let several = self.statements.len() > 1;
                let message = if several {
                    format!("statement {} of {}: {}", place + 1, self.statements.len(), error.message)
                } else {
                    error.message
                };
                self.context.output.line(&format!("{}: {message}", self.source.name));
                RunError { message, retryable: error.retryable, result: None, retry_after: None }
            })?;
            self.context.output.line(&line(&self.source.name, &report));
            reports.push(report);
        }
        Ok(reports)
    }

    async fn run_one(&self, session: &mut Lease, sink: &mut Sink, statement: &Statement) -> Result<Report, SqlError> {
        let (out, rows) = way();
        let (ran, taken) = tokio::join!(session.run(statement, &self.params.values, out), sink.take(rows));
        // Where the rows could not be taken, that is the cause of whatever else went wrong.
        let row_count = taken?;
        Ok(Report { verb: statement.verb().to_owned(), rows_affected: ran?, row_count })
    }
}

fn line(source: &str, report: &Report) -> String {
    let Report { verb, rows_affected, row_count } = report;
    format!("{source}: {verb}: {rows_affected} rows affected, {row_count} rows returned")
}

/// Where rows go.
enum Sink {
    Rows(Answer),
    Csv(Box<CsvFile>),
}

impl Sink {
    /// Takes what one statement answers with; answers how many rows that were.
    async fn take(&mut self, rows: Receiver<Event>) -> Result<u64, SqlError> {
        match self {
            Sink::Rows(answer) => Ok(answer.take(rows).await),
            Sink::Csv(file) => file.take(rows).await,
        }
    }

    /// Rows of the last answer.
    fn row_count(&self) -> u64 {
        match self {
            Sink::Rows(answer) => answer.row_count,
            Sink::Csv(file) => file.row_count(),
        }
    }

    /// The first value of the last answer.
    fn value(&self) -> Value {
        match self {
            Sink::Rows(answer) => answer.value(),
            Sink::Csv(_) => Value::Null,
        }
    }

    async fn into_result(self, params: &Params, reports: Vec<Report>, elapsed_ms: u64) -> Result<Value, RunError> {
        let affected: u64 = reports.iter().map(|report| report.rows_affected).sum();
        let each = |report: &Report| json!({"statement": report.verb, "rows_affected": report.rows_affected, "row_count": report.row_count});
        let mut result = Map::new();
        match self {
            Sink::Rows(answer) if params.output == Output::Value => drop(result.insert("value".into(), answer.value())),
            Sink::Rows(answer) => result.extend(answer.into_members()),
            Sink::Csv(file) => {
                let rows = file.row_count();
                result.insert("file".into(), file.keep().await?.into());
                result.insert("rows".into(), rows.into());
            }
        }
        result.insert("rows_affected".into(), affected.into());
        result.insert("statements".into(), reports.iter().map(each).collect());
        result.insert("elapsed_ms".into(), elapsed_ms.into());
        Ok(Value::Object(result))
    }
}
