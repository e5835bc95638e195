//! `belfry audit`: lists the audit log.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::executions::time_argument;
use super::output_options::{OutputOptions, Tone, text, timestamp};
use super::pages::{Limit, items, note_more};
use super::table::{Cell, Table};

/// List the audit log, newest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry audit --since 1d
  belfry audit --actor alice --action task.delete
  belfry audit --target task:daily-report --json")]
pub(super) struct Audit {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Only entries by this account.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this action, such as task.update.
    #[arg(long)]
    action: Option<String>,
    /// Only entries about this target, such as task:daily-report, or about its kind: task:
    #[arg(long)]
    target: Option<String>,
    /// Only entries since this time: a span such as 2h, or a date with or without a time.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only entries before this time, in the same forms.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

impl Audit {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Audit { connection, actor, action, target, since, until, limit } = self;
        let call = Call::get(&["audit"])
            .query_some("actor", actor.as_ref())
            .query_some("action", action.as_ref())
            .query_some("target", target.as_ref())
            .query_some("from", since.as_deref().map(time_argument).as_ref())
            .query_some("to", until.as_deref().map(time_argument).as_ref());
        connection.run(async |client, output| {
            let list = limit.read(client, output, &call).await?;
            output.show(&list, |list| table(list, output))?;
            note_more(&list, output);
            Ok(())
        })
    }
}

fn table(list: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["at", "actor", "via", "action", "target"]);
    for entry in items(list) {
        let via = match entry["address"].as_str() {
            Some(address) => format!("{} {address}", text(&entry["via"])),
            None => text(&entry["via"]).to_owned(),
        };
        let actor = Cell::toned(text(&entry["actor"]), Tone::Strong);
        let action = Cell::plain(text(&entry["action"]));
        table.row(vec![
            Cell::plain(timestamp(&entry["at"])),
            actor,
            Cell::plain(via),
            action,
            Cell::plain(text(&entry["target"])),
        ]);
    }
    if table.is_empty() { output.line("audit.none", &[]) } else { table.draw(output) }
}
