//! Child processes of task types: started under the limits of the settings, their output streamed, and ended with all processes that
//! come from them when the command ends, when the run is cancelled or times out, or when its future is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use encoding_rs::Encoding;
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::output::OutputSink;
use super::{Limits, RunContext, RunError};

#[cfg(windows)]
mod code_page;
pub mod command;
#[cfg(windows)]
pub mod console;
mod decoding;
mod group;
#[cfg(target_os = "linux")]
mod inherited_mark;
mod members;
#[cfg(target_os = "linux")]
pub mod orphans;
mod permit;
mod pipes;
mod tree;

pub use command::{CommandLine, Shell};
use members::TERMINATE_GRACE;
pub use members::{end_leftovers, name_server};
pub use pipes::{Pipes, TAIL};
use tree::ProcessTree;

use crate::i18n::{Message, message};

/// How long the output is read after the program ended: a background process that it started may hold the pipes open.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long the output is read after the kill.
const KILLED_DRAIN_TIMEOUT: Duration = Duration::from_millis(300);

/// A process to start. No `Debug`, because the environment may contain secrets.
pub struct Launch {
    pub command: CommandLine,
    /// The working directory; `None`: the server's own.
    pub cwd: Option<PathBuf>,
    /// Variables added to the server's environment, from which the `BELFRY_` variables are removed.
    pub env: BTreeMap<String, String>,
    /// The standard input; `None`: empty.
    pub stdin: Option<Vec<u8>>,
    /// The encoding of the output; `None`: detected.
    pub encoding: Option<&'static Encoding>,
    /// Bytes kept of the end of the standard output.
    pub keep: usize,
    /// Whether what the command leaves running goes on after its end. What is in a session of its own then also goes on when the run
    /// is cancelled.
    pub leave: bool,
}

/// The end of a process.
pub struct ProcessExit {
    /// `None` if the process was stopped by a cancellation.
    pub status: Option<ExitStatus>,
    pub pipes: Pipes,
    /// Where it ran; `None`: the server's own folder.
    pub cwd: Option<PathBuf>,
}

impl Launch {
    /// A command with default settings.
    pub fn new(command: CommandLine) -> Launch {
        Launch { command, cwd: None, env: BTreeMap::new(), stdin: None, encoding: None, keep: TAIL, leave: false }
    }

    /// Adds the variables of a run: `BELFRY_EXECUTION_ID`, `_TASK_ID`, `_ATTEMPT`, `_SCHEDULED_AT`.
    #[must_use]
    pub fn with_run_environment(mut self, context: &RunContext) -> Launch {
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

/// Runs a program that a task names, if the limits allow it.
pub async fn run(launch: Launch, limits: &Arc<Limits>, context: &RunContext) -> Result<ProcessExit, RunError> {
    permit::check(&launch, limits).await?;
    run_trusted(launch, context).await
}

/// Runs a program that the administrator set up; no limits apply.
pub async fn run_trusted(launch: Launch, context: &RunContext) -> Result<ProcessExit, RunError> {
    spawn_and_wait(launch, &context.cancel, Some(&context.output)).await
}

/// Runs a program without recording its output. `None` if it took longer than `limit` and was killed.
pub async fn run_without_output(launch: Launch, limit: Duration) -> Result<Option<ProcessExit>, RunError> {
    tokio::time::timeout(limit, spawn_and_wait(launch, &CancellationToken::new(), None)).await.ok().transpose()
}

async fn spawn_and_wait(
    launch: Launch,
    cancel: &CancellationToken,
    output: Option<&OutputSink>,
) -> Result<ProcessExit, RunError> {
    let mut tree = ProcessTree::spawn(&launch).await?;
    let mask = output.map(OutputSink::mask).unwrap_or_default();
    let pipes = Pipes::new(launch.encoding, launch.keep, mask);
    let status = wait_for_exit(&mut tree, &pipes, launch.stdin, cancel, output).await?;
    Ok(ProcessExit { status, pipes, cwd: launch.cwd })
}

/// Waits for the program to end while its pipes are pumped. `None` if it was stopped by a cancellation.
async fn wait_for_exit(
    tree: &mut ProcessTree,
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
    let status = ended.map_err(|error| RunError::retry(message!("process.wait_failed", error = error.to_string())))?;
    read_for(DRAIN_TIMEOUT, pumping.as_mut()).await;
    let has_rest = tree.end_rest().await;
    if has_rest {
        read_for(KILLED_DRAIN_TIMEOUT, pumping.as_mut()).await;
    }
    if let Some(output) = output {
        if !pumping.is_terminated() {
            output.line("\n[a background process still holds the output open; the rest of the output is not read]");
        } else if has_rest {
            output.line("\n[background processes of the command were ended with it; the parameter leave keeps them]");
        }
        pipes.note_unknown_encoding(output);
    }
    Ok(Some(status))
}

/// Stops the program: SIGTERM or, on Windows, CTRL_BREAK first, then a kill. The output is still read meanwhile.
async fn stop(tree: &mut ProcessTree, mut pumping: Pin<&mut impl FusedFuture<Output = ()>>) {
    let deadline = Instant::now() + TERMINATE_GRACE;
    tree.terminate().await;
    let terminated = async { tokio::join!(tree.wait(), read_for(TERMINATE_GRACE, pumping.as_mut())) };
    let _ = tokio::time::timeout_at(deadline.into(), terminated).await; // killed next in any case
    tree.kill(deadline).await;
    read_for(KILLED_DRAIN_TIMEOUT, pumping).await;
}

/// Reads the output to its end, or for as long as the limit.
async fn read_for(limit: Duration, pumping: Pin<&mut impl FusedFuture<Output = ()>>) {
    if !pumping.is_terminated() {
        let _ = tokio::time::timeout(limit, pumping).await;
    }
}

impl ProcessExit {
    pub fn exit_code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// A description of the end, with the last line of standard error if there is one.
    pub fn describe(&self) -> Message {
        let what = match (self.exit_code(), self.signal()) {
            (Some(code), _) => message!("process.exit_code", code),
            (None, Some(signal)) => message!("process.signal", signal),
            (None, None) if self.status.is_none() => message!("process.stopped"),
            (None, None) => message!("process.no_exit_code"),
        };
        let ended = match self.pipes.last_error_line() {
            Some(detail) if self.status.is_some() => message!("run.detail", what, detail),
            _ => what,
        };
        if self.has_windows_line_ends() { message!("process.windows_line_ends", ended) } else { ended }
    }

    /// Whether a script failed because of its line ends: standard error shows a carriage return, or says that an existing script was
    /// not found, which is true of the interpreter that it names.
    fn has_windows_line_ends(&self) -> bool {
        let is_script = |word: &str| word.contains('/') && tree::begins_with_windows_line(self.cwd.as_deref(), Path::new(word));
        let named = |line: String| line.split([':', ' ', '\'', '"']).any(is_script);
        self.pipes.names_a_return() || (self.exit_code() == Some(127) && self.pipes.last_error_line().is_some_and(named))
    }

    /// The result of a run: exit code, signal, the ends of both streams, and their encoding if it was found out.
    pub fn result(&self) -> Value {
        let mut result = json!({
            "exit_code": self.exit_code(),
            "signal": self.signal(),
            "stdout_tail": self.pipes.stdout_tail(),
            "stderr_tail": self.pipes.stderr_tail(),
        });
        if let Some(encoding) = self.pipes.found_encoding() {
            result["encoding"] = encoding.to_ascii_lowercase().into();
        }
        result
    }

    /// The name of the signal that ended the process.
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
