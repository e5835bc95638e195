//! `belfry logs`: prints the server's log, or the output of a task's newest run.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::call::{ApiClient, Call};
use super::connection_args::ConnectionArgs;
use super::follow::{Follow, follow};
use super::output_options::{OutputOptions, text};
use super::pages::items;
use super::task::find::find_task;
use super::{Failure, answer, outcome, write_stdout};
use crate::cli::input::unreadable;
use crate::cli::words;
use crate::telemetry::LOG_FILE;

/// The pause between two reads of the log.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Show the server's log, or the output of a task's newest run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry logs                                      the last lines of scheduler.log
  belfry logs -f                                   the same, then new lines as they come
  belfry logs date                                 the output of the task's newest run
  belfry logs date -f                              the same, followed until the run ends")]
pub(super) struct Logs {
    /// The task; without it, the server's log.
    task: Option<String>,
    /// Keep printing new lines.
    #[arg(long, short)]
    follow: bool,
    /// How many lines of the log to print first.
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 50, conflicts_with = "task")]
    lines: usize,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Logs {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Logs { task, follow, lines, connection } = self;
        if let Some(task) = task {
            return connection.run(async |client, output| task_output(&task, follow, client, output).await);
        }
        let output = connection.output()?;
        if let Some((shown, _)) = connection.address() {
            return Err(Failure::Usage(output.fill("logs.local_only", &[("shown", shown)])));
        }
        let file = connection.settings()?.data_dir.join(LOG_FILE);
        let mut tail = Tail::begin(&file, lines)?;
        if !follow {
            return Ok(());
        }
        loop {
            std::thread::sleep(POLL_INTERVAL);
            tail.read_more()?;
        }
    }
}

async fn task_output(task: &str, keep_following: bool, client: &ApiClient, output: &OutputOptions) -> Result<(), Failure> {
    find_task(client, output, task).await?;
    let runs = client.json(Call::get(&["tasks", task, "executions"]).query("page_size", 20), output).await?;
    // Skipped and missed runs have no output.
    let ran = |run: &&Value| !matches!(text(&run["status"]), "skipped" | "missed");
    let Some(run) = items(&runs).iter().find(ran) else {
        return Err(Failure::NotFound(output.fill("logs.never_ran", &[("id", task)])));
    };
    let id = text(&run["id"]);
    if !keep_following {
        return answer(&client.send(Call::get(&["executions", id, "output"]), output).await?.text());
    }
    let ended = follow(id, &Follow { output: true, attempt: None, limit: None }, client, output).await?;
    output.note(outcome::line(&ended, output).trim_end());
    outcome::status(&ended)
}

/// A reader of a log file that grows and is rotated.
struct Tail<'a> {
    path: &'a Path,
    file: File,
    read: u64,
}

impl Tail<'_> {
    fn begin(path: &Path, lines: usize) -> Result<Tail<'_>, Failure> {
        let cannot = |error: std::io::Error| Failure::NotFound(words(&unreadable(&path.display().to_string(), &error)));
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
        write_stdout(&last.into_iter().flatten().collect::<Vec<u8>>())?;
        Ok(Tail { path, file, read })
    }

    /// Prints what was written since; switches to the new file after a rotation.
    fn read_more(&mut self) -> Result<(), Failure> {
        self.write_rest()?;
        let there = File::open(self.path).and_then(|file| Ok((file.metadata()?.len(), file)));
        if let Ok((length, file)) = there
            && length < self.read
        {
            // Lines that were written to the old file before the rotation.
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
        if rest.is_empty() { Ok(()) } else { write_stdout(&rest) }
    }
}
