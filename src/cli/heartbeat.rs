//! `belfry heartbeat`: manages monitors of jobs that run elsewhere.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::input::confirm;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::table::{Cell, Table};
use super::task::flags::span;

/// Manage heartbeats: jobs that run elsewhere and tell that they did.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry heartbeat add nightly-backup --cron \"0 3 * * *\" --grace 30m      prints the address to ping
  belfry heartbeat add queue-worker --every 5m
  belfry heartbeat list
  belfry heartbeat pings nightly-backup
  belfry heartbeat rotate nightly-backup
  belfry heartbeat rm queue-worker")]
pub(super) struct Heartbeat {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a heartbeat and print the address to ping.
    Add(Add),
    /// List the heartbeats.
    #[command(visible_alias = "ls")]
    List,
    /// Show a heartbeat with its address.
    Show {
        /// The heartbeat's id.
        id: String,
    },
    /// List what became of the expected pings, newest first.
    Pings {
        /// The heartbeat's id.
        id: String,
    },
    /// Give a heartbeat another address; the former one ends at once.
    Rotate {
        /// The heartbeat's id.
        id: String,
    },
    /// Delete a heartbeat with its record.
    Rm {
        /// The heartbeat's id.
        id: String,
        /// Do not ask for confirmation.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The heartbeat's id.
    id: String,
    /// A ping is expected at the times of this cron expression.
    #[arg(long, value_name = "RULE", required_unless_present = "every", conflicts_with = "every")]
    cron: Option<String>,
    /// A ping is expected this long after the one before, such as 5m.
    #[arg(long, value_name = "SPAN")]
    every: Option<String>,
    /// IANA time zone of the cron expression; by default the server's.
    #[arg(long, value_name = "ZONE", requires = "cron")]
    tz: Option<String>,
    /// How late a ping may come, such as 10m; by default 5m.
    #[arg(long, value_name = "SPAN")]
    grace: Option<String>,
    /// The display name.
    #[arg(long)]
    name: Option<String>,
    /// A tag; repeatable.
    #[arg(long)]
    tag: Vec<String>,
}

impl Add {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = json!({"id": self.id, "tags": self.tag});
        for (name, given) in [("cron", &self.cron), ("timezone", &self.tz), ("name", &self.name)] {
            if let Some(text) = given {
                body[name] = text.as_str().into();
            }
        }
        if let Some(every) = &self.every {
            body["period_seconds"] = span("--every", every)?.into();
        }
        if let Some(grace) = &self.grace {
            body["grace_seconds"] = span("--grace", grace)?.into();
        }
        Ok(body)
    }
}

impl Heartbeat {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Heartbeat { connection, action } = self;
        match action {
            Action::Add(add) => {
                let body = add.body()?;
                connection.run(async |client, output| {
                    let created = client.json(Call::post(&["heartbeats"]).json(&body), output).await?;
                    output.show(&created, |created| format!("{}\n", text(&created["url"])))
                })
            }
            Action::List => connection.run(async |client, output| {
                let all = client.json(Call::get(&["heartbeats"]), output).await?;
                output.show(&all, |all| table(all, output))
            }),
            Action::Show { id } => connection.run(async |client, output| {
                let found = client.json(Call::get(&["heartbeats", &id]), output).await?;
                output.show(&found, crate::domain::yaml::write)
            }),
            Action::Pings { id } => connection.run(async |client, output| {
                let rows = client.json(Call::get(&["heartbeats", &id, "pings"]), output).await?;
                output.show(&rows, |rows| pings(rows, output))
            }),
            Action::Rotate { id } => connection.run(async |client, output| {
                let rotated = client.json(Call::post(&["heartbeats", &id, "rotate"]), output).await?;
                output.show(&rotated, |rotated| format!("{}\n", text(&rotated["url"])))
            }),
            Action::Rm { id, yes } => connection.run(async |client, output| {
                confirm(&output.fill("heartbeat.ask", &[("id", &id)]), yes, output)?;
                client.send(Call::delete(&["heartbeats", &id]), output).await?;
                output.print_text("heartbeat.deleted", &[("id", &id)])
            }),
        }
    }
}

fn tone(status: &str) -> Tone {
    match status {
        "up" | "arrived" => Tone::Good,
        "down" | "missed" | "failed" => Tone::Bad,
        "late" => Tone::Warning,
        _ => Tone::Faint,
    }
}

fn table(all: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["id", "status", "rule", "last", "scheduled"]);
    for one in all.as_array().into_iter().flatten() {
        let status = text(&one["status"]);
        let rule = match one["period_seconds"].as_i64() {
            Some(seconds) => output.language().duration(seconds.saturating_mul(1000)),
            None => text(&one["cron"]).to_owned(),
        };
        table.row(vec![
            Cell::toned(text(&one["id"]), Tone::Strong),
            Cell::toned(output.text(&format!("heartbeats.status_{status}")), tone(status)),
            Cell::plain(rule),
            Cell::plain(timestamp(&one["last_ping_at"])),
            Cell::plain(timestamp(&one["expected_at"])),
        ]);
    }
    if table.is_empty() { output.line("heartbeats.empty", &[]) } else { table.draw(output) }
}

fn pings(rows: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["scheduled", "status", "at", "exit", "said"]);
    for row in rows.as_array().into_iter().flatten() {
        let status = text(&row["status"]);
        table.row(vec![
            Cell::plain(timestamp(&row["expected_at"])),
            Cell::toned(output.text(&format!("heartbeats.ping_{status}")), tone(status)),
            Cell::plain(timestamp(&row["at"])),
            Cell::plain(row["exit_code"].as_i64().map(|code| code.to_string()).unwrap_or_default()),
            Cell::plain(text(&row["body"]).lines().next().unwrap_or_default()),
        ]);
    }
    if table.is_empty() { output.line("heartbeats.no_pings", &[]) } else { table.draw(output) }
}
