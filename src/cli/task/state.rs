//! `belfry task state`: shows or resets what a task keeps from one run to the next.

use clap::Args;

use super::find::with_suggestion;
use crate::cli::Failure;
use crate::cli::call::{ApiClient, Call};
use crate::cli::input::confirm;
use crate::cli::output_options::OutputOptions;
use crate::domain::yaml;

/// Show what a task keeps from one run to the next, or reset it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task state orders-sync                    the watermark from which the next run continues
  belfry task state orders-sync --reset            the next run begins as the first one")]
pub(super) struct State {
    /// The task's id.
    id: String,
    /// Reset the state.
    #[arg(long)]
    reset: bool,
    /// Do not ask for confirmation.
    #[arg(long, short, requires = "reset")]
    yes: bool,
}

impl State {
    pub(super) async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        let State { id, reset, yes } = self;
        let found = client.json(Call::get(&["tasks", &id, "state"]), output).await;
        let found = with_suggestion(client, output, &id, found).await?;
        if reset {
            confirm(&output.fill("task.ask_reset_state", &[("id", &id)]), yes, output)?;
            client.send(Call::delete(&["tasks", &id, "state"]), output).await?;
            return output.print_text("task.state_reset", &[("id", &id)]);
        }
        output.show(&found, |found| match &found["state"] {
            state if state.is_null() => output.line("task.no_state", &[("id", &id)]),
            state => yaml::write(state),
        })
    }
}
