//! `belfry secret`: what tasks use by name, set without its value standing on a command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::input::read_value;
use super::look::{Look, instant, text};
use super::reach::Reach;
use super::table::{Cell, Table};

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
    reach: Reach,
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
        let Secret { reach, action } = self;
        match action {
            Action::Set { name, from_file } => {
                let value = read_value("value", from_file)?;
                reach.run(async |caller, look| {
                    let kept = caller.json(Call::put(&["secrets", &name]).json(&json!({"value": value})), look).await?;
                    look.show(&kept, |_| look.line("secret.set", &[("name", &name)]))
                })
            }
            Action::List => reach.run(async |caller, look| {
                let secrets = caller.json(Call::get(&["secrets"]), look).await?;
                look.show(&secrets, |secrets| table(secrets, look))
            }),
            Action::Rm { name } => reach.run(async |caller, look| {
                caller.send(Call::delete(&["secrets", &name]), look).await?;
                look.say("secret.gone", &[("name", &name)])
            }),
        }
    }
}

fn table(secrets: &Value, look: &Look) -> String {
    let mut table = Table::new(&["name", "changed", "by"]);
    for secret in secrets.as_array().into_iter().flatten() {
        let (name, by) = (text(&secret["name"]), text(&secret["updated_by"]));
        table.row(vec![Cell::of(name), Cell::of(instant(&secret["updated_at"])), Cell::of(by)]);
    }
    table.draw(look)
}
