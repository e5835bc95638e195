//! `belfry import apscheduler`: imports the jobs of a job store by a mapping of functions; old and new fire times are compared
//! before anything is saved.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};

use super::crontab::zone;
use super::{ImportFlags, plan};
use crate::cli::call::FaultSource;
use crate::cli::connection_args::ConnectionArgs;
use crate::cli::document::Document;
use crate::cli::output_options::{OutputOptions, Tone};
use crate::cli::{Failure, answer};
use crate::clock::{Clock, SystemClock};
use crate::config::reason;
use crate::domain::yaml;
use crate::migrate::apscheduler::Job;
use crate::migrate::job_store;
use crate::migrate::mapping::Mapping;
use crate::migrate::{PREVIEW_COUNT, firings};

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
    /// The zone of jobs that only refer to the old machine's zone; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
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
    flags: ImportFlags,
}

impl Apscheduler {
    pub(super) fn run(self, connection: &ConnectionArgs) -> Result<(), Failure> {
        let (output, local) = (connection.output()?, zone(self.tz.as_deref())?);
        let (jobs, mut left) = self.jobs(local, &output)?;
        let Some(path) = &self.mapping else { return self.draft(&jobs, &output) };
        let mapping = read_mapping(path, &output)?;
        let now = SystemClock.now();
        let (mut tasks, mut shown) = (Vec::new(), String::new());
        for job in &jobs {
            match mapping.tasks(job) {
                Ok(None) => output.note(&output.fill("import.skipped", &[("what", &job.id)])),
                Ok(Some(converted)) => match compare_fire_times(job, &converted, now, local, &output) {
                    Ok(text) => {
                        shown.push_str(&text);
                        tasks.extend(converted);
                    }
                    Err(reason) => left += note_not_migrated(&output, &job.id, &reason),
                },
                Err(reason) => left += note_not_migrated(&output, &job.id, &reason),
            }
        }
        if !output.is_json() {
            output.note(shown.trim_end());
        }
        if left > 0 && !self.partial && !self.flags.dry_run {
            return Err(Failure::Failed(output.fill("import.some_not_migrated", &[("count", &left.to_string())])));
        }
        if tasks.is_empty() {
            return output.print_text("import.none", &[]);
        }
        plan::import(connection, &json!({"tasks": tasks}), false, self.flags, &())
    }

    /// The readable jobs, and the number of unreadable ones.
    fn jobs(&self, local: Tz, output: &OutputOptions) -> Result<(Vec<Job>, usize), Failure> {
        let url = self.url.clone().or_else(|| crate::cli::environment::variable("BELFRY_JOB_STORE_URL"));
        let url = url.ok_or_else(|| Failure::Usage("--url: is required, such as sqlite:///jobs.sqlite".to_owned()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        // Fails if another part of the process has installed a provider already, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let stored = runtime.block_on(job_store::jobs(&url, &self.table)).map_err(Failure::Failed)?;
        let (mut jobs, mut left) = (Vec::new(), 0);
        for (id, state) in stored {
            match Job::read(&state, local) {
                Ok(job) => {
                    for note in &job.notes {
                        note_not_migrated(output, &id, note);
                    }
                    jobs.push(job);
                }
                Err(reason) => left += note_not_migrated(output, &id, &reason),
            }
        }
        Ok((jobs, left))
    }

    fn draft(&self, jobs: &[Job], output: &OutputOptions) -> Result<(), Failure> {
        let draft = Mapping::draft(jobs);
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

/// Prints why a job was not migrated; returns 1, its count.
fn note_not_migrated(output: &OutputOptions, what: &str, reason: &str) -> usize {
    output.note(&output.fill("import.not_migrated", &[("what", what), ("reason", reason)]));
    1
}

fn read_mapping(path: &std::path::Path, output: &OutputOptions) -> Result<Mapping, Failure> {
    let document = Document::read(path)?;
    Mapping::parse(document.value()).map_err(|faults| {
        let messages = faults.iter().map(|fault| document.describe_fault(&fault.pointer, &output.translate(&fault.message)));
        Failure::Usage(messages.collect::<Vec<_>>().join("\n"))
    })
}

/// The next ten fire times by APScheduler's rules and by Belfry's, side by side; one line if they are the same.
fn compare_fire_times(
    job: &Job,
    tasks: &[Value],
    now: DateTime<Utc>,
    local: Tz,
    output: &OutputOptions,
) -> Result<String, String> {
    let old = job.firings(now, PREVIEW_COUNT);
    let from = old.first().copied().unwrap_or(now);
    let mut new = Vec::new();
    for task in tasks {
        new.extend(firings(&task["trigger"], local, from - chrono::Duration::milliseconds(1), PREVIEW_COUNT)?);
    }
    new.sort();
    new.dedup();
    new.truncate(PREVIEW_COUNT);
    let head = output.fill("import.job", &[("id", &job.id), ("function", &job.function)]);
    let close = |one: &DateTime<Utc>, other: &DateTime<Utc>| (*one - *other).abs() < chrono::Duration::milliseconds(1);
    let same = old.len() == new.len() && old.iter().zip(&new).all(|(one, other)| close(one, other));
    let zone =
        tasks.first().and_then(|task| task["trigger"]["timezone"].as_str()).and_then(|name| name.parse().ok()).unwrap_or(local);
    let wall = |at: Option<&DateTime<Utc>>| {
        at.map_or_else(|| "–".to_owned(), |at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string())
    };
    let tone = if same { Tone::Good } else { Tone::Warning };
    let verdict =
        if same { output.fill("import.same", &[("count", &old.len().to_string())]) } else { output.text("import.differ") };
    let mut text = format!("{head}\n  {}\n", output.paint(tone, &verdict));
    text.push_str(&format!("  {:<27}  {}\n", output.text("import.old"), output.text("import.new")));
    for place in 0..old.len().max(new.len()) {
        let mark = if old.get(place).zip(new.get(place)).is_some_and(|(one, other)| close(one, other)) { ' ' } else { '!' };
        text.push_str(&format!("{mark} {:<27}  {}\n", wall(old.get(place)), wall(new.get(place))));
    }
    Ok(text)
}
