//! User-defined task types: every executable in the folder `[tasks] folder` is a task type.
//!
//! An executable reads its parameters as JSON from standard input and the run's context from environment variables
//! (`BELFRY_EXECUTION_ID`, `BELFRY_TASK_ID`, `BELFRY_TASK_TYPE`, `BELFRY_ATTEMPT`, `BELFRY_SCHEDULED_AT`), and writes its
//! result as a line of JSON. Exit status 0 is success, 75 (`EX_TEMPFAIL`) a retryable failure, any other a permanent failure.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::process::{self, CommandLine, Launch, ProcessExit};
use super::{Run, RunContext, RunError, Spec, TaskType};
use crate::i18n::{Message, message};

mod describe;
mod folder;
mod watcher;

pub use watcher::ExecutableWatcher;

/// `EX_TEMPFAIL` of sysexits.h.
const TEMPORARY_FAILURE: i32 = 75;
/// Bytes kept of the end of standard output; limits the size of a result.
const RESULT_MAX: usize = 1 << 20;
/// Lines at the end of standard output in which the result is searched.
const RESULT_LINES_MAX: usize = 100;

/// A task type backed by an executable.
struct Executable {
    spec: Spec,
    path: PathBuf,
}

impl TaskType for Executable {
    fn spec(&self) -> Spec {
        self.spec.clone()
    }

    fn run<'a>(&'a self, params: Value, context: &'a RunContext) -> Run<'a> {
        Box::pin(async move {
            let mut launch = launch(&self.path, &[]).with_run_environment(context);
            launch.env.insert("BELFRY_TASK_TYPE".to_owned(), self.spec.name.to_string());
            launch.stdin = Some(format!("{params}\n").into_bytes());
            launch.keep = RESULT_MAX;
            outcome(&process::run_trusted(launch, context).await?)
        })
    }
}

/// The launch of an executable: in its own folder, with the interpreter of its file type.
fn launch(path: &Path, arguments: &[&str]) -> Launch {
    let mut command: Vec<String> = interpreter(path).iter().map(|part| (*part).to_owned()).collect();
    command.push(path.display().to_string());
    command.extend(arguments.iter().map(|part| (*part).to_owned()));
    let program = command.remove(0);
    Launch {
        cwd: path.parent().map(Path::to_owned),
        encoding: Some(encoding_rs::UTF_8),
        // By default Python writes in the machine's encoding, which may not cover all characters.
        env: [("PYTHONUTF8".to_owned(), "1".to_owned())].into(),
        ..Launch::new(CommandLine::Program(program, command))
    }
}

/// On Unix the file's own header (`#!`) decides.
#[cfg(not(windows))]
fn interpreter(_path: &Path) -> &'static [&'static str] {
    &[]
}

#[cfg(windows)]
fn interpreter(path: &Path) -> &'static [&'static str] {
    match folder::extension(path).as_str() {
        "ps1" => &["powershell", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"],
        "py" => &["py"],
        _ => &[],
    }
}

fn outcome(ended: &ProcessExit) -> Result<Value, RunError> {
    let result = parse_result(&ended.pipes.stdout()).unwrap_or_else(|| ended.result());
    match (ended.exit_code(), ended.status) {
        (Some(0), _) => Ok(result),
        (Some(TEMPORARY_FAILURE), _) => {
            let message = ended.pipes.last_error_line().map(Message::verbatim);
            let message = message.unwrap_or_else(|| message!("process.temporary_failure"));
            Err(RunError::retry(message).with_result(result))
        }
        (None, Some(_signal)) => Err(RunError::retry(ended.describe()).with_result(result)),
        _ => Err(RunError::fail(ended.describe()).with_result(result)),
    }
}

/// The last line that is a JSON object or array.
fn parse_result(stdout: &str) -> Option<Value> {
    let looks_like_json = |line: &&str| line.starts_with(['{', '[']);
    stdout
        .lines()
        .rev()
        .take(RESULT_LINES_MAX)
        .map(str::trim)
        .filter(looks_like_json)
        .find_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parse_result_takes_the_last_json_line() {
        assert_eq!(parse_result("{\"a\": 1}\n{\"a\": 2}\r\n[done]\nbye\n"), Some(json!({"a": 2})));
        assert_eq!(parse_result("42\nbye\n"), None);
    }
}
