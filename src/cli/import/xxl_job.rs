//! `belfry import xxl-job`: imports the jobs of an XXL-JOB database.

use clap::Args;

use super::source::{self, ImportSource, SourceFlags};
use super::table_source;
use crate::cli::Failure;
use crate::cli::output_options::OutputOptions;
use crate::migrate::{Found, ImportContext, TableSource, xxl_job};

/// Import the jobs of an XXL-JOB database as tasks: shell, Python, Node.js, PHP and PowerShell scripts become commands.
#[derive(Debug, Args)]
#[command(
    after_help = "The database is not changed. Handlers of Java executors (BEAN) and Groovy are left out with the reason; then the exit \
        status is 3. Schedules are read in the zone of --tz, which must be that of the XXL-JOB server."
)]
pub(super) struct XxlJob {
    /// The database, such as mysql://user:password@host:3306/xxl_job; prefer the variable if it contains a password
    /// [env: BELFRY_XXL_JOB_URL].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    source: SourceFlags,
}

impl XxlJob {
    fn database(&self) -> Result<TableSource, Failure> {
        table_source(self.url.as_deref(), "BELFRY_XXL_JOB_URL", "mysql://user:password@host:3306/xxl_job")
    }
}

impl ImportSource for XxlJob {
    const KIND: &'static str = "xxl-job";

    fn flags(&self) -> &SourceFlags {
        &self.source
    }

    fn identity(&self) -> Result<String, Failure> {
        Ok(self.database()?.identity().to_owned())
    }

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure> {
        let database = self.database()?;
        let [jobs, groups] = xxl_job::TABLES;
        let rows = async { Ok((database.rows(jobs).await?, database.rows(groups).await?)) };
        let (jobs, groups) = source::block_on(rows, output)?;
        Ok(xxl_job::read(&jobs, &groups, context))
    }
}
