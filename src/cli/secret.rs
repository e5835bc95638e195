//! `belfry secret`: manages secrets; values are never passed on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::input::read_value;
use super::output_options::{OutputOptions, text, timestamp};
use super::table::{Cell, Table};

/// Manage secrets, which tasks use as {{ secret("name") }}.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry secret set api-token < token.txt
  belfry secret set api-token --from-file token.txt
  belfry secret set payroll --tag finance < token.txt
  belfry secret list
  belfry secret rm api-token

Values are read from standard input or a file, never from the command line, which other users could see. One trailing line break
is removed.")]
pub(super) struct Secret {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Store a value under a name, replacing the previous one.
    Set {
        name: String,
        /// Read the value from this file instead of standard input.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// Only tasks with this tag may use it; may be given more than once; --tag "" lifts the limit. By default unchanged.
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
        /// Only this task may use it; may be given more than once; --task "" lifts the limit. By default unchanged.
        #[arg(long, value_name = "ID")]
        task: Vec<String>,
    },
    /// List the names.
    List,
    /// Delete a secret.
    Rm { name: String },
}

impl Secret {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Secret { connection, action } = self;
        match action {
            Action::Set { name, from_file, tag, task } => {
                let mut new = json!({"value": read_value("value", from_file)?});
                limit(&mut new, "tags", tag);
                limit(&mut new, "tasks", task);
                connection.run(async |client, output| {
                    let kept = client.json(Call::put(&["secrets", &name]).json(&new), output).await?;
                    output.show(&kept, |_| output.line("secret.set", &[("name", &name)]))
                })
            }
            Action::List => connection.run(async |client, output| {
                let secrets = client.json(Call::get(&["secrets"]), output).await?;
                output.show(&secrets, |secrets| table(secrets, output))
            }),
            Action::Rm { name } => connection.run(async |client, output| {
                client.send(Call::delete(&["secrets", &name]), output).await?;
                output.print_text("secret.deleted", &[("name", &name)])
            }),
        }
    }
}

/// The tags and ids of the tasks that may use a secret.
fn limits(secret: &Value) -> String {
    let members = ["tags", "tasks"].into_iter().flat_map(|member| secret[member].as_array().into_iter().flatten());
    members.map(text).collect::<Vec<_>>().join(", ")
}

/// Adds a limit to the request, if flags were given for it. Empty values lift it.
fn limit(new: &mut Value, member: &str, given: Vec<String>) {
    if !given.is_empty() {
        new[member] = given.into_iter().filter(|name| !name.is_empty()).collect();
    }
}

fn table(secrets: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["name", "limits", "changed", "by"]);
    for secret in secrets.as_array().into_iter().flatten() {
        let (name, by) = (text(&secret["name"]), text(&secret["updated_by"]));
        table.row(vec![
            Cell::plain(name),
            Cell::plain(limits(secret)),
            Cell::plain(timestamp(&secret["updated_at"])),
            Cell::plain(by),
        ]);
    }
    table.draw(output)
}
