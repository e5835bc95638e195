//! `belfry notify`: lists and tests notification channels, and lists what was delivered.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Failure;
use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::notify_rules::RuleAction;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::pages::{Limit, items, note_more};
use super::table::{Cell, Table};

/// List and test the channels of notifications.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry notify channels
  belfry notify test ops
  belfry notify deliveries ops --limit 10")]
pub(super) struct Notify {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the channels with their health.
    Channels,
    /// Manage the rules: which events of which tasks are told through which channels.
    Rules {
        #[command(subcommand)]
        action: RuleAction,
    },
    /// Send a test message; exit status 1 if the provider does not accept it.
    Test { name: String },
    /// List the messages of a channel, newest first, with the provider's answers.
    Deliveries {
        name: String,
        #[command(flatten)]
        limit: Limit,
    },
}

impl Notify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Notify { connection, action } = self;
        match action {
            Action::Channels => connection.run(async |client, output| {
                let all = client.json(Call::get(&["notify-channels"]), output).await?;
                output.show(&all, |all| channels(all, output))
            }),
            Action::Rules { action } => connection.run(async |client, output| action.run(client, output).await),
            Action::Test { name } => connection.run(async |client, output| test(&name, client, output).await),
            Action::Deliveries { name, limit } => connection.run(async |client, output| {
                let list = limit.read(client, output, &Call::get(&["notify-channels", &name, "deliveries"])).await?;
                output.show(&list, |list| deliveries(list, output))?;
                note_more(&list, output);
                Ok(())
            }),
        }
    }
}

async fn test(name: &str, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    let answer = client.json(Call::post(&["notify-channels", name, "test"]), output).await?;
    let delivered = answer["delivered"] == Value::Bool(true);
    output.show(&answer, |answer| {
        let (key, tone) = if delivered { ("notify.delivered", Tone::Good) } else { ("notify.refused", Tone::Bad) };
        format!("{}\n", output.paint(tone, &output.fill(key, &[("name", name), ("answer", &said(answer))])))
    })?;
    if delivered { Ok(()) } else { Err(Failure::Ended(1)) }
}

fn channels(all: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["name", "kind", "host", "status", "delivered", "note"]);
    for channel in all.as_array().into_iter().flatten() {
        let health = &channel["health"];
        let (key, tone) = match (health["failures"].as_i64(), health["last_success_at"].is_string()) {
            _ if health["failing"] == Value::Bool(true) => ("notify.failing", Tone::Bad),
            (Some(1..), _) => ("notify.troubled", Tone::Bad),
            (_, true) => ("notify.well", Tone::Good),
            _ => ("notify.unused", Tone::Plain),
        };
        let last = if health["last_success_at"].is_string() { timestamp(&health["last_success_at"]) } else { String::new() };
        let note = if health["failures"] == 0 { String::new() } else { said(health) };
        table.row(vec![
            Cell::toned(text(&channel["name"]), Tone::Strong),
            Cell::plain(text(&channel["type"])),
            Cell::plain(text(&channel["url"])),
            Cell::toned(output.text(key), tone),
            Cell::plain(last),
            Cell::plain(note),
        ]);
    }
    if table.is_empty() { output.line("notify.none", &[]) } else { table.draw(output) }
}

fn deliveries(list: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["at", "status", "title", "note"]);
    for message in items(list) {
        let (key, tone) = match text(&message["state"]) {
            "sent" => ("notify.sent", Tone::Good),
            "grouped" => ("notify.grouped", Tone::Good),
            "failed" => ("notify.failed", Tone::Bad),
            _ => ("notify.queued", Tone::Plain),
        };
        table.row(vec![
            Cell::plain(timestamp(&message["created_at"])),
            Cell::toned(output.text(key), tone),
            Cell::plain(text(&message["title"])),
            Cell::plain(said(message)),
        ]);
    }
    if table.is_empty() { output.line("notify.no_deliveries", &[]) } else { table.draw(output) }
}

/// The provider's status, code and text, as far as they are known; Slack's code is its text.
fn said(answer: &Value) -> String {
    let status = answer["provider_status"].as_i64().map(|status| format!("HTTP {status}"));
    let (code, message) = (answer["provider_code"].as_str(), answer["provider_message"].as_str());
    let message = message.filter(|message| Some(*message) != code);
    status.as_deref().into_iter().chain(code).chain(message).collect::<Vec<_>>().join(" ")
}
