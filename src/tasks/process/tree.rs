//! A process with everything it starts: a process group on Unix, a job object on Windows. What goes beyond that by choice (a
//! daemon in a session of its own) is out of reach.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::{CommandLine, Launch, Shell};
use crate::domain::input::cut;
use crate::tasks::RunError;

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
    pub async fn spawn(launch: &Launch) -> Result<Tree, RunError> {
        if let Some(cwd) = &launch.cwd {
            let found = tokio::fs::metadata(cwd).await;
            if !found.map_err(|error| no_folder(cwd, &error))?.is_dir() {
                return Err(RunError::fail(format!("cwd: '{}' is not a folder", shown(cwd))));
            }
        }
        let mut command = command(&launch.command);
        prepare(&mut command, launch);
        let mut wrapped = CommandWrap::from(command);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrapped.wrap(process_wrap::tokio::JobObject);
        let child = wrapped.spawn().map_err(|error| not_started(launch.command.program(), &error))?;
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

fn command(line: &CommandLine) -> Command {
    let mut command = Command::new(line.program());
    match line {
        CommandLine::Program(_, arguments) => {
            command.args(arguments);
        }
        CommandLine::Shell(shell, text) => shell.hand_over(&mut command, text),
    }
    command
}

impl Shell {
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

fn prepare(command: &mut Command, launch: &Launch) {
    let is_own = |name: &str| name.to_ascii_uppercase().starts_with(OWN_PREFIX);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_own(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
        .envs(&launch.env)
        .stdin(if launch.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cwd) = &launch.cwd {
        command.current_dir(cwd);
    }
}

fn shown(path: &Path) -> String {
    cut(&path.display().to_string(), 200)
}

fn no_folder(cwd: &Path, error: &io::Error) -> RunError {
    match error.kind() {
        ErrorKind::NotFound => RunError::fail(format!("cwd: '{}' does not exist", shown(cwd))),
        _ => RunError::fail(format!("cwd: '{}' cannot be used: {error}", shown(cwd))),
    }
}

fn not_started(program: &str, error: &io::Error) -> RunError {
    let shown = cut(program, 200);
    match error.kind() {
        ErrorKind::NotFound => RunError::fail(format!("program not found: '{shown}'")),
        ErrorKind::PermissionDenied => RunError::fail(format!("'{shown}' may not be run: permission denied")),
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => {
            RunError::retry(format!("'{shown}' could not be started now: {error}"))
        }
        _ => RunError::fail(format!("'{shown}' could not be started: {error}")),
    }
}
