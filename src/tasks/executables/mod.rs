//! Executables of the user's own: every executable in the folder of the setting `[tasks] folder` is a task type.
//!
//! An executable reads its parameters as JSON from its standard input, finds the facts of the run in its environment
//! (`BELFRY_EXECUTION_ID`, `BELFRY_TASK_ID`, `BELFRY_TASK_TYPE`, `BELFRY_ATTEMPT`, `BELFRY_SCHEDULED_AT`), and writes its
//! result as a line of JSON. Exit status 0 is success, 75 asks for another attempt, any other is a failure that another
//! attempt would not mend.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::process::{self, CommandLine, Ended, Launch};
use super::{Run, RunContext, RunError, Spec, TaskType};

mod describe;
mod folder;
mod watch;

pub use watch::Watch;

/// "Try again later", of sysexits.h.
const TEMPORARY_FAILURE: i32 = 75;
/// Bytes kept of the end of the standard output, so the longest result.
const RESULT_MAX: usize = 1 << 20;
/// The result stands within so many lines of the end.
const LINES: usize = 100;

/// A task type that is an executable.
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
            let mut launch = launch(&self.path, &[]).with_facts(context);
            launch.env.insert("BELFRY_TASK_TYPE".to_owned(), self.spec.name.to_string());
            launch.stdin = Some(format!("{params}\n").into_bytes());
            launch.keep = RESULT_MAX;
            outcome(&process::run_trusted(launch, context).await?)
        })
    }
}

/// How an executable is started: in its own folder, by whatever runs files of its kind.
fn launch(path: &Path, arguments: &[&str]) -> Launch {
    let mut words: Vec<String> = interpreter(path).iter().map(|word| (*word).to_owned()).collect();
    words.push(path.display().to_string());
    words.extend(arguments.iter().map(|word| (*word).to_owned()));
    let program = words.remove(0);
    Launch {
        cwd: path.parent().map(Path::to_owned),
        encoding: encoding_rs::UTF_8,
        // Python would write in the encoding of the machine, which need not be able to write every name.
        env: [("PYTHONUTF8".to_owned(), "1".to_owned())].into(),
        ..Launch::new(CommandLine::Program(program, words))
    }
}

/// On Unix the file itself says what runs it.
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

fn outcome(ended: &Ended) -> Result<Value, RunError> {
    let result = result_in(&ended.pipes.stdout()).unwrap_or_else(|| ended.result());
    match (ended.exit_code(), ended.status) {
        (Some(0), _) => Ok(result),
        (Some(TEMPORARY_FAILURE), _) => {
            let message = ended.pipes.last_error_line().unwrap_or_else(|| "asked for another attempt".to_owned());
            Err(RunError::retry(message).with_result(result))
        }
        (None, Some(_signal)) => Err(RunError::retry(ended.in_words()).with_result(result)),
        _ => Err(RunError::fail(ended.in_words()).with_result(result)),
    }
}

/// The last line that is a JSON object or list.
fn result_in(stdout: &str) -> Option<Value> {
    let may_be = |line: &&str| line.starts_with(['{', '[']);
    stdout.lines().rev().take(LINES).map(str::trim).filter(may_be).find_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_line_of_json_is_the_result() {
        assert_eq!(result_in("{\"a\": 1}\n{\"a\": 2}\r\n[done]\nbye\n"), Some(json!({"a": 2})));
        assert_eq!(result_in("42\nbye\n"), None);
    }
}
