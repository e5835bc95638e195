//! `belfry secret`: what tasks use by name, set without its value standing on a command line.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::local::{Local, read_value};
use super::{Failure, answer};

/// Keep secrets that tasks use as {{ secret("name") }}.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry secret set api-token < token.txt
  belfry secret set api-token --from-file token.txt
  belfry secret list
  belfry secret rm api-token

A value is read from the input or a file, never from the command line, where others on the machine could see it. One line break
at its end is left out.")]
pub(super) struct Secret {
    #[command(flatten)]
    local: Local,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep a value under a name, in the place of an earlier one.
    Set {
        name: String,
        /// Read the value from this file instead of the input.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// List the names.
    List,
    /// Delete a secret.
    Rm { name: String },
}

impl Secret {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Secret { local, action } = self;
        match action {
            Action::Set { name, from_file } => {
                let value = read_value("value", from_file)?;
                local.ask(async |service, actor| service.put_secret(&actor, &name, &value).await)?;
                answer(&format!("{name} is set\n"))
            }
            Action::List => {
                let mut text = String::new();
                for secret in local.ask(async |service, actor| service.secrets(&actor).await)? {
                    let at = secret.updated_at.format("%Y-%m-%d %H:%M:%S UTC");
                    let _cannot_fail = writeln!(text, "{:<32} {at}  {}", secret.name, secret.updated_by);
                }
                answer(&text)
            }
            Action::Rm { name } => {
                local.ask(async |service, actor| service.delete_secret(&actor, &name).await)?;
                answer(&format!("{name} is deleted\n"))
            }
        }
    }
}
