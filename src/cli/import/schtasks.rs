//! `belfry import schtasks`: imports tasks exported from the Windows Task Scheduler.

use clap::Args;

use super::source::{ImportSource, SourceFlags};
use super::text_file::{TextFile, identity};
use crate::cli::Failure;
use crate::cli::output_options::OutputOptions;
use crate::migrate::{Found, ImportContext, schtasks};

/// Import tasks exported from the Windows Task Scheduler.
#[derive(Debug, Args)]
#[command(
    after_help = "Export one task with `schtasks /query /xml /tn NAME > task.xml` or all with `schtasks /query /xml > tasks.xml`. A trigger \
        without an equivalent, such as at logon, is left out with the reason; then the exit status is 3."
)]
pub(super) struct Schtasks {
    #[command(flatten)]
    input: TextFile,
    #[command(flatten)]
    source: SourceFlags,
}

impl ImportSource for Schtasks {
    const KIND: &'static str = "schtasks";

    fn flags(&self) -> &SourceFlags {
        &self.source
    }

    fn identity(&self) -> Result<String, Failure> {
        Ok(identity(&self.input.file))
    }

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure> {
        let (text, _) = self.input.read(output)?;
        let file = &self.input.file;
        let name = file.file_stem().map_or_else(|| "task".to_owned(), |name| name.to_string_lossy().into_owned());
        schtasks::read(&text, &name, context)
            .map_err(|message| Failure::Usage(format!("{}: {}", file.display(), output.translate(&message))))
    }
}
