//! `belfry audit`: who did what to what.

use clap::Args;
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::executions::moment;
use super::look::{Look, Tone, instant, text};
use super::pages::{Limit, items, note_more};
use super::reach::Reach;
use super::table::{Cell, Table};

/// List who did what to what, newest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry audit --since 1d
  belfry audit --actor alice --action task.delete
  belfry audit --target task:daily-report --json")]
pub(super) struct Audit {
    #[command(flatten)]
    reach: Reach,
    /// Only what this account did.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this action, such as task.update.
    #[arg(long)]
    action: Option<String>,
    /// Only changes of this, such as task:daily-report, or of its kind: task:
    #[arg(long)]
    target: Option<String>,
    /// Only entries since: a span such as 2h, or a date with or without a time.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only entries before, in the same forms.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

impl Audit {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Audit { reach, actor, action, target, since, until, limit } = self;
        let call = Call::get(&["audit"])
            .query_some("actor", actor.as_ref())
            .query_some("action", action.as_ref())
            .query_some("target", target.as_ref())
            .query_some("from", since.as_deref().map(moment).as_ref())
            .query_some("to", until.as_deref().map(moment).as_ref());
        reach.run(async |caller, look| {
            let list = limit.read(caller, look, &call).await?;
            look.show(&list, |list| table(list, look))?;
            note_more(&list, look);
            Ok(())
        })
    }
}

fn table(list: &Value, look: &Look) -> String {
    let mut table = Table::new(&["at", "actor", "via", "action", "target"]);
    for entry in items(list) {
        let via = match entry["address"].as_str() {
            Some(address) => format!("{} {address}", text(&entry["via"])),
            None => text(&entry["via"]).to_owned(),
        };
        let actor = Cell::toned(text(&entry["actor"]), Tone::Strong);
        let action = Cell::of(text(&entry["action"]));
        table.row(vec![Cell::of(instant(&entry["at"])), actor, Cell::of(via), action, Cell::of(text(&entry["target"]))]);
    }
    if table.is_empty() { look.line("audit.none", &[]) } else { table.draw(look) }
}
