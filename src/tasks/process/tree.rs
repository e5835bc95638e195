//! Process tree: a process with its descendants, as a process group on Unix and a job object on Windows. A daemon that starts its
//! own session leaves the tree.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::{CommandLine, Launch, Shell};
use crate::domain::input::truncate;
use crate::i18n::message;
use crate::tasks::RunError;

/// The prefix of the server's own variables, which hold settings and secrets and are not passed on.
const OWN_PREFIX: &str = "BELFRY_";

/// A running command and its descendants; all are killed if this is dropped before the command ended.
pub(super) struct ProcessTree {
    child: Box<dyn ChildWrapper>,
    detached: bool,
}

/// The server's ends of the three pipes.
pub(super) struct ChildPipes {
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

impl ProcessTree {
    /// Starts the command.
    pub async fn spawn(launch: &Launch) -> Result<ProcessTree, RunError> {
        if let Some(cwd) = &launch.cwd {
            let found = tokio::fs::metadata(cwd).await;
            if !found.map_err(|error| cwd_error(cwd, &error))?.is_dir() {
                return Err(RunError::fail(message!("process.cwd_not_a_folder", folder = shown(cwd))));
            }
        }
        let mut command = command(&launch.command);
        prepare(&mut command, launch);
        let mut wrapped = CommandWrap::from(command);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrapped.wrap(process_wrap::tokio::JobObject);
        let child = wrapped.spawn().map_err(|error| start_error(launch.command.program(), &error))?;
        Ok(ProcessTree { child, detached: false })
    }

    pub fn take_pipes(&mut self) -> ChildPipes {
        let child = &mut self.child;
        ChildPipes { stdin: child.stdin().take(), stdout: child.stdout().take(), stderr: child.stderr().take() }
    }

    /// Waits for the command itself, not for its background processes.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.inner_mut().wait().await
    }

    /// Sends SIGTERM to the whole tree; does nothing outside of Unix.
    pub fn terminate(&mut self) {
        #[cfg(unix)]
        let _ = self.child.signal(SIGTERM); // fails if it has ended
    }

    /// Kills the whole tree.
    pub fn kill(&mut self) {
        self.detached = true;
        let _ = self.child.start_kill(); // fails if it has ended
    }

    /// Detaches the tree after the command ended by itself: its background processes may go on.
    pub fn detach(&mut self) {
        self.detached = true;
    }
}

/// 15 on every Unix.
#[cfg(unix)]
const SIGTERM: i32 = 15;

impl Drop for ProcessTree {
    fn drop(&mut self) {
        if !self.detached {
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
        CommandLine::Shell(shell, text) => shell.add_arguments(&mut command, text),
    }
    command
}

impl Shell {
    fn add_arguments(self, command: &mut Command, text: &str) {
        match self {
            Shell::Sh | Shell::Bash => {
                command.arg("-c").arg(text);
            }
            Shell::Pwsh => {
                command.args(["-NoProfile", "-NonInteractive", "-Command"]).arg(text);
            }
            #[cfg(windows)]
            Shell::Cmd => {
                // The quoting rules of cmd: with /S it strips the outer quotes and takes the rest literally.
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
    truncate(&path.display().to_string(), 200)
}

fn cwd_error(cwd: &Path, error: &io::Error) -> RunError {
    match error.kind() {
        ErrorKind::NotFound => RunError::fail(message!("process.cwd_missing", folder = shown(cwd))),
        _ => RunError::fail(message!("process.cwd_unusable", folder = shown(cwd), error = error.to_string())),
    }
}

fn start_error(program: &str, error: &io::Error) -> RunError {
    let program = truncate(program, 200);
    match error.kind() {
        ErrorKind::NotFound => RunError::fail(message!("process.program_not_found", program)),
        ErrorKind::PermissionDenied => RunError::fail(message!("process.permission_denied", program)),
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => {
            RunError::retry(message!("process.start_failed_for_now", program, error = error.to_string()))
        }
        _ => RunError::fail(message!("process.start_failed", program, error = error.to_string())),
    }
}
