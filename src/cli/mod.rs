//! The command line: one module per command. Results go to standard output, everything else to standard error.
//! Exit status: 0 success, 1 failure, 2 invalid command line, setting or request, 3 not found or left out of an import, 4 refused,
//! 5 conflict, 6 unreachable; commands that wait for a run use the run's (`outcome`).
mod audit;
mod backfill;
mod backup;
mod bench;
mod calendar;
mod calendar_flags;
mod call;
mod connection_args;
mod connection_test;
mod datasource;
mod doctor;
mod document;
mod editor;
mod environment;
mod executions;
mod export;
mod follow;
mod freeze;
mod heartbeat;
mod hook;
mod import;
mod incidents;
mod init;
mod input;
mod logs;
mod mail_sms_profiles;
mod notify;
mod notify_rules;
mod openapi;
mod outcome;
mod output_options;
mod pages;
mod preview;
mod process_secrets;
mod restore;
mod run;
mod run_inputs;
mod secret;
mod serve;
mod shell;
mod source_line;
mod stop;
mod supervisor;
mod system_service;
mod table;
mod task;
mod token;
mod types;
mod usage_error;
mod user;
mod verify;
mod version;
mod watch;
mod why;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::StartError;
use crate::config::SettingsError;
use crate::i18n::Message;
use crate::service;

const EXAMPLES: &str = "\
Examples:
  belfry                                      serve on http://127.0.0.1:8398/, data in ./data
  belfry serve --listen 0.0.0.0:8398          serve on every address of this machine
  belfry serve --config /etc/belfry.toml      with a settings file
  belfry serve --set workers.limit=8          any setting by its name
  belfry init                                 commented settings file, data folder, first administrator
  belfry task add date --type send_cmd --cron \"0 8 * * mon-fri\" --param command=date
  belfry run date --follow                    run it now and follow its output
  belfry task list --server https://belfry.example.com --token-file token.txt
  belfry doctor                               find problems and how to fix them

Exit status: 0 success; 1 failure; 2 invalid command line, setting or request; 3 not found, or left out of an import; 4 not signed in or
not allowed; 5 conflict: it already exists, somebody else changed it, or its state does not allow this; 6 the server or the database
does not answer, or no server is there to run it. With --wait and --follow that of the run; see `belfry run --help`.

Settings are read from belfry.toml, then BELFRY_<SECTION>_<KEY> variables, then flags; see belfry.example.toml.";

/// A self-hosted task scheduler: pages, JSON API, scheduler and workers in one process.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, about, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    serve: serve::Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Declares the commands: the name, and the arguments that run it.
macro_rules! commands {
    ($($(#[$attribute:meta])* $name:ident($arguments:ty),)+) => {
        #[derive(Debug, Subcommand)]
        enum Command {
            $($(#[$attribute])* $name($arguments),)+
        }

        impl Command {
            fn run(self) -> Result<(), Failure> {
                match self {
                    $(Command::$name(command) => command.run(),)+
                }
            }
        }
    };
}

commands! {
    Init(init::Init),
    Serve(serve::Serve),
    Service(system_service::SystemService),
    Task(Box<task::Task>),
    Run(run::Run),
    #[command(visible_alias = "execution", visible_alias = "ex")]
    Executions(executions::Executions),
    Logs(logs::Logs),
    Types(types::Types),
    Datasource(datasource::Datasource),
    Smtp(mail_sms_profiles::Smtp),
    Sms(mail_sms_profiles::Sms),
    Notify(notify::Notify),
    Incidents(incidents::Incidents),
    Preview(preview::Preview),
    Calendar(calendar::CalendarCommand),
    Freeze(freeze::FreezeCommand),
    Hook(hook::Hook),
    Heartbeat(heartbeat::Heartbeat),
    Secret(secret::Secret),
    User(user::UserCommand),
    Token(token::Token),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Doctor(doctor::Doctor),
    Export(export::Export),
    Import(import::ImportCommand),
    Openapi(openapi::Openapi),
    Bench(bench::Bench),
    Completions(shell::Completions),
    Man(shell::Man),
    Verify(verify::Verify),
    Watch(watch::Watch),
    Why(why::Why),
    Backfill(backfill::BackfillCommand),
    Version(version::Version),
}

/// Why a command failed, as a message for the user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Exit status 1.
    #[error("{0}")]
    Failed(String),
    /// Invalid command line, setting or request: exit status 2.
    #[error("{0}")]
    Usage(String),
    /// Exit status 3.
    #[error("{0}")]
    NotFound(String),
    /// Not signed in, or not allowed: exit status 4.
    #[error("{0}")]
    Refused(String),
    /// It already exists, was changed by somebody else, or its state does not allow this: exit status 5.
    #[error("{0}")]
    Conflict(String),
    /// The server or the database does not answer, or no server is there to run it: exit status 6.
    #[error("{0}")]
    Unreachable(String),
    /// Everything has been printed; the exit status is that of the run.
    #[error("")]
    Ended(u8),
}

impl Failure {
    fn failed(error: impl std::fmt::Display) -> Self {
        Failure::Failed(error.to_string())
    }

    fn status(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::NotFound(_) => 3,
            Failure::Refused(_) => 4,
            Failure::Conflict(_) => 5,
            Failure::Unreachable(_) => 6,
            Failure::Ended(status) => *status,
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Failure::Usage(words(&error.0))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Failure::Failed(words(&error.message()))
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::NotFound(message) => Failure::NotFound(words(&message)),
            service::Error::Internal(cause) => Failure::failed(cause),
            service::Error::Unavailable(cause) => Failure::failed(cause),
            other => Failure::Failed(words(&other.message())),
        }
    }
}

/// Puts a message into the user's language.
fn words(message: &Message) -> String {
    message.text(output_options::language())
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error::report(&error),
    };
    match cli.command.unwrap_or(Command::Serve(cli.serve)).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Ended(_)) {
                let _ = writeln!(std::io::stderr(), "{failure}"); // nowhere else to report it
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Prints a result. A closed pipe (`| head`) is not an error.
fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}

/// Prints part of a continuing output. A closed pipe ends the command with status 0.
fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::Ended(0)),
        Err(error) => Err(Failure::failed(error)),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_serve() {
        let cli = Cli::try_parse_from(["belfry", "--listen", "127.0.0.1:0"]).expect("reads");
        assert!(cli.command.is_none());
        assert_eq!(cli.serve, serve::Serve { listen: Some("127.0.0.1:0".into()), ..serve::Serve::default() });
    }
}
