//! `belfry logs`: the server's log, or what the newest run of a task writes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::call::{Call, Caller};
use super::follow::{Follow, follow};
use super::look::{Look, text};
use super::pages::items;
use super::reach::Reach;
use super::task::found;
use super::{Failure, answer, outcome, pour};
use crate::config::reason;
use crate::telemetry::LOG_FILE;

/// The pause between two looks into the log.
const EVERY: Duration = Duration::from_millis(200);

/// Show the server's log, or the output of a task's newest run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry logs                                      the last lines of scheduler.log
  belfry logs -f                                   and those to come
  belfry logs date                                 what the newest run of a task wrote
  belfry logs date -f                              as it comes, to its end")]
pub(super) struct Logs {
    /// A task; without one, the log of the server.
    task: Option<String>,
    /// Go on as more comes.
    #[arg(long, short)]
    follow: bool,
    /// How many lines of the log to begin with.
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 50, conflicts_with = "task")]
    lines: usize,
    #[command(flatten)]
    reach: Reach,
}

impl Logs {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Logs { task, follow, lines, reach } = self;
        if let Some(task) = task {
            return reach.run(async |caller, look| of_task(&task, follow, caller, look).await);
        }
        let look = reach.look()?;
        if let Some((shown, _)) = reach.address() {
            return Err(Failure::Usage(look.fill("logs.local", &[("shown", shown)])));
        }
        let file = reach.settings()?.data_dir.join(LOG_FILE);
        let mut tail = Tail::begin(&file, lines)?;
        if !follow {
            return Ok(());
        }
        loop {
            std::thread::sleep(EVERY);
            tail.go_on()?;
        }
    }
}

async fn of_task(task: &str, goes_on: bool, caller: &Caller, look: &Look) -> Result<(), Failure> {
    found(caller, look, task).await?;
    let runs = caller.json(Call::get(&["tasks", task, "executions"]).query("page_size", 20), look).await?;
    // What was skipped or missed never ran.
    let ran = |run: &&Value| !matches!(text(&run["status"]), "skipped" | "missed");
    let Some(run) = items(&runs).iter().find(ran) else {
        return Err(Failure::NotFound(look.fill("logs.never_ran", &[("id", task)])));
    };
    let id = text(&run["id"]);
    if !goes_on {
        return answer(&caller.send(Call::get(&["executions", id, "output"]), look).await?.text());
    }
    let ended = follow(id, &Follow { output: true, attempt: None, limit: None }, caller, look).await?;
    look.note(outcome::line(&ended, look).trim_end());
    outcome::status(&ended)
}

/// The end of a file that grows, and is set aside when it is full.
struct Tail<'a> {
    path: &'a Path,
    file: File,
    read: u64,
}

impl Tail<'_> {
    fn begin(path: &Path, lines: usize) -> Result<Tail<'_>, Failure> {
        let cannot = |error: std::io::Error| Failure::NotFound(format!("cannot read {}: {}", path.display(), reason(&error)));
        let file = File::open(path).map_err(cannot)?;
        let mut last = VecDeque::new();
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(cannot)? > 0 {
            last.push_back(std::mem::take(&mut line));
            if last.len() > lines {
                last.pop_front();
            }
        }
        let read = (&file).stream_position().map_err(cannot)?;
        pour(&last.into_iter().flatten().collect::<Vec<u8>>())?;
        Ok(Tail { path, file, read })
    }

    /// Writes what came since; goes over to the new file where the old one was set aside.
    fn go_on(&mut self) -> Result<(), Failure> {
        self.write_rest()?;
        let there = File::open(self.path).and_then(|file| Ok((file.metadata()?.len(), file)));
        if let Ok((length, file)) = there
            && length < self.read
        {
            // What was still written to the old one before it was set aside.
            self.write_rest()?;
            (self.file, self.read) = (file, 0);
            self.write_rest()?;
        }
        Ok(())
    }

    fn write_rest(&mut self) -> Result<(), Failure> {
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(self.read)).map_err(Failure::failed)?;
        self.file.read_to_end(&mut rest).map_err(Failure::failed)?;
        self.read += rest.len() as u64;
        if rest.is_empty() { Ok(()) } else { pour(&rest) }
    }
}
