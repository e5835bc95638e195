//! A process with everything it starts: a process group on Unix, a job object on Windows. What goes beyond that by choice (a
//! daemon in a session of its own) is out of reach.

use std::io::{self, ErrorKind};
use std::process::{ExitStatus, Stdio};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::params::{CommandLine, Params, Shell};
use crate::domain::input::cut;
use crate::tasks::{RunContext, RunError};

/// Variables of the server that a command must not see: its settings and secrets.
const OWN_PREFIX: &str = "BELFRY_";

/// A running command and its descendants; all are killed when this is dropped before the command ended.
pub(super) struct Tree {
    child: Box<dyn ChildWrapper>,
    left_alone: bool,
}

/// The command's ends of the three pipes.
pub(super) struct ChildPipes {
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

impl Tree {
    /// Starts the command.
    ///
    /// # Errors
    /// What is missing, by its name.
    pub async fn spawn(params: &Params, context: &RunContext) -> Result<Tree, RunError> {
        if let Some(cwd) = &params.cwd {
            let found = tokio::fs::metadata(cwd).await;
            if !found.map_err(|error| no_folder(cwd, &error))?.is_dir() {
                return Err(RunError::fail(format!("cwd: '{}' is not a folder", cut(cwd, 200))));
            }
        }
        let (program, mut command) = command(&params.command);
        prepare(&mut command, params, context);
        let mut wrapped = CommandWrap::from(command);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrapped.wrap(process_wrap::tokio::JobObject);
        let child = wrapped.spawn().map_err(|error| not_started(&program, &error))?;
        Ok(Tree { child, left_alone: false })
    }

    pub fn take_pipes(&mut self) -> ChildPipes {
        let child = &mut self.child;
        ChildPipes { stdin: child.stdin().take(), stdout: child.stdout().take(), stderr: child.stderr().take() }
    }

    /// Waits for the command itself, not for what it left running.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.inner_mut().wait().await
    }

    /// Asks the whole tree to end (Unix only; elsewhere only [`Tree::kill`] does something).
    pub fn ask_to_end(&mut self) {
        #[cfg(unix)]
        let _gone_already = self.child.signal(SIGTERM);
    }

    /// Kills the whole tree.
    pub fn kill(&mut self) {
        self.left_alone = true;
        let _gone_already = self.child.start_kill();
    }

    /// The command ended by itself: what it started in the background may go on.
    pub fn leave(&mut self) {
        self.left_alone = true;
    }
}

/// The same number on every Unix.
#[cfg(unix)]
const SIGTERM: i32 = 15;

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.left_alone {
            self.kill();
        }
    }
}

/// The program's name, for messages, and its command line.
fn command(line: &CommandLine) -> (String, Command) {
    match line {
        CommandLine::Program(program, arguments) => {
            let mut command = Command::new(program);
            command.args(arguments);
            (program.clone(), command)
        }
        CommandLine::Shell(shell, text) => {
            let program = shell.program();
            let mut command = Command::new(program);
            shell.hand_over(&mut command, text);
            (program.to_owned(), command)
        }
    }
}

impl Shell {
    fn program(self) -> &'static str {
        match self {
            Shell::Sh => "sh",
            Shell::Bash => "bash",
            Shell::Cmd => "cmd",
            Shell::Pwsh if cfg!(windows) => "powershell",
            Shell::Pwsh => "pwsh",
        }
    }

    fn hand_over(self, command: &mut Command, text: &str) {
        match self {
            Shell::Sh | Shell::Bash => {
                command.arg("-c").arg(text);
            }
            Shell::Pwsh => {
                command.args(["-NoProfile", "-NonInteractive", "-Command"]).arg(text);
            }
            #[cfg(windows)]
            Shell::Cmd => {
                // cmd has its own rules of quoting: with /S the outer quotes are stripped and the rest is taken as it is.
                command.args(["/D", "/S", "/C"]).raw_arg(format!("\"{text}\""));
            }
            #[cfg(not(windows))]
            Shell::Cmd => {
                command.arg("/C").arg(text);
            }
        }
    }
}

fn prepare(command: &mut Command, params: &Params, context: &RunContext) {
    let is_own = |name: &str| name.to_ascii_uppercase().starts_with(OWN_PREFIX);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_own(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
        .envs(&params.env)
        .env("BELFRY_EXECUTION_ID", &context.execution_id)
        .env("BELFRY_TASK_ID", &context.task_id)
        .env("BELFRY_ATTEMPT", context.attempt.to_string())
        .env("BELFRY_SCHEDULED_AT", context.scheduled_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .stdin(if params.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cwd) = &params.cwd {
        command.current_dir(cwd);
    }
}

fn no_folder(cwd: &str, error: &io::Error) -> RunError {
    let shown = cut(cwd, 200);
    match error.kind() {
        ErrorKind::NotFound => RunError::fail(format!("cwd: '{shown}' does not exist")),
        _ => RunError::fail(format!("cwd: '{shown}' cannot be used: {error}")),
    }
}

fn not_started(program: &str, error: &io::Error) -> RunError {
    let shown = cut(program, 200);
    match error.kind() {
        ErrorKind::NotFound => RunError::fail(format!("program not found: '{shown}'")),
        ErrorKind::PermissionDenied => RunError::fail(format!("'{shown}' may not be run: permission denied")),
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ResourceBusy => {
            RunError::retry(format!("'{shown}' could not be started now: {error}"))
        }
        _ => RunError::fail(format!("'{shown}' could not be started: {error}")),
    }
}
