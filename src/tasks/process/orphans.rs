//! Orphans: processes whose parent has ended. On Linux the server adopts those of its runs, so it knows when a run has left some, and
//! it collects their exit statuses.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::signal::unix::{SignalKind, signal};

/// Whether orphans become children of this process.
static ADOPTS: AtomicBool = AtomicBool::new(false);
/// The children that are waited for elsewhere.
static STARTED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Makes this process the parent of orphans among its descendants. Only for a process whose children are all started by
/// `start`.
pub fn adopt() {
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the call takes numbers only.
    let done = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
    ADOPTS.store(done == 0, Ordering::Relaxed);
}

/// Collects the exit statuses of adopted processes, for as long as the server runs.
pub async fn collect() {
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    while ADOPTS.load(Ordering::Relaxed) && ended.recv().await.is_some() {
        for orphan in adopted().unwrap_or_default() {
            if let Ok(pid) = libc::pid_t::try_from(orphan) {
                #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
                // SAFETY: the status pointer may be null; the process is a child that nothing else waits for.
                let _ = unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
            }
        }
    }
}

/// Starts a child that the caller waits for.
pub(super) fn start<C>(spawn: impl FnOnce() -> io::Result<C>, id: impl FnOnce(&C) -> Option<u32>) -> io::Result<C> {
    // Held meanwhile, so that the child is not taken for an orphan.
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let child = spawn()?;
    started.extend(id(&child));
    Ok(child)
}

/// Whether there may be processes whose parent has ended.
pub(super) fn may_exist() -> bool {
    !ADOPTS.load(Ordering::Relaxed) || adopted().is_none_or(|orphans| !orphans.is_empty())
}

/// The children that this process did not start; `None` if the kernel does not list them.
fn adopted() -> Option<Vec<u32>> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut children = BTreeSet::new();
    for thread in std::fs::read_dir("/proc/self/task").ok()?.filter_map(Result::ok) {
        // A thread that has just ended has no file any more.
        let Ok(list) = std::fs::read_to_string(thread.path().join("children")) else { continue };
        children.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    if children.is_empty() && !std::path::Path::new("/proc/thread-self/children").exists() {
        return None;
    }
    started.retain(|pid| children.contains(pid));
    Some(children.difference(&started).copied().collect())
}
