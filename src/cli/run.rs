//! `belfry run`, also `belfry task run`: one run of a task, now.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::call::{Call, Caller};
use super::follow::{Follow, follow};
use super::look::{Look, text};
use super::outcome;
use super::reach::Reach;
use super::task::{ParamFlags, found};

/// Run a task now, whether it is paused or not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry run date                                  queues a run
  belfry run date --wait && echo done              waits for its end
  belfry run date --follow                         shows its output as it comes
  belfry run date --param message=hello --wait     other parameters, this once

Exit status with --wait or --follow: 0 succeeded; of a command that failed its own exit status; 124 timed out; 130 cancelled; 1
any other failure. Without a running server the run waits in the queue, which is said, with exit status 6.")]
pub(super) struct Run {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    run: RunArgs,
}

/// Run a task now, whether it is paused or not.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The task's id.
    id: String,
    #[command(flatten)]
    params: ParamFlags,
    /// A key under which a repeated call starts nothing new.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// Whether to wait for a run.
#[derive(Debug, Args)]
pub(super) struct Waiting {
    /// Wait for the end of the run, and end with what it came to.
    #[arg(long, short)]
    wait: bool,
    /// Show the output as it comes, and wait for the end.
    #[arg(long, short)]
    follow: bool,
    /// How long to wait, such as 5m; the run goes on.
    #[arg(long, value_name = "SPAN")]
    wait_for: Option<String>,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Run { reach, run } = self;
        reach.run(async |caller, look| run.run(caller, look).await)
    }
}

impl RunArgs {
    pub(super) async fn run(self, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let task = found(caller, look, &self.id).await?;
        let mut body = json!({});
        if !self.params.is_empty() {
            body["params"] = self.params.read(text(&task["type"]), caller, look).await?;
        }
        let mut call = Call::post(&["tasks", &self.id, "run"]).json(&body);
        if let Some(key) = self.idempotency_key {
            call = call.header("idempotency-key", key);
        }
        let run = caller.json(call, look).await?;
        self.waiting.go_on(&run, caller, look).await
    }
}

impl Waiting {
    /// Answers with a run that was queued, and waits for it where that was asked for.
    ///
    /// # Errors
    /// [`Failure::Ended`] with what the run came to; [`Failure::Unreachable`] where nothing is there to run it.
    pub(super) async fn go_on(&self, run: &Value, caller: &Caller, look: &Look) -> Result<(), Failure> {
        let id = text(&run["id"]);
        let waits = self.wait || self.follow || self.wait_for.is_some();
        if !waits {
            look.show(run, |_| look.line("run.queued", &[("id", id)]))?;
            if !caller.can_run(look).await? {
                look.note(&look.text("run.nobody"));
            }
            return Ok(());
        }
        let limit = match &self.wait_for {
            Some(text) => Some(Duration::from_secs(super::task::span("--wait-for", text)?.unsigned_abs())),
            None => None,
        };
        let wanted = Follow { output: self.follow && !look.is_json(), attempt: None, limit };
        let ended = follow(id, &wanted, caller, look).await?;
        look.show(&ended, |ended| outcome::line(ended, look))?;
        outcome::status(&ended)
    }
}
