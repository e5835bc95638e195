//! `belfry datasource`: the databases that tasks may use.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::look::{Look, Tone, text};
use super::reach::Reach;
use super::table::{Cell, Table};
use super::trial::{self, Words};

/// List and try the databases that tasks may use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry datasource list
  belfry datasource test sales")]
pub(super) struct Datasource {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them.
    #[command(visible_alias = "ls")]
    List,
    /// Connect and ask for the version; exit status 1 where it does not answer.
    Test { name: String },
}

impl Datasource {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Datasource { reach, action } = self;
        match action {
            Action::List => reach.run(async |caller, look| {
                let sources = caller.json(Call::get(&["datasources"]), look).await?;
                look.show(&sources, |sources| table(sources, look))
            }),
            Action::Test { name } => reach.run(async |caller, look| {
                let words = Words { good: "datasource.answers", bad: "datasource.silent", said: "server_version" };
                trial::ask(Call::post(&["datasources", &name, "test"]), &name, &words, caller, look).await
            }),
        }
    }
}

fn table(sources: &Value, look: &Look) -> String {
    let mut table = Table::new(&["name", "kind", "host", "database", "note"]);
    for source in sources.as_array().into_iter().flatten() {
        let note = if source["read_only"] == Value::Bool(true) { look.text("datasource.read_only") } else { String::new() };
        let name = Cell::toned(text(&source["name"]), Tone::Strong);
        let of = |field: &str| Cell::of(text(&source[field]));
        table.row(vec![name, of("kind"), of("host"), of("database"), Cell::toned(note, Tone::Faint)]);
    }
    if table.is_empty() { look.line("datasource.none", &[]) } else { table.draw(look) }
}
