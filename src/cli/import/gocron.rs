//! `belfry import gocron`: imports the tasks of a gocron database.

use std::path::PathBuf;

use clap::Args;

use super::source::{self, ImportSource, SourceFlags};
use super::table_source;
use crate::cli::Failure;
use crate::cli::output_options::OutputOptions;
use crate::migrate::{Found, ImportContext, TableSource, gocron};

/// Import the tasks of a gocron database (MySQL, PostgreSQL, SQLite): shell commands and HTTP requests.
#[derive(Debug, Args)]
#[command(
    after_help = "The database is not changed. Schedules are read in the zone of --tz, which must be that of the gocron server. If something \
        is left out, the exit status is 3."
)]
pub(super) struct Gocron {
    /// A file of SQLite, instead of --url.
    #[arg(value_name = "FILE", conflicts_with = "url")]
    file: Option<PathBuf>,
    /// The database, such as mysql://user:password@host/gocron; prefer the variable if it contains a password
    /// [env: BELFRY_GOCRON_URL].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The prefix of the tables' names in gocron's settings.
    #[arg(long, value_name = "TEXT", default_value = "")]
    table_prefix: String,
    #[command(flatten)]
    source: SourceFlags,
}

impl Gocron {
    fn database(&self) -> Result<TableSource, Failure> {
        match &self.file {
            Some(file) => Ok(TableSource::Sqlite(super::text_file::identity(file))),
            None => table_source(self.url.as_deref(), "BELFRY_GOCRON_URL", "mysql://user:password@host/gocron"),
        }
    }
}

impl ImportSource for Gocron {
    const KIND: &'static str = "gocron";

    fn flags(&self) -> &SourceFlags {
        &self.source
    }

    fn identity(&self) -> Result<String, Failure> {
        Ok(format!("{} {}", self.database()?.identity(), self.table_prefix))
    }

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure> {
        let database = self.database()?;
        let [tasks, links, hosts] = gocron::TABLES.map(|table| format!("{}{table}", self.table_prefix));
        let rows = async { Ok((database.rows(&tasks).await?, database.rows(&links).await?, database.rows(&hosts).await?)) };
        let (tasks, links, hosts) = source::block_on(rows, output)?;
        Ok(gocron::read(&tasks, &links, &hosts, context))
    }
}
