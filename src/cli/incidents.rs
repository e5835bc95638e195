//! `belfry incidents`: lists, shows, acknowledges and closes incidents, and mutes tasks.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::pages::{Limit, items, note_more};
use super::table::{Cell, Table};
use crate::domain::yaml;

/// List and settle incidents: what failed and has not recovered.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry incidents list                            what is open
  belfry incidents list --closed --task daily-report
  belfry incidents show 01KAHW3R80Z8Q1T3B1C6N5M9XB
  belfry incidents ack 01KAHW3R80Z8Q1T3B1C6N5M9XB   no reminders follow
  belfry incidents mute daily-report --until '2026-12-01 08:00'
  belfry incidents mute daily-report --end")]
pub(super) struct Incidents {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List incidents, newest first; by default the open ones.
    List {
        /// Only closed ones.
        #[arg(long, conflicts_with = "any")]
        closed: bool,
        /// Open and closed ones.
        #[arg(long)]
        any: bool,
        /// Only those of this task.
        #[arg(long, value_name = "ID")]
        task: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show an incident with its runs and messages.
    Show { id: String },
    /// Acknowledge an incident: no reminders follow.
    Ack { id: String },
    /// Close an incident by hand, without a message.
    Close { id: String },
    /// Tell nothing of a task until a time; its incidents stay on record.
    Mute {
        /// The task's id.
        task: String,
        /// RFC 3339, or a date with or without a time in the server's zone.
        #[arg(long, value_name = "TIME", required_unless_present = "end")]
        until: Option<String>,
        /// End the mute.
        #[arg(long, conflicts_with = "until")]
        end: bool,
    },
}

impl Incidents {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Incidents { connection, action } = self;
        match action {
            Action::List { closed, any, task, limit } => {
                let status = if closed { "closed" } else { "open" };
                let status = (!any).then(|| status.to_owned());
                let call = Call::get(&["incidents"]).query_some("status", status.as_ref()).query_some("task_id", task.as_ref());
                connection.run(async |client, output| {
                    let list = limit.read(client, output, &call).await?;
                    output.show(&list, |list| table(list, output))?;
                    note_more(&list, output);
                    Ok(())
                })
            }
            Action::Show { id } => connection.run(async |client, output| {
                let found = client.json(Call::get(&["incidents", &id]), output).await?;
                output.show(&found, yaml::write)
            }),
            Action::Ack { id } => settle(&connection, &id, "acknowledge", "incidents.acknowledged"),
            Action::Close { id } => settle(&connection, &id, "close", "incidents.closed"),
            Action::Mute { task, until, .. } => connection.run(async |client, output| {
                let call = Call::post(&["tasks", &task, "mute"]).json(&json!({"until": until}));
                let mute = client.json(call, output).await?;
                output.show(&mute, |mute| match mute["until"].as_str() {
                    Some(_) => output.line("incidents.muted", &[("task", &task), ("until", &timestamp(&mute["until"]))]),
                    None => output.line("incidents.unmuted", &[("task", &task)]),
                })
            }),
        }
    }
}

fn settle(connection: &ConnectionArgs, id: &str, action: &'static str, said: &'static str) -> Result<(), Failure> {
    connection.run(async |client, output| {
        let incident = client.json(Call::post(&["incidents", id, action]), output).await?;
        output.show(&incident, |incident| output.line(said, &[("about", text(&incident["subject"]))]))
    })
}

fn table(list: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["id", "about", "event", "opened", "times", "cause"]);
    for incident in items(list) {
        let is_open = incident["closed_at"].is_null();
        table.row(vec![
            Cell::plain(text(&incident["id"])),
            Cell::toned(text(&incident["subject"]), Tone::Strong),
            Cell::toned(text(&incident["event"]), if is_open { Tone::Bad } else { Tone::Plain }),
            Cell::plain(timestamp(&incident["opened_at"])),
            Cell::plain(incident["count"].to_string()),
            Cell::plain(text(&incident["cause"])),
        ]);
    }
    if table.is_empty() { output.line("incidents.none", &[]) } else { table.draw(output) }
}
