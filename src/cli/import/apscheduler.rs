//! `belfry import apscheduler`: imports the jobs of a job store by a mapping of functions.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Args;

use super::source::{self, ImportSource, LeftOut, SourceFlags};
use super::{comparison, table_source};
use crate::cli::call::FaultSource;
use crate::cli::connection_args::ConnectionArgs;
use crate::cli::document::Document;
use crate::cli::output_options::OutputOptions;
use crate::cli::{Failure, answer};
use crate::config::reason;
use crate::domain::yaml;
use crate::i18n::{Message, message};
use crate::migrate::apscheduler::Job;
use crate::migrate::job_store;
use crate::migrate::mapping::Mapping;
use crate::migrate::{Found, ImportContext, TableSource};

/// Import the jobs of an APScheduler 3.x store (SQLAlchemy: SQLite, PostgreSQL, MySQL) as tasks.
#[derive(Debug, Args)]
#[command(
    after_help = "The store is read as data: its code is not run, and it is not changed. First run with --draft to write a mapping of \
        functions to task types; review it, then import with --mapping. Stop the old scheduler before \
        the tasks fire here."
)]
pub(super) struct Apscheduler {
    /// The store's SQLAlchemy URL, such as sqlite:///jobs.sqlite or postgresql://user:password@host/name; prefer the variable if it
    /// contains a password [env: BELFRY_JOB_STORE_URL].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The table of the jobs.
    #[arg(long, value_name = "NAME", default_value = "apscheduler_jobs")]
    table: String,
    /// Write a draft of the mapping to this file (- for standard output), and stop.
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    draft: Option<PathBuf>,
    /// The mapping of functions to task types; without it a draft is written to standard output.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Import the migratable jobs even if others cannot be migrated.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    source: SourceFlags,
}

impl ImportSource for Apscheduler {
    const KIND: &'static str = "apscheduler";

    fn flags(&self) -> &SourceFlags {
        &self.source
    }

    fn identity(&self) -> Result<String, Failure> {
        Ok(format!("{} {}", self.store()?.identity(), self.table))
    }

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure> {
        let mapping = self.mapping.as_deref().ok_or_else(|| Failure::Usage("--mapping: is required".to_owned()))?;
        let mapping = read_mapping(mapping, output)?;
        let (jobs, mut found) = self.jobs(context.zone, output)?;
        mapping.migrate(&jobs, context, &mut found);
        Ok(found)
    }

    fn left_out(&self) -> LeftOut {
        if self.partial { LeftOut::Accepted } else { LeftOut::Refused }
    }
}

impl Apscheduler {
    pub(super) fn run(self, connection: &ConnectionArgs) -> Result<(), Failure> {
        if self.mapping.is_some() {
            return source::run(&self, connection);
        }
        let output = connection.output()?;
        let (jobs, unreadable) = self.jobs(self.source.zone()?, &output)?;
        comparison::print_remarks(&unreadable, &output);
        self.write_draft(&jobs, &output)
    }

    fn store(&self) -> Result<TableSource, Failure> {
        table_source(self.url.as_deref(), "BELFRY_JOB_STORE_URL", "sqlite:///jobs.sqlite")
    }

    /// The readable jobs; what was found holds the unreadable ones.
    fn jobs(&self, local: Tz, output: &OutputOptions) -> Result<(Vec<Job>, Found), Failure> {
        let store = self.store()?;
        let stored = source::block_on(job_store::jobs(&store, &self.table), output)?;
        let (mut jobs, mut found) = (Vec::new(), Found::default());
        for (id, state) in stored {
            match Job::read(&state, local) {
                Ok(job) => jobs.push(job),
                Err(reason) => found.leave_out(message!("migrate.job", id), reason),
            }
        }
        Ok((jobs, found))
    }

    fn write_draft(&self, jobs: &[Job], output: &OutputOptions) -> Result<(), Failure> {
        let draft = Mapping::draft(jobs, |message: &Message| output.translate(message));
        let count = draft["functions"].as_object().map_or(0, serde_json::Map::len).to_string();
        let text = yaml::write(&draft);
        match self.draft.as_ref().filter(|path| path.as_os_str() != "-") {
            None => {
                output.note(&output.text("import.draft_first"));
                answer(&text)
            }
            Some(path) => {
                // Never overwrite an edited mapping.
                let file = std::fs::File::create_new(path);
                file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
                    .map_err(|error| Failure::Usage(format!("--draft: cannot write {}: {}", path.display(), reason(&error))))?;
                output.print_text("import.draft", &[("count", &count), ("file", &path.display().to_string())])
            }
        }
    }
}

fn read_mapping(path: &Path, output: &OutputOptions) -> Result<Mapping, Failure> {
    let document = Document::read(path)?;
    Mapping::parse(document.value()).map_err(|faults| {
        let messages = faults.iter().map(|fault| document.describe_fault(&fault.pointer, &output.translate(&fault.message)));
        Failure::Usage(messages.collect::<Vec<_>>().join("\n"))
    })
}
