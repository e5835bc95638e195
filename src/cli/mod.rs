//! The command line: one command a file. The output stream carries what a command answers, the error stream all else.
//! Exit status: 0 done, 1 failed, 2 the command line, a setting or what was sent is not right, 3 not found, 4 refused, 5 conflict,
//! 6 unreachable; commands that wait for a run end with what it came to (`outcome`).
mod audit;
mod backup;
mod bench;
mod call;
mod datasource;
mod doctor;
mod document;
mod editor;
mod executions;
mod export;
mod follow;
mod import;
mod init;
mod input;
mod logs;
mod look;
mod messengers;
mod openapi;
mod outcome;
mod pages;
mod preview;
mod reach;
mod restore;
mod run;
mod secret;
mod serve;
mod shell;
mod stop;
mod supervisor;
mod table;
mod task;
mod token;
mod trial;
mod types;
mod user;
mod version;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::SettingsError;

const EXAMPLES: &str = "\
Examples:
  belfry                                      serve on http://127.0.0.1:8398/, data in ./data
  belfry serve --listen 0.0.0.0:8398          serve on every address of this machine
  belfry serve --config /etc/belfry.toml      with a settings file
  belfry serve --set workers.limit=8          any setting by its name
  belfry init                                 settings with comments, the data folder, the first administrator
  belfry task add date --type send_cmd --cron \"0 8 * * mon-fri\" --param command=date
  belfry run date --follow                    run it now, with its output as it comes
  belfry task list --server https://belfry.example.com --token-file token.txt
  belfry doctor                               what is wrong, and how to mend it

Exit status: 0 done; 1 failed; 2 the command line, a setting or what was sent is not right; 3 not found; 4 not signed in or not
allowed; 5 conflict: it exists already, somebody changed it, or its state does not allow it; 6 the server or the database does
not answer, or no server is there to run it. With --wait and --follow that of the run; see `belfry run --help`.

Settings come from belfry.toml, then BELFRY_<SECTION>_<KEY> variables, then flags; see belfry.example.toml.";

/// A self-hosted task scheduler: pages, JSON API, scheduler and workers in one process.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, about, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    serve: serve::Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    Task(Box<task::Task>),
    Run(run::Run),
    #[command(visible_alias = "execution", visible_alias = "ex")]
    Executions(executions::Executions),
    Logs(logs::Logs),
    Types(types::Types),
    Datasource(datasource::Datasource),
    Smtp(messengers::Smtp),
    Sms(messengers::Sms),
    Preview(preview::Preview),
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
    Version(version::Version),
}

/// Why a command did not do its work, in words for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Exit status 1.
    #[error("{0}")]
    Failed(String),
    /// The command line, a setting or what was sent is not right: exit status 2.
    #[error("{0}")]
    Usage(String),
    /// Exit status 3.
    #[error("{0}")]
    NotFound(String),
    /// Not signed in, or not allowed: exit status 4.
    #[error("{0}")]
    Refused(String),
    /// It exists already, somebody else changed it, or its state does not allow it: exit status 5.
    #[error("{0}")]
    Conflict(String),
    /// The server or the database does not answer, or nothing is there to do it: exit status 6.
    #[error("{0}")]
    Unreachable(String),
    /// All was said already; the exit status is that of what ran.
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
        Failure::Usage(error.to_string())
    }
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(command) => command.run(),
        Command::Task(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Executions(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Logs(command) => command.run(),
        Command::Types(command) => command.run(),
        Command::Datasource(command) => command.run(),
        Command::Smtp(command) => command.run(),
        Command::Sms(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Preview(command) => command.run(),
        Command::Secret(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Version(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Ended(_)) {
                let _nobody_reads = writeln!(std::io::stderr(), "{failure}");
            }
            ExitCode::from(failure.status())
        }
    }
}

/// Writes an answer. A reader that has gone (`| head`) is no failure.
fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        _ => Ok(()),
    }
}

/// Writes a part of an answer that goes on. Once its reader has gone there is nobody to go on for.
fn pour(bytes: &[u8]) -> Result<(), Failure> {
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
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_serve() {
        let cli = Cli::try_parse_from(["belfry", "--listen", "127.0.0.1:0"]).expect("reads");
        assert!(cli.command.is_none());
        assert_eq!(cli.serve, serve::Serve { listen: Some("127.0.0.1:0".into()), ..serve::Serve::default() });
    }
}
