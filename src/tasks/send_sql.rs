//! `send_sql`: runs SQL on a configured datasource and stores the rows in the result or a CSV file, or checks them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Receiver;

use super::sql::lease::{TimeLimit, run_bounded};
use super::sql::session::{Event, Step, row_channel};
use super::sql::split::split;
use super::sql::statement::Statement;
use super::sql::{Datasources, Lease, Source, SqlError};
use super::{Run, RunContext, RunError, Spec, TaskType, Text, Toolbox, first_fault};
use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::i18n::{Message, message};
use crate::tasks::template::is_template;

mod csv_file;
mod expect;
pub(in crate::tasks) mod guard;
mod params;
mod result_rows;

pub(in crate::tasks) use params::{datasource_schema, values as values_of, values_schema};

use csv_file::CsvFile;
use params::{Output, Params};
use result_rows::ResultRows;

/// The task type `send_sql`.
pub struct SendSql {
    datasources: Arc<Datasources>,
    toolbox: Toolbox,
}

impl SendSql {
    pub fn new(toolbox: &Toolbox) -> Self {
        Self { datasources: Arc::clone(&toolbox.datasources), toolbox: toolbox.clone() }
    }
}

impl TaskType for SendSql {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_sql".into(),
            title: Text::new("Run SQL", "执行 SQL"),
            description: Text::new(
                "Runs SQL on a datasource of the settings and stores the rows in the result or in a CSV file, or checks them.",
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

    fn uses_profiles(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(first_fault)?;
            let source = self.datasources.get(params.datasource.as_deref()).map_err(RunError::fail)?;
            let statements = statements(&params, &source).map_err(RunError::fail)?;
            self.work(&params, &source, &statements, context).await
        })
    }
}

/// The checked statements of the text. A text with template expressions is not checked.
fn statements(params: &Params, source: &Source) -> Result<Vec<Statement>, Message> {
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
        let mut sink = self.sink(params, context).await?;
        let limit = params.timeout.map(TimeLimit::new);
        let opened = run_bounded(&context.cancel, limit, source.open()).await;
        let mut lease = opened.and_then(std::convert::identity)?;
        let job = Job { params, source, statements, context };
        let ended = run_bounded(&context.cancel, limit, job.run(&mut lease, &mut sink)).await;
        let reports = match ended {
            Ok(ended) => {
                lease.finish().await;
                ended?
            }
            Err(interrupted) => {
                lease.abort().await;
                return Err(interrupted.into());
            }
        };
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        sink.into_result(params, reports, elapsed).await
    }

    async fn sink(&self, params: &Params, context: &RunContext) -> Result<Sink, RunError> {
        match (&params.output, &params.file) {
            (Output::Csv, Some(file)) => {
                Ok(Sink::Csv(Box::new(CsvFile::open(self.toolbox.files_of(&context.task_id).await?, file).await?)))
            }
            _ => Ok(Sink::Rows(ResultRows::new(params.max_rows))),
        }
    }
}

/// One run on a connection.
struct Job<'j> {
    params: &'j Params,
    source: &'j Source,
    statements: &'j [Statement],
    context: &'j RunContext,
}

/// The outcome of a statement.
struct Report {
    verb: String,
    rows_affected: u64,
    row_count: u64,
}

impl Job<'_> {
    /// Runs all statements, in one transaction if requested. `expect` is checked before the commit.
    async fn run(&self, lease: &mut Lease, sink: &mut Sink) -> Result<Vec<Report>, RunError> {
        let writes = self.statements.iter().any(|statement| !statement.returns_rows() || statement.changes_rows());
        let single_batch =
            self.statements.len() == 1 && self.params.expect.is_none() && self.source.engine().single_statement_is_atomic();
        let transaction = self.source.read_only() || (self.params.transaction && !single_batch);
        if transaction {
            lease.step(Step::Begin { writes }).await.map_err(|error| self.source.redact(error))?;
        }
        let outcome = self.run_each(lease, sink).await.and_then(|reports| match &self.params.expect {
            Some(expect) => expect.check(sink, &reports).map(|()| reports),
            None => Ok(reports),
        });
        if transaction {
            // A read-only datasource has nothing to commit.
            let ended = if outcome.is_ok() && !self.source.read_only() { Step::Commit } else { Step::Rollback };
            let ended = lease.step(ended).await;
            if outcome.is_ok() {
                ended.map_err(|error| self.source.redact(error))?;
            }
        }
        outcome
    }

    async fn run_each(&self, lease: &mut Lease, sink: &mut Sink) -> Result<Vec<Report>, RunError> {
        let mut reports = Vec::with_capacity(self.statements.len());
        for (index, statement) in self.statements.iter().enumerate() {
            let report = self.run_one(lease, sink, statement).await.map_err(|error| {
                let error = self.source.redact(error.with_location(&statement.text(), statement.line));
                let message = match self.statements.len() {
                    1 => error.message,
                    count => message!("sql.statement_of", number = index + 1, count, problem = error.message),
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
        let (out, rows) = row_channel();
        let (ran, received) = tokio::join!(session.run(statement, &self.params.values, out), sink.take(rows));
        // An error of the row sink is the cause of the error of the statement, so it is returned first.
        let row_count = received?;
        Ok(Report { verb: statement.verb().to_owned(), rows_affected: ran?, row_count })
    }
}

fn line(source: &str, report: &Report) -> String {
    let Report { verb, rows_affected, row_count } = report;
    format!("{source}: {verb}: {rows_affected} rows affected, {row_count} rows returned")
}

/// The receiver of rows.
enum Sink {
    Rows(ResultRows),
    Csv(Box<CsvFile>),
}

impl Sink {
    /// Receives the rows of one statement; returns their number.
    async fn take(&mut self, rows: Receiver<Event>) -> Result<u64, SqlError> {
        match self {
            Sink::Rows(buffer) => Ok(buffer.take(rows).await),
            Sink::Csv(file) => file.take(rows).await,
        }
    }

    /// The number of rows of the last result set.
    fn row_count(&self) -> u64 {
        match self {
            Sink::Rows(buffer) => buffer.row_count,
            Sink::Csv(file) => file.row_count(),
        }
    }

    /// The first value of the last result set.
    fn value(&self) -> Value {
        match self {
            Sink::Rows(buffer) => buffer.value(),
            Sink::Csv(_) => Value::Null,
        }
    }

    async fn into_result(self, params: &Params, reports: Vec<Report>, elapsed_ms: u64) -> Result<Value, RunError> {
        let affected: u64 = reports.iter().map(|report| report.rows_affected).sum();
        let each = |report: &Report| json!({"statement": report.verb, "rows_affected": report.rows_affected, "row_count": report.row_count});
        let mut result = Map::new();
        match self {
            Sink::Rows(buffer) if params.output == Output::Value => drop(result.insert("value".into(), buffer.value())),
            Sink::Rows(buffer) => result.extend(buffer.into_members()),
            Sink::Csv(file) => {
                let rows = file.row_count();
                result.insert("file".into(), file.publish().await?.into());
                result.insert("rows".into(), rows.into());
            }
        }
        result.insert("rows_affected".into(), affected.into());
        result.insert("statements".into(), reports.iter().map(each).collect());
        result.insert("elapsed_ms".into(), elapsed_ms.into());
        Ok(Value::Object(result))
    }
}
