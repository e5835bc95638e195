//! Process tree: a process with all processes that come from it. On Unix they are a process group and the members of the run, on
//! Windows a job object, which ends with the server too.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use sysinfo::Signal;
use tokio::process::Command;

use super::group::{ChildPipes, Group};
use super::members::{RunMark, TERMINATE_GRACE, VARIABLE};
#[cfg(target_os = "linux")]
use super::orphans;
use super::{CommandLine, Launch, Shell};
use crate::domain::input::truncate;
use crate::i18n::message;
use crate::long_path::{MAX_WORKING_FOLDER, exceeds_working_folder};
use crate::tasks::RunError;

/// The prefix of the server's own variables, which hold settings and secrets and are not passed on.
const OWN_PREFIX: &str = "BELFRY_";

/// A running command and its descendants; all are killed if this is dropped before they have ended.
pub(super) struct ProcessTree {
    group: Group,
    mark: RunMark,
    /// What the command leaves running goes on after its end.
    leave: bool,
    ended: bool,
}

impl ProcessTree {
    /// Starts the command.
    pub async fn spawn(launch: &Launch) -> Result<ProcessTree, RunError> {
        if let Some(cwd) = &launch.cwd {
            let found = tokio::fs::metadata(cwd).await;
            if !found.map_err(|error| cwd_error(cwd, &error))?.is_dir() {
                return Err(RunError::fail(message!("process.cwd_not_a_folder", folder = shown(cwd))));
            }
            if exceeds_working_folder(cwd) {
                return Err(RunError::fail(message!("process.cwd_too_long", folder = shown(cwd), max = MAX_WORKING_FOLDER)));
            }
        }
        #[cfg(windows)]
        if let Some((length, max)) = super::console::excess(&launch.command) {
            return Err(RunError::fail(message!("process.command_too_long", program = launch.command.program(), length, max)));
        }
        let mark = RunMark::new(launch.leave);
        let mut command = command(&launch.command);
        prepare(&mut command, launch);
        // By its mark the next start finds what a killed server has left. On Windows there are no sessions that tell daemons from it.
        if cfg!(unix) || !launch.leave {
            command.env(VARIABLE, mark.value());
        }
        let group = start(command, launch, &mark).map_err(|error| start_error(launch, &error))?;
        Ok(ProcessTree { group, mark, leave: launch.leave, ended: false })
    }

    pub fn take_pipes(&mut self) -> ChildPipes {
        self.group.take_pipes()
    }

    /// Waits for the command itself, not for its background processes.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.group.wait().await
    }

    /// Sends SIGTERM to the command's group and to all members, or CTRL_BREAK to its group.
    pub async fn terminate(&mut self) {
        self.group.terminate();
        self.on_members(|mark| mark.signal(Signal::Term)).await;
    }

    /// Kills the whole tree, at the deadline those that were asked to end.
    pub async fn kill(&mut self, deadline: Instant) {
        self.on_members(move |mark| mark.end(deadline)).await;
        self.group.kill();
        self.ended = true;
    }

    /// Ends what the command has left running, unless it may go on. Call it after the command's own end. Returns whether there was
    /// anything.
    pub async fn end_rest(&mut self) -> bool {
        let deadline = Instant::now() + TERMINATE_GRACE;
        let found = !self.leave && may_have_rest() && self.on_members(move |mark| mark.end(deadline)).await;
        if found {
            self.group.kill();
        }
        self.ended = true;
        found
    }

    /// Calls a function that looks through all processes, which takes a few milliseconds.
    async fn on_members<T: Default + Send + 'static>(&self, work: impl FnOnce(&RunMark) -> T + Send + 'static) -> T {
        if !cfg!(unix) {
            return T::default();
        }
        let mark = self.mark.clone();
        tokio::task::spawn_blocking(move || work(&mark)).await.unwrap_or_default()
    }
}

impl Drop for ProcessTree {
    fn drop(&mut self) {
        if !self.ended {
            self.group.kill();
            if cfg!(unix) {
                self.mark.kill();
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn start(command: Command, _launch: &Launch, mark: &RunMark) -> io::Result<Group> {
    orphans::start(|| mark.pass_on(|| Group::spawn(command)), Group::process)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn start(command: Command, _launch: &Launch, _mark: &RunMark) -> io::Result<Group> {
    Group::spawn(command)
}

#[cfg(windows)]
fn start(command: Command, launch: &Launch, _mark: &RunMark) -> io::Result<Group> {
    Group::spawn(command, super::console::creation_flags(&launch.command), launch.leave)
}

#[cfg(target_os = "linux")]
fn may_have_rest() -> bool {
    orphans::may_exist()
}

#[cfg(not(target_os = "linux"))]
fn may_have_rest() -> bool {
    true
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
                command.args(["/D", "/S", "/C"]).raw_arg(super::console::cmd_argument(text));
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

fn start_error(launch: &Launch, error: &io::Error) -> RunError {
    let program = truncate(launch.command.program(), 200);
    match error.kind() {
        // The interpreter that its first line names was not found.
        ErrorKind::NotFound if begins_with_windows_line(launch.cwd.as_deref(), Path::new(launch.command.program())) => {
            RunError::fail(message!("process.script_with_windows_line_ends", program))
        }
        ErrorKind::NotFound => RunError::fail(message!("process.program_not_found", program)),
        ErrorKind::PermissionDenied => RunError::fail(message!("process.permission_denied", program)),
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => {
            RunError::retry(message!("process.start_failed_for_now", program, error = error.to_string()))
        }
        _ => RunError::fail(message!("process.start_failed", program, error = error.to_string())),
    }
}

/// Whether a program, relative to its working directory, is a script whose first line ends with a carriage return.
pub(super) fn begins_with_windows_line(cwd: Option<&Path>, program: &Path) -> bool {
    let Ok(file) = std::fs::File::open(cwd.unwrap_or(Path::new("")).join(program)) else { return false };
    let mut first = Vec::new();
    // Interpreters are named in the first line, of which the system reads 256 bytes.
    let read = io::Read::take(file, 256);
    io::BufRead::read_until(&mut io::BufReader::new(read), b'\n', &mut first).is_ok()
        && first.starts_with(b"#!")
        && first.ends_with(b"\r\n")
}
