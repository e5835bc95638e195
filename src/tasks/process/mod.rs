//! Runs programs for the task types that need one: under the limits of the settings, with their output as it comes, and
//! with everything they start ended when the run is cancelled, its time is over, or its future is dropped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use encoding_rs::Encoding;
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::output::OutputSink;
use super::{Limits, RunContext, RunError};

pub mod command;
mod permit;
mod pipes;
mod tree;

pub use command::{CommandLine, Shell};
pub use pipes::{Pipes, TAIL};
use tree::Tree;

/// After the program ended, its output is read on for this long: something that it left running in the background may hold
/// the pipes open for good.
const DRAIN: Duration = Duration::from_millis(1500);
/// How long a program may take to end after it was asked to (SIGTERM, so only on Unix); then it is killed. Shorter than the
/// executor's own grace.
const OBEY: Duration = Duration::from_millis(if cfg!(unix) { 1200 } else { 0 });
/// After the kill, the rest of the output is read for this long.
const LAST_DRAIN: Duration = Duration::from_millis(300);

/// What is to be started. (No `Debug`: the environment may hold secrets.)
pub struct Launch {
    pub command: CommandLine,
    /// The folder to run in; `None`: the server's own.
    pub cwd: Option<PathBuf>,
    /// Added to the server's environment, of which a program sees all but Belfry's own variables.
    pub env: BTreeMap<String, String>,
    /// What it reads; `None`: nothing at all.
    pub stdin: Option<Vec<u8>>,
    /// What its output is written in.
    pub encoding: &'static Encoding,
    /// Bytes kept of the end of what it writes to its standard output.
    pub keep: usize,
}

/// How a program ended.
pub struct Ended {
    /// `None` when it was stopped.
    pub status: Option<ExitStatus>,
    pub pipes: Pipes,
}

impl Launch {
    /// A command without anything beside it.
    pub fn new(command: CommandLine) -> Launch {
        let encoding = command::default_encoding();
        Launch { command, cwd: None, env: BTreeMap::new(), stdin: None, encoding, keep: TAIL }
    }

    /// Adds the facts of a run: `BELFRY_EXECUTION_ID`, `_TASK_ID`, `_ATTEMPT`, `_SCHEDULED_AT`.
    #[must_use]
    pub fn with_facts(mut self, context: &RunContext) -> Launch {
        let scheduled_at = context.scheduled_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        self.env.extend([
            ("BELFRY_EXECUTION_ID".to_owned(), context.execution_id.clone()),
            ("BELFRY_TASK_ID".to_owned(), context.task_id.clone()),
            ("BELFRY_ATTEMPT".to_owned(), context.attempt.to_string()),
            ("BELFRY_SCHEDULED_AT".to_owned(), scheduled_at),
        ]);
        self
    }
}

/// Runs a program that a task names to its end, if the limits allow it.
///
/// # Errors
/// What is not allowed or missing, by its name.
pub async fn run(launch: Launch, limits: &Arc<Limits>, context: &RunContext) -> Result<Ended, RunError> {
    permit::check(&launch, limits).await?;
    run_trusted(launch, context).await
}

/// Runs a program that the administrator set up, so that no limits apply.
///
/// # Errors
/// What is missing, by its name.
pub async fn run_trusted(launch: Launch, context: &RunContext) -> Result<Ended, RunError> {
    follow(launch, &context.cancel, Some(&context.output)).await
}

/// Runs a program without telling anybody what it writes. `None` when it took longer than `limit`; then it was killed.
///
/// # Errors
/// What is missing, by its name.
pub async fn run_quietly(launch: Launch, limit: Duration) -> Result<Option<Ended>, RunError> {
    tokio::time::timeout(limit, follow(launch, &CancellationToken::new(), None)).await.ok().transpose()
}

async fn follow(launch: Launch, cancel: &CancellationToken, output: Option<&OutputSink>) -> Result<Ended, RunError> {
    let mut tree = Tree::spawn(&launch).await?;
    let pipes = Pipes::new(launch.encoding, launch.keep);
    let status = watch(&mut tree, &pipes, launch.stdin, cancel, output).await?;
    Ok(Ended { status, pipes })
}

/// Follows the program to its end. `None` when it was stopped.
async fn watch(
    tree: &mut Tree,
    pipes: &Pipes,
    stdin: Option<Vec<u8>>,
    cancel: &CancellationToken,
    output: Option<&OutputSink>,
) -> Result<Option<ExitStatus>, RunError> {
    let pumping = pipes.pump(tree.take_pipes(), stdin, output).fuse();
    let mut pumping = std::pin::pin!(pumping);
    let ended = loop {
        tokio::select! {
            ended = tree.wait() => break ended,
            () = &mut pumping, if !pumping.is_terminated() => {}
            () = cancel.cancelled() => {
                stop(tree, pumping).await;
                return Ok(None);
            }
        }
    };
    tree.leave();
    let status = ended.map_err(|error| RunError::retry(format!("the command could not be waited for: {error}")))?;
    if !pumping.is_terminated()
        && tokio::time::timeout(DRAIN, pumping).await.is_err()
        && let Some(output) = output
    {
        output.line("\n[something that the command left running still holds its output; it is not read any further]");
    }
    Ok(Some(status))
}

/// Ends the program: first by asking, then by force. What it writes meanwhile is still read.
async fn stop(tree: &mut Tree, mut pumping: Pin<&mut impl FusedFuture<Output = ()>>) {
    tree.ask_to_end();
    let obeyed = async {
        let read = async {
            if !pumping.is_terminated() {
                pumping.as_mut().await;
            }
        };
        let _ended = tokio::join!(tree.wait(), read);
    };
    let _in_time_or_not = tokio::time::timeout(OBEY, obeyed).await;
    tree.kill();
    if !pumping.is_terminated() {
        let _read_or_not = tokio::time::timeout(LAST_DRAIN, pumping).await;
    }
}

impl Ended {
    pub fn exit_code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// How it ended, in words; with the last line of its error stream where there is one.
    pub fn in_words(&self) -> String {
        let what = match (self.exit_code(), self.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("ended by {signal}"),
            (None, None) if self.status.is_none() => "the command was ended".to_owned(),
            (None, None) => "ended without an exit code".to_owned(),
        };
        match self.pipes.last_error_line() {
            Some(line) if self.status.is_some() => format!("{what}: {line}"),
            _ => what,
        }
    }

    /// Exit code, signal and the ends of both streams.
    pub fn result(&self) -> Value {
        json!({
            "exit_code": self.exit_code(),
            "signal": self.signal(),
            "stdout_tail": self.pipes.stdout_tail(),
            "stderr_tail": self.pipes.stderr_tail(),
        })
    }

    /// The signal that ended the process, by its name.
    pub fn signal(&self) -> Option<String> {
        self.status.and_then(signal_of)
    }
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;
    let number = status.signal()?;
    let names = [
        (1, "HUP"),
        (2, "INT"),
        (3, "QUIT"),
        (4, "ILL"),
        (6, "ABRT"),
        (8, "FPE"),
        (9, "KILL"),
        (11, "SEGV"),
        (13, "PIPE"),
        (14, "ALRM"),
        (15, "TERM"),
    ];
    let known = names.iter().find(|(known, _)| *known == number);
    Some(known.map_or_else(|| format!("signal {number}"), |(_, name)| format!("SIG{name}")))
}

#[cfg(not(unix))]
fn signal_of(_status: ExitStatus) -> Option<String> {
    None
}
