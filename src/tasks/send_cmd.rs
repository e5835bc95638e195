//! `send_cmd`: runs a command on the server's machine, with its output as it comes. When the run is cancelled or its time is
//! over, the command and everything it started is ended.

use std::pin::Pin;
use std::process::ExitStatus;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use serde_json::{Value, json};

use super::{Run, RunContext, RunError, Spec, TaskType, Text};
use crate::domain::fault::Fault;
use crate::domain::input::cut;
use crate::domain::policy::Policy;

mod params;
mod pipes;
mod process;

use params::Params;
use pipes::Pipes;
use process::Tree;

/// After the command ended, its output is read on for this long: something that it left running in the background may hold
/// the pipes open for good.
const DRAIN: Duration = Duration::from_millis(1500);
/// How long a command may take to end after it was asked to (SIGTERM, so only on Unix); then it is killed. Shorter than the
/// executor's own grace.
const OBEY: Duration = Duration::from_millis(if cfg!(unix) { 1200 } else { 0 });
/// After the kill, the rest of the output is read for this long.
const LAST_DRAIN: Duration = Duration::from_millis(300);
/// The longest line of the error stream that goes into an error message, in characters.
const LINE_MAX: usize = 200;

/// Runs a command.
#[derive(Debug, Default)]
pub struct SendCmd;

impl TaskType for SendCmd {
    fn spec(&self) -> Spec {
        Spec {
            name: "send_cmd".into(),
            title: Text::of("Run a command", "执行命令"),
            description: Text::of(
                "Runs a shell command or a program on the server's machine and records its output.",
                "在服务器上执行 Shell 命令或程序，并记录其输出。",
            ),
            params_schema: params::schema(),
            example: json!({"command": "echo hello"}),
            default_policy: Policy { timeout: Some(Duration::from_secs(3600)), ..Policy::default() },
            dangerous: true,
        }
    }

    fn check(&self, params: &Value) -> Vec<Fault> {
        Params::read(params).err().unwrap_or_default()
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let params = Params::read(&params).map_err(|faults| RunError::fail(first(&faults)))?;
            let mut tree = Tree::spawn(&params, context).await?;
            let pipes = Pipes::new(params.encoding);
            let status = watch(&mut tree, &pipes, &params, context).await?;
            match status {
                Some(status) => outcome(status, &pipes, &params),
                None => Err(RunError::fail("the command was ended").with_result(pipes.result(None, None))),
            }
        })
    }
}

fn first(faults: &[Fault]) -> String {
    faults.first().map(|fault| fault.message.clone()).unwrap_or_default()
}

/// Follows the command to its end. `None` when it was stopped.
async fn watch(tree: &mut Tree, pipes: &Pipes, params: &Params, context: &RunContext) -> Result<Option<ExitStatus>, RunError> {
    let pumping = pipes.pump(tree.take_pipes(), params.stdin_bytes(), &context.output).fuse();
    let mut pumping = std::pin::pin!(pumping);
    let ended = loop {
        tokio::select! {
            ended = tree.wait() => break ended,
            () = &mut pumping, if !pumping.is_terminated() => {}
            () = context.cancel.cancelled() => {
                stop(tree, pumping).await;
                return Ok(None);
            }
        }
    };
    tree.leave();
    let status = ended.map_err(|error| RunError::retry(format!("the command could not be waited for: {error}")))?;
    if !pumping.is_terminated() && tokio::time::timeout(DRAIN, pumping).await.is_err() {
        context.output.line("\n[something that the command left running still holds its output; it is not read any further]");
    }
    Ok(Some(status))
}

/// Ends the command: first by asking, then by force. What it writes meanwhile is still read.
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

/// Success or failure by the exit code.
fn outcome(status: ExitStatus, pipes: &Pipes, params: &Params) -> Result<Value, RunError> {
    let signal = signal_of(status);
    let result = pipes.result(status.code(), signal.as_deref());
    let what = match (status.code(), signal) {
        (Some(code), _) if params.success_codes.contains(&code) => return Ok(result),
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by {signal}"),
        (None, None) => "ended without an exit code".to_owned(),
    };
    let message = match pipes.last_error_line() {
        Some(line) => format!("{what}: {}", cut(&line, LINE_MAX)),
        None => what,
    };
    Err(RunError::retry(message).with_result(result))
}

/// The signal that ended the process, by its name.
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

#[cfg(all(test, target_os = "linux"))]
mod tests;
