//! `belfry run` and `belfry task run`: run a task now.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::follow::{Follow, follow};
use super::outcome;
use super::output_options::{OutputOptions, text};
use super::run_inputs::InputFlags;
use super::task::find::find_task;
use super::task::flags::span;
use super::task::params::ParamFlags;

/// Run a task now, whether it is paused or not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry run date                                  queues a run
  belfry run date --wait && echo done              waits for its end
  belfry run date --follow                         prints its output until it ends
  belfry run report --input city=Shanghai --wait   with values of the task's inputs
  belfry run date --param message=hello --wait     with other parameters for this run

Exit status with --wait or --follow: 0 succeeded; a failed command's own exit status; 124 timed out; 130 cancelled; 1
any other failure. Without a running server the run stays queued; the exit status is 6.")]
pub(super) struct Run {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// Run a task now, whether it is paused or not.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The task's id.
    id: String,
    #[command(flatten)]
    inputs: InputFlags,
    #[command(flatten)]
    params: ParamFlags,
    /// An idempotency key: a repeated request with it starts nothing new.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

/// How to wait for a run.
#[derive(Debug, Args)]
pub(super) struct Waiting {
    /// Wait for the run to end; the exit status is that of the run.
    #[arg(long, short)]
    wait: bool,
    /// Print the output while the run goes on, and wait for its end.
    #[arg(long, short)]
    follow: bool,
    /// How long to wait, such as 5m; the run continues afterwards.
    #[arg(long, value_name = "SPAN")]
    wait_for: Option<String>,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Run { connection, run } = self;
        connection.run(async |client, output| run.run(client, output).await)
    }
}

impl RunArgs {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let task = find_task(client, output, &self.id).await?;
        let mut body = json!({});
        if !self.inputs.is_empty() {
            body["inputs"] = self.inputs.read(&task)?;
        }
        if !self.params.is_empty() {
            body["params"] = self.params.read(text(&task["type"]), client, output).await?;
        }
        let mut call = Call::post(&["tasks", &self.id, "run"]).json(&body);
        if let Some(key) = self.idempotency_key {
            call = call.header("idempotency-key", key);
        }
        let run = client.json(call, output).await?;
        self.waiting.read_more(&run, client, output).await
    }
}

impl Waiting {
    /// Prints a queued run, and waits for it if requested.
    ///
    /// # Errors
    /// [`Failure::Ended`] with the run's exit status; [`Failure::Unreachable`] if no server is there to run it.
    pub(super) async fn read_more(&self, run: &Value, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let id = text(&run["id"]);
        let waits = self.wait || self.follow || self.wait_for.is_some();
        if !waits {
            output.show(run, |_| output.line("run.queued", &[("id", id)]))?;
            if !client.can_run(output).await? {
                output.note(&output.text("run.no_server"));
            }
            return Ok(());
        }
        let limit = match &self.wait_for {
            Some(text) => Some(Duration::from_secs(span("--wait-for", text)?.unsigned_abs())),
            None => None,
        };
        let wanted = Follow { output: self.follow && !output.is_json(), attempt: None, limit };
        let ended = follow(id, &wanted, client, output).await?;
        output.show(&ended, |ended| outcome::line(ended, output))?;
        outcome::status(&ended)
    }
}
