//! The command line: one command a file. The output stream carries what a command answers, the error stream all else.
//! Exit status: 0 done, 1 failed, 2 the command line or a setting is not right.
mod bench;
mod local;
mod openapi;
mod preview;
mod secret;
mod serve;
mod stop;
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
  belfry preview \"0 8 * * mon-fri\" --tz Asia/Shanghai
  belfry openapi --yaml > openapi.yaml

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
    Serve(serve::Serve),
    Preview(preview::Preview),
    Secret(secret::Secret),
    User(user::UserCommand),
    Openapi(openapi::Openapi),
    Bench(bench::Bench),
    Version(version::Version),
}

/// Why a command did not do its work, in one line for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line or a setting is not right: exit status 2.
    #[error("{0}")]
    Usage(String),
    /// Exit status 1.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    fn failed(error: impl std::fmt::Display) -> Self {
        Failure::Failed(error.to_string())
    }

    fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Failed(_) => 1,
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
        Command::Preview(command) => command.run(),
        Command::Secret(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Version(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _nobody_reads = writeln!(std::io::stderr(), "{failure}");
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
