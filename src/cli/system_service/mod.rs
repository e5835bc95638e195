//! `belfry service`: Belfry as a service of Windows, which starts with the machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::output_options::OutputFlags;
use super::serve::Serve;

#[cfg(windows)]
mod event_log;
#[cfg(windows)]
mod host;
#[cfg(windows)]
mod manager;
#[cfg(windows)]
mod paths;
#[cfg(windows)]
pub(super) mod status;

/// Install and control Belfry as a Windows service.
#[derive(Debug, Args)]
#[command(hide = !cfg!(windows), after_help = "Examples (in an administrator's console):
  belfry service install                             data in %ProgramData%\\Belfry
  belfry service install --config D:\\belfry\\belfry.toml --data-dir D:\\belfry\\data
  belfry service start
  belfry service status
  belfry service stop
  belfry service uninstall

The service starts with the machine and is restarted after a failure. Start, stop and failures are in the event log.")]
pub(super) struct SystemService {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Install(Box<Install>),
    /// Start the service and wait until it is ready.
    Start(Named),
    /// Stop the service in order and wait until it has ended.
    Stop(Named),
    /// Show whether the service is installed and running.
    Status(Named),
    /// Stop and remove the service; its data stays.
    Uninstall(Named),
    #[command(hide = true)]
    Run(Box<Run>),
}

/// Install the service; it starts with the machine.
#[derive(Debug, Args)]
struct Install {
    #[command(flatten)]
    named: Named,
    /// The account that the service and the commands of tasks run as; by default "NT SERVICE\NAME", which has few rights.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Read the password of the account from this file.
    #[arg(long, value_name = "FILE", requires = "account")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Args)]
struct Named {
    /// The name of the service.
    #[arg(long, value_name = "NAME", default_value = "belfry")]
    name: String,
    #[command(flatten)]
    output: OutputFlags,
}

/// Run as the service; only the service manager of Windows can start this.
#[derive(Debug, Args)]
struct Run {
    #[arg(long)]
    name: String,
    /// The working folder, which relative paths in the settings start from.
    #[arg(long)]
    folder: PathBuf,
    #[command(flatten)]
    serve: Serve,
}

#[cfg(windows)]
impl SystemService {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Install(install) => manager::install(&install),
            Action::Start(named) => manager::start(&named),
            Action::Stop(named) => manager::stop(&named),
            Action::Status(named) => manager::show_status(&named),
            Action::Uninstall(named) => manager::uninstall(&named),
            Action::Run(run) => host::run(*run),
        }
    }
}

#[cfg(not(windows))]
impl SystemService {
    /// Other systems have service managers of their own.
    pub(super) fn run(self) -> Result<(), Failure> {
        let named = match self.action {
            Action::Install(install) => install.named,
            Action::Start(named) | Action::Stop(named) | Action::Status(named) | Action::Uninstall(named) => named,
            Action::Run(run) => Named { name: run.name, output: OutputFlags::default() },
        };
        Err(Failure::Usage(named.output.output()?.text("service.windows_only")))
    }
}
