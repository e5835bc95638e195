//! `belfry datasource`: lists and tests datasources.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Failure;
use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::connection_test::{self, TestTexts};
use super::output_options::{OutputOptions, Tone, text};
use super::table::{Cell, Table};

/// List and test the databases that tasks may use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry datasource list
  belfry datasource test sales")]
pub(super) struct Datasource {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the datasources.
    #[command(visible_alias = "ls")]
    List,
    /// Connect and query the version; exit status 1 if the connection fails.
    Test { name: String },
}

impl Datasource {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Datasource { connection, action } = self;
        match action {
            Action::List => connection.run(async |client, output| {
                let sources = client.json(Call::get(&["datasources"]), output).await?;
                output.show(&sources, |sources| table(sources, output))
            }),
            Action::Test { name } => connection.run(async |client, output| {
                let texts =
                    TestTexts { success: "datasource.connected", failure: "datasource.failed", detail_field: "server_version" };
                connection_test::run(Call::post(&["datasources", &name, "test"]), &name, &texts, client, output).await
            }),
        }
    }
}

fn table(sources: &Value, output: &OutputOptions) -> String {
    let mut table = Table::new(&["name", "kind", "host", "database", "note"]);
    for source in sources.as_array().into_iter().flatten() {
        let note = if source["read_only"] == Value::Bool(true) { output.text("datasource.read_only") } else { String::new() };
        let name = Cell::toned(text(&source["name"]), Tone::Strong);
        let of = |field: &str| Cell::plain(text(&source[field]));
        table.row(vec![name, of("kind"), of("host"), of("database"), Cell::toned(note, Tone::Faint)]);
    }
    if table.is_empty() { output.line("datasource.none", &[]) } else { table.draw(output) }
}
