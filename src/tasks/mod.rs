//! Task types: the kinds of work that a task can run. A new type is one file with a [`TaskType`] and one line in `registry.rs`.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::domain::fault::Fault;
use crate::domain::policy::Policy;
pub use crate::i18n::Text;
use crate::i18n::{Message, message};
use crate::storage;
use crate::tasks::output::OutputSink;

pub mod auto_test;
pub mod backup;
pub mod data_sync;
pub mod echo;
pub mod executables;
pub mod files;
pub mod http_request;
pub mod limits;
pub mod mailer;
pub mod outbound;
pub mod output;
pub mod process;
mod public_address;
pub mod query_log;
pub mod registry;
mod schema_fault;
pub mod send_cmd;
pub mod send_email;
pub mod send_sms;
pub mod send_sql;
pub mod sql;
mod state;
mod task_files;
pub mod template;
pub mod toolbox;
mod transport_error;

pub use limits::Limits;
pub use toolbox::Toolbox;

/// A kind of work. One value serves all runs, so it holds settings and connection pools, never the state of a run.
pub trait TaskType: Send + Sync + 'static {
    /// The type's name, texts, parameter schema and defaults.
    fn spec(&self) -> Spec;

    /// Faults that the schema cannot express, with JSON pointers into `params` (`/url`). Must not perform I/O.
    fn check(&self, _params: &Value) -> Vec<Fault> {
        Vec::new()
    }

    /// JSON pointers to parameters that are executed as code (a shell command, SQL). Results of other runs are not substituted
    /// there.
    fn code(&self) -> &'static [&'static str] {
        &[]
    }

    /// The parameters that somebody who may run a task but not edit it may replace for one run: content, never what decides where it
    /// goes or what is executed.
    fn overridable(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether runs look up profiles: mail servers, SMS providers, datasources or HTTP services.
    fn uses_profiles(&self) -> bool {
        false
    }

    /// Runs one attempt. At the time limit or on cancellation the executor cancels `context.cancel`, waits a short grace period,
    /// then drops the future; dropping it must end everything that the run has started.
    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a>;
}

/// The future of a run: its result as JSON, or an error.
pub type Run<'a> = Pin<Box<dyn Future<Output = Result<Value, RunError>> + Send + 'a>>;

/// The description of a task type.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The name in `type`, such as `send_cmd`.
    pub name: Cow<'static, str>,
    pub title: Text,
    pub description: Text,
    /// JSON Schema 2020-12 of the parameters. Objects reject unknown properties; every property has a `description`
    /// (English) and `x-description-zh`.
    pub params_schema: Value,
    /// Valid example parameters.
    pub example: Value,
    pub default_policy: Policy,
    /// Whether runs can do anything on the machine; only administrators may create tasks of such a type.
    pub dangerous: bool,
}

/// The context of one attempt.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Passed to called systems as idempotency key, because execution is at-least-once.
    pub execution_id: String,
    pub task_id: String,
    /// Attempt number, from 1.
    pub attempt: i64,
    pub scheduled_at: DateTime<Utc>,
    /// Cancelled when the run should end: on a user's request, at its time limit, or on server shutdown.
    pub cancel: CancellationToken,
    pub output: OutputSink,
}

/// Why a run failed. A failed run is an outcome, not a server error.
#[derive(Debug, Clone, PartialEq)]
pub struct RunError {
    /// What is wrong, for users; contains no secrets.
    pub message: Message,
    /// Whether another attempt may succeed (connection failure, temporary error).
    pub retryable: bool,
    /// The partial result (an exit code, an HTTP status).
    pub result: Option<Value>,
    /// The delay that the remote side asked for (`Retry-After`). The next attempt waits at least this long, capped by the
    /// policy's maximum delay.
    pub retry_after: Option<Duration>,
}

impl RunError {
    /// A retryable error: another attempt may succeed.
    pub fn retry(message: Message) -> Self {
        Self { message, retryable: true, result: None, retry_after: None }
    }

    /// A permanent error: another attempt would fail the same way.
    pub fn fail(message: Message) -> Self {
        Self { message, retryable: false, result: None, retry_after: None }
    }

    /// A retryable error of Belfry's own database.
    pub fn database(error: &storage::Error) -> Self {
        Self::retry(message!("run.database", error = error.to_string()))
    }

    /// A retryable error inside of Belfry, such as a thread that panicked.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        Self::retry(message!("run.internal", error = error.to_string()))
    }

    /// The error with its message changed.
    #[must_use]
    pub fn map_message(self, change: impl FnOnce(Message) -> Message) -> Self {
        Self { message: change(self.message), ..self }
    }

    /// Sets the partial result.
    #[must_use]
    pub fn with_result(mut self, result: Value) -> Self {
        self.result = Some(result);
        self
    }

    /// Sets the delay that the remote side asked for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

/// The faults that can be reported when a task is saved. Values that contain a template are checked before the run, once the
/// template is rendered.
pub(crate) fn without_template_faults(params: &Value, mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.retain(|fault| !params.pointer(&fault.pointer).and_then(Value::as_str).is_some_and(template::is_template));
    faults
}

/// The first fault of a run's parameters as a permanent error.
pub(crate) fn first_fault(faults: Vec<Fault>) -> RunError {
    let first = faults.into_iter().next().map(|fault| fault.message);
    RunError::fail(first.unwrap_or_else(|| message!("param.invalid")))
}

/// The fault of parameters that do not have the form that the schema describes.
pub(in crate::tasks) fn unreadable(error: &serde_json::Error) -> Vec<Fault> {
    vec![Fault::new("", message!("param.unreadable", error = error.to_string()))]
}

/// When parameters are parsed: on saving, with templates not rendered yet, or at the run, with templates rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tasks) enum Stage {
    Saved,
    Run,
}

impl Stage {
    /// Whether the text is final, so that it can be checked now.
    pub fn is_resolved(self, text: &str) -> bool {
        self == Stage::Run || !template::is_template(text)
    }
}
