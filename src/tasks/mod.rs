//! Task types: what a task can do. A further type is one file with a [`TaskType`] in it and one line in `registry.rs`.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
use crate::tasks::output::OutputSink;

pub mod auto_test;
pub mod backup;
pub mod data_sync;
pub mod echo;
pub mod executables;
pub mod http_request;
pub mod limits;
pub mod notify;
pub mod output;
pub mod process;
pub mod query_log;
pub mod registry;
mod schema_fault;
pub mod send_cmd;
pub mod send_email;
pub mod send_sms;
pub mod send_sql;
pub mod sql;
pub mod template;
pub mod toolbox;

pub use limits::Limits;
pub use toolbox::Toolbox;

/// A kind of work. One value serves all runs, so it holds settings and pools, never the state of a run.
pub trait TaskType: Send + Sync + 'static {
    /// What the type is called and takes.
    fn spec(&self) -> Spec;

    /// Faults that the schema cannot express, with pointers into `params` (`/url`). Must not do any input or output.
    fn check(&self, params: &Value) -> Vec<Fault> {
        let _nothing_beyond_the_schema = params;
        Vec::new()
    }

    /// Pointers to texts in the parameters that are run as code: a shell's, a database's. What another run gave is not filled in
    /// there.
    fn code(&self) -> &'static [&'static str] {
        &[]
    }

    /// Does the work once. The executor ends it at its time limit or cancellation by dropping the future, after giving it
    /// `context.cancel` and a short while to end by itself; whatever it started must then be ended by its drop.
    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a>;
}

/// What a run gives: its result as JSON, or why there is none.
pub type Run<'a> = Pin<Box<dyn Future<Output = Result<Value, RunError>> + Send + 'a>>;

/// How a task type presents itself.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The name in `type`, such as `send_cmd`.
    pub name: Cow<'static, str>,
    pub title: Text,
    pub description: Text,
    /// JSON Schema 2020-12 of the parameters. Objects refuse unknown properties; every property has a `description`
    /// (English) and `x-description-zh`.
    pub params_schema: Value,
    /// Parameters to start from.
    pub example: Value,
    pub default_policy: Policy,
    /// Can do anything on the machine, so only administrators may set it up.
    pub dangerous: bool,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub en: Cow<'static, str>,
    pub zh: Cow<'static, str>,
}

impl Text {
    /// A text that the program holds.
    pub const fn of(en: &'static str, zh: &'static str) -> Self {
        Self { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }
}

/// What a run knows of itself.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Given to whatever is called, as idempotency key: a run is at-least-once.
    pub execution_id: String,
    pub task_id: String,
    /// From 1.
    pub attempt: i64,
    pub scheduled_at: DateTime<Utc>,
    /// Cancelled when the run should end: asked for by somebody, past its time limit, or the server is stopping.
    pub cancel: CancellationToken,
    pub output: OutputSink,
}

/// Why a run has no result to be glad of. A failed run is an outcome, not an error of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct RunError {
    /// What went wrong, for people; no secrets.
    pub message: String,
    /// Another attempt may succeed (a connection fault, "try later"); false where it would only fail again.
    pub retryable: bool,
    /// What there is of a result all the same (an exit code, an HTTP status).
    pub result: Option<Value>,
    /// How long the other side asked to be left alone; another attempt waits at least so long, as far as the policy's
    /// longest wait allows.
    pub retry_after: Option<Duration>,
}

impl RunError {
    /// Another attempt may succeed.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: true, result: None, retry_after: None }
    }

    /// Another attempt would only fail again.
    pub fn fail(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: false, result: None, retry_after: None }
    }

    /// With what there is of a result.
    #[must_use]
    pub fn with_result(mut self, result: Value) -> Self {
        self.result = Some(result);
        self
    }

    /// With how long the other side asked to be left alone.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

/// The faults that stand already when a task is saved: a text with a template in it is judged when it is filled in, before
/// the run.
pub(crate) fn settled(params: &Value, mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.retain(|fault| !params.pointer(&fault.pointer).and_then(Value::as_str).is_some_and(template::is_template));
    faults
}

/// Why a run cannot begin with the parameters it was given: the first of their faults.
pub(crate) fn first(faults: Vec<Fault>) -> RunError {
    RunError::fail(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default())
}

/// When parameters are read: what is to be filled in cannot be judged yet, or has been filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tasks) enum Stage {
    Saved,
    Run,
}

impl Stage {
    /// Whether a text can be judged now.
    pub fn knows(self, text: &str) -> bool {
        self == Stage::Run || !template::is_template(text)
    }
}
