//! Imports from another scheduler: reads its tasks, shows what they run and when beside the old fire times, and imports them as the tasks
//! of one origin.

use std::future::Future;

use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};

use super::{ImportFlags, comparison, plan};
use crate::cli::Failure;
use crate::cli::call::FaultSource;
use crate::cli::connection_args::ConnectionArgs;
use crate::cli::output_options::OutputOptions;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::task_id::check_id;
use crate::domain::trigger::parse_zone;
use crate::i18n::Message;
use crate::migrate::{Entry, Found, ImportContext, Origin};

/// The options of an import from another scheduler.
#[derive(Debug, Args)]
pub(super) struct SourceFlags {
    /// Put this before the id of every task, such as web-.
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// A tag for the tasks, beside that of their origin; by default the name of the scheduler.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// The zone of times and schedules that name none; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Delete the tasks of an earlier import of this source that are no longer in it.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    pub(super) flags: ImportFlags,
}

/// What happens if something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// The rest is imported; exit status 3.
    Reported,
    /// Nothing is imported.
    Refused,
    /// The rest is imported, as the user asked.
    Accepted,
}

/// Another scheduler.
pub(super) trait ImportSource {
    /// Its name in tags.
    const KIND: &'static str;

    fn flags(&self) -> &SourceFlags;

    /// What tells this file or database from others.
    fn identity(&self) -> Result<String, Failure>;

    fn read(&self, context: ImportContext<'_>, output: &OutputOptions) -> Result<Found, Failure>;

    fn left_out(&self) -> LeftOut {
        LeftOut::Reported
    }
}

/// Imports the tasks of another scheduler.
pub(super) fn run<S: ImportSource>(source: &S, connection: &ConnectionArgs) -> Result<(), Failure> {
    let (output, flags) = (connection.output()?, source.flags());
    let (origin, zone) = (flags.origin(S::KIND, &source.identity()?, &output)?, flags.zone()?);
    let context = ImportContext { origin: &origin, zone, now: SystemClock.now() };
    let mut found = source.read(context, &output)?;
    origin.mark(&mut found);
    let shown = comparison::compare(&mut found, context, &output);
    comparison::print_remarks(&found, &output);
    if !output.is_json() && !shown.is_empty() {
        output.note(shown.trim_end());
    }
    let left = found.left_out.len();
    if left > 0 && source.left_out() == LeftOut::Refused && !flags.flags.dry_run {
        return Err(Failure::Failed(output.fill("import.some_not_migrated", &[("count", &left.to_string())])));
    }
    let tasks: Vec<&Value> = found.entries.iter().flat_map(|entry| &entry.tasks).collect();
    if tasks.is_empty() && !flags.prune {
        output.print_text("import.none", &[])?;
    } else {
        let document = json!({"tasks": tasks});
        let places = EntryPlaces { entries: &found.entries, output: &output };
        plan::import(connection, &document, flags.prune, Some(origin.tag()), flags.flags, &places)?;
    }
    match (left, source.left_out()) {
        (0, _) | (_, LeftOut::Accepted) => Ok(()),
        _ => Err(Failure::Ended(LEFT_OUT_STATUS)),
    }
}

/// The exit status of an import that left something out.
const LEFT_OUT_STATUS: u8 = 3;

impl SourceFlags {
    fn origin(&self, kind: &str, identity: &str, output: &OutputOptions) -> Result<Origin, Failure> {
        let usage = |flag: &str, message: &Message| Failure::Usage(format!("{flag}: {}", output.translate(message)));
        if let Some(prefix) = &self.prefix {
            check_id(&format!("{prefix}x")).map_err(|message| usage("--prefix", &message))?;
        }
        if let Some(tag) = &self.tag {
            check_id(tag).map_err(|message| usage("--tag", &message))?;
        }
        Ok(Origin::new(kind, identity, self.prefix.as_deref(), self.tag.as_deref()))
    }

    pub(super) fn zone(&self) -> Result<Tz, Failure> {
        zone(self.tz.as_deref())
    }
}

/// The given zone, else the machine's.
pub(super) fn zone(name: Option<&str>) -> Result<Tz, Failure> {
    match name {
        Some(name) => parse_zone(name).map_err(|what| Failure::Usage(format!("--tz: {what}"))),
        None => Ok(Settings::default().server.zone),
    }
}

/// Runs a read of another scheduler's database.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Message>>, output: &OutputOptions) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
    // Fails if another part of the process has installed a provider already, which is fine.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime.block_on(work).map_err(|message| Failure::Failed(output.translate(&message)))
}

/// Locates the faults of a task at the place that it comes from.
struct EntryPlaces<'e> {
    entries: &'e [Entry],
    output: &'e OutputOptions,
}

impl FaultSource for EntryPlaces<'_> {
    fn describe_fault(&self, pointer: &str, message: &str) -> String {
        let number =
            pointer.strip_prefix("/tasks/").and_then(|rest| rest.split('/').next()).and_then(|number| number.parse().ok());
        let mut entries = self.entries.iter().flat_map(|entry| entry.tasks.iter().map(move |_| entry));
        match number.and_then(|number| entries.nth(number)) {
            Some(entry) => format!("{}: {message}", self.output.translate(&entry.place)),
            None => message.to_owned(),
        }
    }
}
