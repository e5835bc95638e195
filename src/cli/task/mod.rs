//! `belfry task`: manages tasks.

mod add;
mod change;
mod diff;
mod edit;
pub(super) mod find;
pub(super) mod flags;
mod input;
mod list;
pub(super) mod params;
mod set;
mod show;
mod state;

use clap::{Args, Subcommand};

use super::Failure;
use super::connection_args::ConnectionArgs;
use super::run::RunArgs;

/// List, create, change, run, pause and delete tasks.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task list --status failed
  belfry task add date --type send_cmd --cron \"0 8 * * mon-fri\" --tz Asia/Shanghai --param command=date
  belfry task add -f task.yaml
  belfry task edit date                            opens $VISUAL or $EDITOR
  belfry task edit date --set policy.timeout_seconds=60 --set enabled=false
  belfry task run date --follow                    prints the output until it ends
  belfry task show date --json | jq .schedule.next_run_at")]
pub(super) struct Task {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    #[command(visible_alias = "ls")]
    List(list::List),
    Show(show::Show),
    Add(add::Add),
    Edit(edit::Edit),
    Rm(change::Rm),
    Run(RunArgs),
    Pause(change::Pause),
    Resume(change::Resume),
    Copy(change::Copy),
    State(state::State),
}

impl Task {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Task { connection, action } = self;
        connection.run(async |client, output| match action {
            Action::List(list) => list.run(client, output).await,
            Action::Show(show) => show.run(client, output).await,
            Action::Add(add) => add.run(client, output).await,
            Action::Edit(edit) => edit.run(client, output).await,
            Action::Rm(rm) => rm.run(client, output).await,
            Action::Run(run) => run.run(client, output).await,
            Action::Pause(pause) => pause.run(client, output).await,
            Action::Resume(resume) => resume.run(client, output).await,
            Action::Copy(copy) => copy.run(client, output).await,
            Action::State(state) => state.run(client, output).await,
        })
    }
}
