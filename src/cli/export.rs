//! `belfry export`: all tasks as one document.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::call::Call;
use super::reach::Reach;
use super::{Failure, answer};
use crate::config::reason;

/// Write all tasks, and the names of the secrets, as one document fit for git.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry export -o tasks.yaml
  belfry export --format json > tasks.json
  belfry export --server https://belfry.example.com -o tasks.yaml

The tasks stand in the order of their ids, without what has its default; the values of secrets are never in it.")]
pub(super) struct Export {
    #[command(flatten)]
    reach: Reach,
    /// yaml or json; by default what the file's name ends with, else yaml.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file instead of the output.
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
            .reach
            .run(async |caller, look| Ok(caller.send(Call::get(&["export"]).query("format", format), look).await?.text()))?;
        match &self.output {
            None => answer(&text),
            Some(path) => {
                std::fs::write(path, text).map_err(|error| Failure::Failed(format!("{}: {}", path.display(), reason(&error))))
            }
        }
    }
}
