//! A command with the processes that the system counts to it: on Unix a process group, on Windows a job object, which ends with the
//! server too.

use std::io;
use std::process::ExitStatus;

#[cfg(unix)]
use tokio::process::Child;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

/// The server's ends of the three pipes.
pub(super) struct ChildPipes {
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

/// The command leads its group, which has its process id.
#[cfg(unix)]
pub(super) struct Group {
    child: Child,
    id: Option<libc::pid_t>,
}

#[cfg(unix)]
impl Group {
    pub fn spawn(mut command: Command) -> io::Result<Group> {
        let child = command.process_group(0).spawn()?;
        let id = child.id().and_then(|id| id.try_into().ok());
        Ok(Group { child, id })
    }

    /// The id of the command; `None` once its end was awaited.
    #[cfg(target_os = "linux")]
    pub fn process(&self) -> Option<u32> {
        self.child.id()
    }

    pub fn take_pipes(&mut self) -> ChildPipes {
        let child = &mut self.child;
        ChildPipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() }
    }

    /// Waits for the command itself.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends SIGTERM to all of the group.
    pub fn terminate(&self) {
        self.signal(libc::SIGTERM);
    }

    /// Kills all of the group.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(&self, signal: libc::c_int) {
        let Some(id) = self.id else { return };
        #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
        // SAFETY: the call takes numbers only.
        let _ = unsafe { libc::killpg(id, signal) }; // fails if the group has ended
    }
}

#[cfg(windows)]
pub(super) struct Group(Box<dyn process_wrap::tokio::ChildWrapper>);

#[cfg(windows)]
impl Group {
    /// `outlives_server`: the group is not ended when the server ends.
    pub fn spawn(
        command: Command,
        flags: windows::Win32::System::Threading::PROCESS_CREATION_FLAGS,
        outlives_server: bool,
    ) -> io::Result<Group> {
        use process_wrap::tokio::{CommandWrap, CreationFlags, JobObject, KillOnDrop};
        let mut command = CommandWrap::from(command);
        command.wrap(CreationFlags(flags)).wrap(JobObject);
        if !outlives_server {
            command.wrap(KillOnDrop);
        }
        command.spawn().map(Group)
    }

    pub fn take_pipes(&mut self) -> ChildPipes {
        let child = &mut self.0;
        ChildPipes { stdin: child.stdin().take(), stdout: child.stdout().take(), stderr: child.stderr().take() }
    }

    /// Waits for the command itself.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.inner_mut().wait().await
    }

    /// Sends CTRL_BREAK to the command's console group.
    pub fn terminate(&self) {
        if let Some(process) = self.0.id() {
            super::console::ask_to_end(process);
        }
    }

    /// Ends all of the job object.
    pub fn kill(&mut self) {
        let _ = self.0.start_kill(); // fails if it has ended
    }
}
