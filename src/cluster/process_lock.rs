//! Process locks: tell a live process from a dead one. Each process holds a lock on its own file in the data folder for as
//! long as it lives. The operating system releases the lock even after SIGKILL, so a file that can be locked belongs to a
//! dead process. A process on another machine has no file here and is judged by its heartbeat.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::domain::node::{Node, is_silent};

/// The lock of this process, held until it is dropped.
#[derive(Debug)]
pub struct ProcessLock {
    folder: PathBuf,
    node_id: String,
    _lock: File,
}

impl ProcessLock {
    /// Takes the lock of a node, in the folder `nodes` of the data folder.
    ///
    /// # Errors
    /// The folder or the file cannot be created.
    pub fn acquire(data_dir: &Path, node_id: &str) -> io::Result<ProcessLock> {
        let folder = data_dir.join("nodes");
        std::fs::create_dir_all(&folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock_path(&folder, node_id))?;
        lock.lock()?;
        Ok(ProcessLock { folder, node_id: node_id.to_owned(), _lock: lock })
    }

    /// Whether a node's process is dead. `now`: the time by the clock of the heartbeats; `None`: unknown, so that a process on
    /// another machine counts as alive.
    pub fn is_dead(&self, node: &Node, now: Option<DateTime<Utc>>) -> bool {
        if node.identity.id == self.node_id {
            return false;
        }
        match OpenOptions::new().write(true).open(lock_path(&self.folder, &node.identity.id)) {
            Ok(file) => file.try_lock().is_ok(),
            Err(_) => now.is_some_and(|now| is_silent(node.last_seen_at, now)),
        }
    }

    /// The ids of the dead nodes that ran on this machine with the same data folder.
    pub fn dead_here(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        let locks = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "lock"));
        let is_dead = |path: &PathBuf| OpenOptions::new().write(true).open(path).is_ok_and(|file| file.try_lock().is_ok());
        let id = |path: PathBuf| path.file_stem()?.to_str().map(str::to_owned);
        locks.filter(is_dead).filter_map(id).filter(|id| *id != self.node_id).collect()
    }

    /// Deletes the lock file of a dead node.
    pub fn remove(&self, node_id: &str) {
        let _ = std::fs::remove_file(lock_path(&self.folder, node_id)); // missing, or on another machine
    }
}

/// Whether any live process uses the database of a data folder.
pub fn any_process_alive(data_dir: &Path) -> bool {
    let entries = std::fs::read_dir(data_dir.join("nodes")).into_iter().flatten().filter_map(Result::ok);
    let mut locks = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "lock"));
    locks.any(|path| OpenOptions::new().write(true).open(path).is_ok_and(|file| file.try_lock().is_err()))
}

impl Drop for ProcessLock {
    fn drop(&mut self) {
        self.remove(&self.node_id.clone());
    }
}

fn lock_path(folder: &Path, node_id: &str) -> PathBuf {
    folder.join(format!("{node_id}.lock"))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::domain::node::NodeIdentity;

    fn node(id: &str, last_seen_at: DateTime<Utc>) -> Node {
        let identity = NodeIdentity { id: id.into(), name: "host".into() };
        Node { identity, version: "1".into(), started_at: last_seen_at, last_seen_at, workers: 8, clock_offset_ms: None }
    }

    #[test]
    fn is_dead_follows_the_lock_and_not_the_heartbeat() {
        let folder = tempfile::tempdir().unwrap();
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let own = ProcessLock::acquire(folder.path(), "own").unwrap();
        let other = ProcessLock::acquire(folder.path(), "other").unwrap();
        let long_ago = now - Duration::hours(1);
        assert!(!own.is_dead(&node("other", long_ago), Some(now)), "it holds its lock, whatever its heartbeat");
        assert!(!own.is_dead(&node("own", long_ago), Some(now)), "this process is never dead");
        assert!(any_process_alive(folder.path()));
        // A killed process leaves its file behind, unlocked.
        drop(other);
        File::create(lock_path(&own.folder, "other")).unwrap();
        assert!(own.is_dead(&node("other", now), Some(now)));
        drop(own);
        assert!(!any_process_alive(folder.path()));
    }

    #[test]
    fn is_dead_follows_the_heartbeat_without_a_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let own = ProcessLock::acquire(folder.path(), "own").unwrap();
        assert!(!own.is_dead(&node("remote", now - Duration::seconds(30)), Some(now)));
        assert!(own.is_dead(&node("remote", now - Duration::seconds(31)), Some(now)));
        assert!(!own.is_dead(&node("remote", now - Duration::hours(1)), None), "this node's clock is not trusted");
    }
}
