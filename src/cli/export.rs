//! `belfry export`: writes all tasks as one document.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::call::Call;
use super::connection_args::ConnectionArgs;
use super::{Failure, answer};
use crate::cli::input::unwritable;

/// Write all tasks, and the names of the secrets, as one document suitable for version control.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry export -o tasks.yaml
  belfry export --format json > tasks.json
  belfry export --server https://belfry.example.com -o tasks.yaml

The tasks are sorted by id, without fields that have their default; secret values are never included.")]
pub(super) struct Export {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// yaml or json; by default from the file name's extension, else yaml.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

impl Export {
    pub(super) fn run(self) -> Result<(), Failure> {
        let by_name = self.output.as_deref().and_then(|path| path.extension()).filter(|end| *end == "json").map(|_| Format::Json);
        let format = match self.format.or(by_name).unwrap_or(Format::Yaml) {
            Format::Yaml => "yaml",
            Format::Json => "json",
        };
        let text = self
            .connection
            .run(async |client, output| Ok(client.send(Call::get(&["export"]).query("format", format), output).await?.text()))?;
        match &self.output {
            None => answer(&text),
            Some(path) => std::fs::write(path, text).map_err(|error| unwritable(path, &error)),
        }
    }
}
