//! Inherited mark: names a run in a resource limit of its processes. Linux passes limits on to all descendants, in a new session, a new
//! group or an empty environment too. It is the limit of file locks, which Linux has not applied since 2.4.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};

/// The limit in `/proc/<pid>/limits`.
const NAME: &str = "Max file locks";

/// The server part of new marks.
static SERVER: OnceLock<u32> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The mark of one run: the server in the upper half, the run in the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InheritedMark(u64);

impl InheritedMark {
    /// A new mark of the server with this id. Without one, of this process.
    pub fn new(server: &str) -> InheritedMark {
        let server = match server {
            "" => *SERVER.get_or_init(|| server_part(&ulid::Ulid::generate().to_string())),
            id => server_part(id),
        };
        let run = NEXT.fetch_add(1, Ordering::Relaxed);
        InheritedMark(u64::from(server) << 32 | u64::from(run))
    }

    /// Whether the mark is one of the server with this id.
    pub fn is_of(self, server: &str) -> bool {
        self.0 >> 32 == u64::from(server_part(server))
    }

    /// The mark of a process; `None` if it has none or has ended.
    pub fn of_process(pid: u32) -> Option<InheritedMark> {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
        let values = limits.lines().find_map(|line| line.strip_prefix(NAME))?;
        // "unlimited" without a mark.
        values.split_whitespace().next()?.parse().ok().map(InheritedMark)
    }

    /// Calls a function that starts a process, which gets the mark. One call at a time.
    pub fn pass_on<T>(self, start: impl FnOnce() -> T) -> T {
        let before = limit();
        if let Ok(before) = before {
            let _ = set_limit(self.0, before.rlim_max); // fails below a lower limit of an administrator
        }
        let started = start();
        if let Ok(before) = before {
            let _ = set_limit(before.rlim_cur, before.rlim_max); // as it was
        }
        started
    }
}

/// At most 31 bits, so that no mark is the value for "unlimited".
fn server_part(id: &str) -> u32 {
    let hash = Sha256::digest(id.as_bytes());
    hash.iter().take(4).fold(0, |value, byte| value << 8 | u32::from(*byte)) >> 1
}

fn limit() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the pointer is to a structure that lives until the call has returned.
    let done = unsafe { libc::getrlimit(libc::RLIMIT_LOCKS, &raw mut limit) };
    if done == 0 { Ok(limit) } else { Err(io::Error::last_os_error()) }
}

fn set_limit(soft: libc::rlim_t, hard: libc::rlim_t) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the pointer is to a structure that lives until the call has returned.
    let done = unsafe { libc::setrlimit(libc::RLIMIT_LOCKS, &raw const limit) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ_by_run_and_name_their_server() {
        let (first, second, other) = (InheritedMark::new("a"), InheritedMark::new("a"), InheritedMark::new("b"));
        assert!(first != second && first.is_of("a") && second.is_of("a"));
        assert!(other.is_of("b") && !other.is_of("a") && !InheritedMark::new("").is_of(""));
    }

    #[test]
    fn this_process_carries_no_mark() {
        assert_eq!(InheritedMark::of_process(std::process::id()), None);
    }
}
