//! Members of a run: all processes that carry its mark, and their descendants, whatever group or session they made for themselves. The
//! mark is a variable of the environment and, on Linux, an [`InheritedMark`], which stays where the environment is cleared.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, Signal, System, UpdateKind};
use ulid::Ulid;

#[cfg(target_os = "linux")]
use super::inherited_mark::InheritedMark;

/// The variable with the mark.
pub(super) const VARIABLE: &str = "BELFRY_RUN";
/// How long processes may take to end after SIGTERM, or CTRL_BREAK on Windows, before they are killed. Shorter than the executor's grace period.
pub(super) const TERMINATE_GRACE: Duration = Duration::from_millis(1200);
/// How often the processes are looked for until they have ended, and for how long after they were killed.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
const KILL_LIMIT: Duration = Duration::from_millis(300);
/// Before the session in the mark of a run whose daemons stay.
const LEAVE: &str = ".leave-";

/// The id of this server's node.
static NODE: OnceLock<String> = OnceLock::new();

/// Names this server in the marks of its runs, so that a later start finds what a killed server has left.
pub fn name_server(node_id: &str) {
    let _ = NODE.set(node_id.to_owned()); // one server a process
}

/// Ends the processes that the runs of a dead server have left on this machine. Blocks for up to two seconds.
pub fn end_leftovers(node_id: &str) {
    end(&Selection::Server(node_id), Instant::now() + TERMINATE_GRACE);
}

/// The mark of one run.
#[derive(Debug, Clone)]
pub(super) struct RunMark {
    variable: String,
    /// `None` for a run whose daemons stay.
    #[cfg(target_os = "linux")]
    inherited: Option<InheritedMark>,
}

impl RunMark {
    /// A new mark. With `leave`, processes in a session of their own are no members.
    pub fn new(leave: bool) -> RunMark {
        let node = NODE.get().map_or("", String::as_str);
        let session = own_session().filter(|_| leave).map(|session| format!("{LEAVE}{session}")).unwrap_or_default();
        RunMark {
            variable: format!("{node}.{}{session}", Ulid::generate()),
            #[cfg(target_os = "linux")]
            inherited: (!leave).then(|| InheritedMark::new(node)),
        }
    }

    /// The value of the variable.
    pub fn value(&self) -> &str {
        &self.variable
    }

    /// Calls a function that starts a process, which gets the inherited mark. One call at a time.
    #[cfg(target_os = "linux")]
    pub fn pass_on<T>(&self, start: impl FnOnce() -> T) -> T {
        match self.inherited {
            Some(mark) => mark.pass_on(start),
            None => start(),
        }
    }

    /// Sends a signal to all members. Returns how many there are.
    pub fn signal(&self, signal: Signal) -> usize {
        self::signal(&Selection::Run(self), signal)
    }

    /// Ends all members: SIGTERM first, a kill at the deadline. Returns whether there were any.
    pub fn end(&self, deadline: Instant) -> bool {
        end(&Selection::Run(self), deadline)
    }

    /// Kills all members.
    pub fn kill(&self) {
        kill(&Selection::Run(self));
    }
}

/// Which runs are meant.
enum Selection<'s> {
    Run(&'s RunMark),
    /// All of the server with this id.
    Server(&'s str),
}

impl Selection<'_> {
    /// Whether a process carries a mark, and the session that it must be in.
    fn find(&self, process: &Process) -> Option<Option<Pid>> {
        let mut marks =
            process.environ().iter().filter_map(|variable| variable.to_str()?.strip_prefix(VARIABLE)?.strip_prefix('='));
        match marks.find(|mark| self.is_variable(mark)) {
            Some(mark) => Some(session_of(mark)),
            None => self.has_inherited(process).then_some(None),
        }
    }

    fn is_variable(&self, mark: &str) -> bool {
        match self {
            Selection::Run(run) => mark == run.variable,
            Selection::Server(id) => mark.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')),
        }
    }

    #[cfg(target_os = "linux")]
    fn has_inherited(&self, process: &Process) -> bool {
        let carried = InheritedMark::of_process(process.pid().as_u32());
        match self {
            Selection::Run(run) => run.inherited.is_some() && carried == run.inherited,
            Selection::Server(id) => carried.is_some_and(|mark| mark.is_of(id)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn has_inherited(&self, _process: &Process) -> bool {
        false
    }
}

fn own_session() -> Option<Pid> {
    let own = Pid::from_u32(std::process::id());
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, ProcessRefreshKind::nothing().without_tasks());
    system.process(own)?.session_id()
}

fn end(selection: &Selection, deadline: Instant) -> bool {
    if signal(selection, Signal::Term) == 0 {
        return false;
    }
    while Instant::now() < deadline {
        std::thread::sleep(POLL_INTERVAL);
        if count(selection) == 0 {
            return true;
        }
    }
    kill(selection);
    true
}

fn kill(selection: &Selection) {
    let started = Instant::now();
    while signal(selection, Signal::Kill) > 0 && started.elapsed() < KILL_LIMIT {
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn count(selection: &Selection) -> usize {
    processes().map_or(0, |system| members(&system, selection).len())
}

fn signal(selection: &Selection, signal: Signal) -> usize {
    let Some(system) = processes() else { return 0 };
    let members = members(&system, selection);
    for process in &members {
        let _ = process.kill_with(signal); // fails if it has ended
    }
    members.len()
}

fn processes() -> Option<System> {
    let wanted = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).without_tasks();
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::All, false, wanted);
    Some(system)
}

/// The living processes with a mark, and their descendants, without this process.
fn members<'s>(system: &'s System, selection: &Selection) -> Vec<&'s Process> {
    let own = Pid::from_u32(std::process::id());
    let others = || system.processes().iter().filter(|(pid, _)| **pid != own);
    // With each the session that it must be in: a run that leaves its daemons has no others.
    let mut found: HashMap<Pid, Option<Pid>> =
        others().filter_map(|(pid, process)| Some((*pid, selection.find(process)?))).collect();
    loop {
        let session = |process: &Process| found.get(&process.parent()?).copied();
        let unknown = others().filter(|(pid, _)| !found.contains_key(pid));
        let children: Vec<_> = unknown.filter_map(|(pid, process)| Some((*pid, session(process)?))).collect();
        if children.is_empty() {
            break;
        }
        found.extend(children);
    }
    let in_session = |process: &Process, session: Option<Pid>| session.is_none() || process.session_id() == session;
    let found = found.into_iter().filter_map(|(pid, session)| Some((system.process(pid)?, session)));
    found.filter(|(process, session)| is_alive(process) && in_session(process, *session)).map(|(process, _)| process).collect()
}

fn session_of(mark: &str) -> Option<Pid> {
    mark.rsplit_once(LEAVE).and_then(|(_, session)| session.parse().ok()).map(Pid::from_u32)
}

fn is_alive(process: &Process) -> bool {
    !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
}
