//! `belfry freeze`: spans of time in which nothing starts by its schedule.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};

/// Freeze all tasks, or those of a tag, until a time: nothing starts by its schedule meanwhile.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry freeze begin --until \"2027-01-02 08:00\" --reason \"Year-end closing\"
  belfry freeze begin --tag billing --until \"2026-12-01 06:00\" --reason \"Database migration\"
  belfry freeze list
  belfry freeze end 01KAHW3R80Z8Q1T3B1C6N5M9XA

Occurrences that fall into a freeze are recorded as skipped with its reason, or held until its end if the task says so (on_closed).")]
pub(super) struct FreezeCommand {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the freezes that are not over.
    List {
        /// Also those that are over.
        #[arg(long)]
        all: bool,
    },
    /// Begin a freeze.
    Begin {
        /// Why; shown on every page and in the records of skipped runs.
        #[arg(long)]
        reason: String,
        /// The end: RFC 3339, or a date with or without a time in the server's zone.
        #[arg(long)]
        until: String,
        /// The begin, in the same forms; by default now.
        #[arg(long)]
        from: Option<String>,
        /// Only tasks with this tag.
        #[arg(long)]
        tag: Option<String>,
    },
    /// End a freeze now.
    End { id: String },
}

impl FreezeCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let FreezeCommand { connection, action } = self;
        connection.run(async |client, output| action.run(client, output).await)
    }
}

impl Action {
    async fn run(self, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
        match self {
            Action::List { all } => {
                let found = client.json(Call::get(&["freezes"]).query("all", all), output).await?;
                output.show(&found, |found| list(found, output))
            }
            Action::Begin { reason, until, from, tag } => {
                let mut body = json!({"reason": reason, "until": until});
                for (field, given) in [("from", from), ("tag", tag)] {
                    if let Some(given) = given {
                        body[field] = given.into();
                    }
                }
                let created = client.json(Call::post(&["freezes"]).json(&body), output).await?;
                output.show(&created, |created| {
                    let values = [("id", text(&created["id"])), ("until", &timestamp(&created["until"]))];
                    output.line("freeze.begun", &values)
                })
            }
            Action::End { id } => {
                client.send(Call::delete(&["freezes", &id]), output).await?;
                output.print_text("freeze.ended", &[("id", &id)])
            }
        }
    }
}

fn list(found: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["id", "state", "tag", "from", "until", "reason", "by"]);
    for one in found.as_array().into_iter().flatten() {
        let (key, tone) = if one["active"] == true { ("freeze.active", Tone::Warning) } else { ("freeze.inactive", Tone::Faint) };
        let tag = text(&one["tag"]);
        table.row(vec![
            Cell::plain(text(&one["id"])),
            Cell::toned(output.text(key), tone),
            Cell::plain(if tag.is_empty() { output.text("freeze.everything") } else { tag.to_owned() }),
            Cell::plain(timestamp(&one["from"])),
            Cell::plain(timestamp(&one["until"])),
            Cell::plain(text(&one["reason"])),
            Cell::plain(text(&one["created_by"])),
        ]);
    }
    table.draw(output)
}
