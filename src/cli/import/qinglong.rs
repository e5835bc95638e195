//! `belfry import qinglong`: imports the jobs of a qinglong database.

use std::path::PathBuf;

use clap::Args;

use super::source::{self, ImportSource, SourceFlags};
use super::text_file::identity;
use crate::cli::Failure;
use crate::cli::output_options::OutputOptions;
use crate::migrate::{Found, ImportContext, TableSource, qinglong};

/// Import the jobs of a qinglong (青龙) database as tasks that run their commands.
#[derive(Debug, Args)]
#[command(
    after_help = "FILE is data/db/database.sqlite of qinglong; it is not changed. `task SCRIPT` becomes the program for the script, in the \
        folder of --scripts. Disabled jobs become paused tasks. If something is left out, such as `ql` commands, the exit status is 3."
)]
pub(super) struct Qinglong {
    /// The database file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder of the scripts on the server.
    #[arg(long, value_name = "FOLDER", default_value = qinglong::SCRIPTS)]
    scripts: String,
    /// Leave out qinglong's environment variables, which otherwise every task gets.
    #[arg(long)]
    no_env: bool,
    #[command(flatten)]
    source: SourceFlags,
}

impl ImportSource for Qinglong {
    const KIND: &'static str = "qinglong";

    fn flags(&self) -> &SourceFlags {
        &self.source
    }

    fn identity(&self) -> Result<String, Failure> {
        Ok(identity(&self.file))
    }

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure> {
        let database = TableSource::Sqlite(identity(&self.file));
        let [jobs, variables] = qinglong::TABLES;
        let rows = async { Ok((database.rows(jobs).await?, database.rows(variables).await?)) };
        let (jobs, variables) = source::block_on(rows, output)?;
        Ok(qinglong::read(&jobs, &variables, &self.scripts, !self.no_env, context))
    }
}
