//! `belfry import apscheduler`: the jobs of a store, by a mapping of functions; the firings old and new are shown side by side
//! before anything is saved.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};

use super::crontab::zone;
use super::{How, plan};
use crate::cli::call::Told;
use crate::cli::document::Document;
use crate::cli::look::{Look, Tone};
use crate::cli::reach::Reach;
use crate::cli::{Failure, answer};
use crate::clock::{Clock, SystemClock};
use crate::config::reason;
use crate::domain::moving::apscheduler::Job;
use crate::domain::moving::mapping::Mapping;
use crate::domain::moving::{FIRINGS, firings};
use crate::domain::yaml;
use crate::storage::job_store;

/// Bring the jobs of an APScheduler 3.x store (SQLAlchemy: SQLite, PostgreSQL, MySQL) as tasks.
#[derive(Debug, Args)]
#[command(
    after_help = "The store is read as data: no code in it is run, and nothing in it is changed. First --draft writes a mapping that says what
becomes of each function; look at it, then import with --mapping. Stop the old scheduler before the tasks fire here."
)]
pub(super) struct Apscheduler {
    /// The store as SQLAlchemy names it, such as sqlite:///jobs.sqlite or postgresql://user:password@host/name; better in the variable
    /// where it holds a password [env: BELFRY_JOB_STORE_URL].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The table of the jobs.
    #[arg(long, value_name = "NAME", default_value = "apscheduler_jobs")]
    table: String,
    /// The zone where the store names only the old machine's own; by default this machine's.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Write a draft of the mapping to this file, - to the output, and stop.
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    draft: Option<PathBuf>,
    /// What becomes of each function; without it the draft is written to the output.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Import what can be moved where something cannot.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    how: How,
}

impl Apscheduler {
    pub(super) fn run(self, reach: &Reach) -> Result<(), Failure> {
        let (look, local) = (reach.look()?, zone(self.tz.as_deref())?);
        let (jobs, mut left) = self.jobs(local, &look)?;
        let Some(path) = &self.mapping else { return self.draft(&jobs, &look) };
        let mapping = read_mapping(path, &look)?;
        let now = SystemClock.now();
        let (mut tasks, mut shown) = (Vec::new(), String::new());
        for job in &jobs {
            match mapping.tasks(job) {
                Ok(None) => look.note(&look.fill("import.skipped", &[("what", &job.id)])),
                Ok(Some(made)) => match compared(job, &made, now, local, &look) {
                    Ok(text) => {
                        shown.push_str(&text);
                        tasks.extend(made);
                    }
                    Err(reason) => left += told(&look, &job.id, &reason),
                },
                Err(reason) => left += told(&look, &job.id, &reason),
            }
        }
        if !look.is_json() {
            look.note(shown.trim_end());
        }
        if left > 0 && !self.partial && !self.how.dry_run {
            return Err(Failure::Failed(look.fill("import.some_left", &[("count", &left.to_string())])));
        }
        if tasks.is_empty() {
            return look.say("import.none", &[]);
        }
        plan::import(reach, &json!({"tasks": tasks}), false, self.how, &())
    }

    /// The jobs that read, and how many do not.
    fn jobs(&self, local: Tz, look: &Look) -> Result<(Vec<Job>, usize), Failure> {
        let url = self.url.clone().or_else(|| crate::cli::reach::variable("BELFRY_JOB_STORE_URL"));
        let url =
            url.ok_or_else(|| Failure::Usage("--url: the job store is needed, such as sqlite:///jobs.sqlite".to_owned()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::failed)?;
        // Another part of the process may have chosen a provider of TLS already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stored = runtime.block_on(job_store::jobs(&url, &self.table)).map_err(Failure::Failed)?;
        let (mut jobs, mut left) = (Vec::new(), 0);
        for (id, state) in stored {
            match Job::read(&state, local) {
                Ok(job) => {
                    for note in &job.notes {
                        told(look, &id, note);
                    }
                    jobs.push(job);
                }
                Err(reason) => left += told(look, &id, &reason),
            }
        }
        Ok((jobs, left))
    }

    fn draft(&self, jobs: &[Job], look: &Look) -> Result<(), Failure> {
        let draft = Mapping::draft(jobs);
        let count = draft["functions"].as_object().map_or(0, serde_json::Map::len).to_string();
        let text = yaml::write(&draft);
        match self.draft.as_ref().filter(|path| path.as_os_str() != "-") {
            None => {
                look.note(&look.text("import.draft_first"));
                answer(&text)
            }
            Some(path) => {
                // What somebody has written there already is not lost.
                let file = std::fs::File::create_new(path);
                file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
                    .map_err(|error| Failure::Usage(format!("--draft: cannot write {}: {}", path.display(), reason(&error))))?;
                look.say("import.draft", &[("count", &count), ("file", &path.display().to_string())])
            }
        }
    }
}

/// Says why something stays behind.
fn told(look: &Look, what: &str, reason: &str) -> usize {
    look.note(&look.fill("import.not_moved", &[("what", what), ("reason", reason)]));
    1
}

fn read_mapping(path: &std::path::Path, look: &Look) -> Result<Mapping, Failure> {
    let document = Document::read(path)?;
    Mapping::parse(document.value()).map_err(|faults| {
        let told = faults.iter().map(|fault| document.tell(&fault.pointer, &look.translate(&fault.message)));
        Failure::Usage(told.collect::<Vec<_>>().join("\n"))
    })
}

/// The next ten firings by APScheduler's rules and by Belfry's, side by side; in one line where they are the same.
fn compared(job: &Job, tasks: &[Value], now: DateTime<Utc>, local: Tz, look: &Look) -> Result<String, String> {
    let old = job.firings(now, FIRINGS);
    let from = old.first().copied().unwrap_or(now);
    let mut new = Vec::new();
    for task in tasks {
        new.extend(firings(&task["trigger"], local, from - chrono::Duration::milliseconds(1), FIRINGS)?);
    }
    new.sort();
    new.dedup();
    new.truncate(FIRINGS);
    let head = look.fill("import.job", &[("id", &job.id), ("function", &job.function)]);
    let close = |one: &DateTime<Utc>, other: &DateTime<Utc>| (*one - *other).abs() < chrono::Duration::milliseconds(1);
    let same = old.len() == new.len() && old.iter().zip(&new).all(|(one, other)| close(one, other));
    let zone =
        tasks.first().and_then(|task| task["trigger"]["timezone"].as_str()).and_then(|name| name.parse().ok()).unwrap_or(local);
    let wall = |at: Option<&DateTime<Utc>>| {
        at.map_or_else(|| "–".to_owned(), |at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string())
    };
    let tone = if same { Tone::Good } else { Tone::Warning };
    let verdict = if same { look.fill("import.same", &[("count", &old.len().to_string())]) } else { look.text("import.differ") };
    let mut text = format!("{head}\n  {}\n", look.paint(tone, &verdict));
    text.push_str(&format!("  {:<27}  {}\n", look.text("import.old"), look.text("import.new")));
    for place in 0..old.len().max(new.len()) {
        let mark = if old.get(place).zip(new.get(place)).is_some_and(|(one, other)| close(one, other)) { ' ' } else { '!' };
        text.push_str(&format!("{mark} {:<27}  {}\n", wall(old.get(place)), wall(new.get(place))));
    }
    Ok(text)
}
