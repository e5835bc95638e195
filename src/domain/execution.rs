//! Executions: one run of a task, and its state machine.
//!
//! ```text
//!              ┌──────────── retry: waits until retry_at ───────────┐
//!              ▼                                                    │
//! (due) ──▶ queued ──▶ running ──▶ succeeded                        │
//!   │          │          ├──────▶ failed, timed_out, interrupted ──┘
//!   │          │          └──────▶ cancelled
//!   │          └──▶ cancelled
//!   ├──▶ skipped   (overlap)
//!   └──▶ missed    (past its grace, or coalesced)
//! ```

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::run_data::RunData;
use super::schedule::Origin;
use super::text_enum::text_enum;
use crate::i18n::{Language, Message};

text_enum! {
    /// The state of an execution.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Status {
        /// Waiting for a worker, or for the next attempt.
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        TimedOut = "timed_out",
        Cancelled = "cancelled",
        /// The process that ran it ended.
        Interrupted = "interrupted",
        /// Due while `max_instances` runs were active.
        Skipped = "skipped",
        /// Not run in time: past its grace period, or coalesced into a later one.
        Missed = "missed",
    }
}

impl Status {
    /// Whether the status is final.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Queued | Status::Running)
    }

    /// Whether the status counts as a failure of the task.
    pub fn is_failure(self) -> bool {
        matches!(self, Status::Failed | Status::TimedOut | Status::Interrupted)
    }
}

text_enum! {
    /// Why an execution exists.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Cause {
        /// Its scheduled time came.
        Schedule = "schedule",
        /// Requested by a person.
        Manual = "manual",
        /// Its scheduled time passed while the scheduler was down or far behind.
        CatchUp = "catch_up",
        /// Started by the end of another execution.
        Chain = "chain",
        /// Requested by a program.
        Api = "api",
        /// Requested by a call of one of the task's hooks.
        Hook = "hook",
        /// An occurrence that was run on purpose, later than it was scheduled.
        Backfill = "backfill",
        /// Ran in another scheduler; its record was imported.
        Import = "import",
    }
}

/// One run of a task as stored, without result and output.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// A ULID; the order of ids is the order in which executions were queued.
    pub id: String,
    pub task_id: String,
    pub task_type: String,
    /// The version of the task at that time.
    pub task_version: Option<i64>,
    /// The task's schedule in one line, as it was then.
    pub schedule_text: String,
    pub params: Value,
    pub cause: Cause,
    pub scheduled_at: DateTime<Utc>,
    pub queued_at: DateTime<Utc>,
    /// Start of the latest attempt.
    pub started_at: Option<DateTime<Utc>>,
    /// End of the latest attempt.
    pub finished_at: Option<DateTime<Utc>>,
    /// From `scheduled_at` to the start of the first attempt, in milliseconds.
    pub lateness_ms: Option<i64>,
    /// The duration of the latest attempt, in milliseconds.
    pub duration_ms: Option<i64>,
    /// The number of the latest attempt, from 1.
    pub attempt: i64,
    pub status: Status,
    /// When the next attempt is due, while the execution waits for it.
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether it waits for another run of its task to end.
    pub waits: bool,
    /// Why it failed or did not run, in English.
    pub error: Option<String>,
    /// The error as a message; `None` for a text from outside.
    pub error_message: Option<Message>,
    /// Name of the node that ran it.
    pub node: Option<String>,
    pub requested_by: Option<String>,
    /// The execution whose end started this one.
    pub started_by: Option<String>,
    /// The rule and the calendars behind an occurrence; `None`: nothing beyond the task itself.
    pub origin: Option<Origin>,
}

/// An execution with its parameters, result, attempts and output.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionDetail {
    pub execution: Execution,
    /// What it was given beside its parameters; `None`: nothing.
    pub given: Option<RunData>,
    /// The parameters with templates rendered and secrets masked; `None` if there were no templates.
    pub filled_params: Option<Value>,
    pub result: Option<Value>,
    /// The executions that its end started (chain), oldest first.
    pub started: Vec<Execution>,
    /// Every attempt, oldest first; the last one is the execution's current state.
    pub attempts: Vec<Attempt>,
    pub output: Vec<OutputChunk>,
}

/// One attempt of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub attempt: i64,
    pub status: Status,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    /// As [`Execution::error`].
    pub error: Option<String>,
    pub error_message: Option<Message>,
    pub node: Option<String>,
}

impl Execution {
    /// The error in a language; empty without one.
    pub fn error_text(&self, language: Language) -> String {
        error_text(self.error.as_deref(), self.error_message.as_ref(), language)
    }
}

impl Attempt {
    /// The error in a language; empty without one.
    pub fn error_text(&self, language: Language) -> String {
        error_text(self.error.as_deref(), self.error_message.as_ref(), language)
    }
}

/// English is shown as stored.
fn error_text(error: Option<&str>, message: Option<&Message>, language: Language) -> String {
    match message {
        Some(message) if language != Language::English => message.text(language),
        _ => error.unwrap_or_default().to_owned(),
    }
}

text_enum! {
    /// The output stream of a process.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Stream {
        Stdout = "stdout",
        Stderr = "stderr",
    }
}

/// A chunk of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// The number of its attempt, from 1.
    pub attempt: i64,
    /// Its position within the attempt, from 0.
    pub seq: i64,
    pub stream: Stream,
    pub at: DateTime<Utc>,
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_causes_round_trip() {
        assert!(Status::ALL.into_iter().all(|s| Status::parse(s.as_str()) == Some(s)));
        assert!(Cause::ALL.into_iter().all(|c| Cause::parse(c.as_str()) == Some(c)));
        assert_eq!((Status::parse("done"), Cause::parse("")), (None, None));
    }
}
