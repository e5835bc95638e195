//! Tells a living process from a dead one. Each process holds a lock on a file of its own in the data folder for as long as
//! it lives; the system frees it even after a SIGKILL, so that whoever can lock the file knows that its owner is gone.
//! A process on another machine has no file here and is judged by its heartbeat.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::domain::node::{Node, SILENCE};

/// This process's lock; held until it is dropped.
#[derive(Debug)]
pub struct Presence {
    folder: PathBuf,
    node_id: String,
    _lock: File,
}

impl Presence {
    /// Takes the lock of a node, in the folder `nodes` of the data folder.
    ///
    /// # Errors
    /// Where the folder or the file cannot be made.
    pub fn announce(data_dir: &Path, node_id: &str) -> io::Result<Presence> {
        let folder = data_dir.join("nodes");
        std::fs::create_dir_all(&folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock_path(&folder, node_id))?;
        lock.lock()?;
        Ok(Presence { folder, node_id: node_id.to_owned(), _lock: lock })
    }

    /// Whether a node's process is gone.
    pub fn is_dead(&self, node: &Node, now: DateTime<Utc>) -> bool {
        if node.identity.id == self.node_id {
            return false;
        }
        match OpenOptions::new().write(true).open(lock_path(&self.folder, &node.identity.id)) {
            Ok(file) => file.try_lock().is_ok(),
            Err(_) => now - node.last_seen_at > SILENCE,
        }
    }

    /// Removes what a dead node left in the folder.
    pub fn forget(&self, node_id: &str) {
        let _not_there_or_not_ours = std::fs::remove_file(lock_path(&self.folder, node_id));
    }
}

/// Whether any process lives that works on the database of a data folder.
pub fn anybody(data_dir: &Path) -> bool {
    let entries = std::fs::read_dir(data_dir.join("nodes")).into_iter().flatten().filter_map(Result::ok);
    let mut locks = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "lock"));
    locks.any(|path| OpenOptions::new().write(true).open(path).is_ok_and(|file| file.try_lock().is_err()))
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.forget(&self.node_id.clone());
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

    fn node(id: &str, seen: DateTime<Utc>) -> Node {
        let identity = NodeIdentity { id: id.into(), name: "host".into() };
        Node { identity, version: "1".into(), started_at: seen, last_seen_at: seen, workers: 8 }
    }

    #[test]
    fn a_lock_tells_the_living_from_the_dead() {
        let folder = tempfile::tempdir().unwrap();
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let ours = Presence::announce(folder.path(), "ours").unwrap();
        let other = Presence::announce(folder.path(), "other").unwrap();
        let long_ago = now - Duration::hours(1);
        assert!(!ours.is_dead(&node("other", long_ago), now), "it holds its lock, whatever its heartbeat");
        assert!(!ours.is_dead(&node("ours", long_ago), now), "oneself is never dead");
        assert!(anybody(folder.path()));
        // A killed process leaves its file behind, unlocked.
        drop(other);
        File::create(lock_path(&ours.folder, "other")).unwrap();
        assert!(ours.is_dead(&node("other", now), now));
        drop(ours);
        assert!(!anybody(folder.path()));
    }

    #[test]
    fn a_process_elsewhere_is_judged_by_its_heartbeat() {
        let folder = tempfile::tempdir().unwrap();
        let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().unwrap();
        let ours = Presence::announce(folder.path(), "ours").unwrap();
        assert!(!ours.is_dead(&node("far", now - Duration::seconds(30)), now));
        assert!(ours.is_dead(&node("far", now - Duration::seconds(31)), now));
    }
}
