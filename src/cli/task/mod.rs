//! `belfry task`: what to do and when.

mod add;
mod change;
mod diff;
mod edit;
mod find;
mod flags;
mod list;
mod params;
mod set;
mod show;

use clap::{Args, Subcommand};

use super::Failure;
use super::reach::Reach;
use super::run::RunArgs;

pub(super) use find::found;
pub(super) use flags::{parse_span, span};
pub(super) use params::ParamFlags;

/// List, make, change, run, pause and delete tasks.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry task list --status failed
  belfry task add date --type send_cmd --cron \"0 8 * * mon-fri\" --tz Asia/Shanghai --param command=date
  belfry task add -f task.yaml
  belfry task edit date                            opens $VISUAL or $EDITOR
  belfry task edit date --set policy.timeout_seconds=60 --set enabled=false
  belfry task run date --follow                    shows the output as it comes
  belfry task show date --json | jq .schedule.next_run_at")]
pub(super) struct Task {
    #[command(flatten)]
    reach: Reach,
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
}

impl Task {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Task { reach, action } = self;
        reach.run(async |caller, look| match action {
            Action::List(list) => list.run(caller, look).await,
            Action::Show(show) => show.run(caller, look).await,
            Action::Add(add) => add.run(caller, look).await,
            Action::Edit(edit) => edit.run(caller, look).await,
            Action::Rm(rm) => rm.run(caller, look).await,
            Action::Run(run) => run.run(caller, look).await,
            Action::Pause(pause) => pause.run(caller, look).await,
            Action::Resume(resume) => resume.run(caller, look).await,
            Action::Copy(copy) => copy.run(caller, look).await,
        })
    }
}
