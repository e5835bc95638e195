//! Watches of a file that other processes change: on Linux the system reports changes; elsewhere the file is polled.

use std::path::Path;
use std::time::Duration;

use self::system::Changes;
use crate::clock::{precise, tick};

/// The shortest time between two polls, and the poll interval where the system does not report changes.
const INTERVAL: Duration = Duration::from_millis(200);
/// The poll interval while no change is reported. Changes of a shared folder by another machine are not reported.
const LONGEST: Duration = Duration::from_secs(1);
/// The delay of a poll after a reported change: the other writes of the same transaction have mostly ended by then.
const SETTLES: Duration = Duration::from_millis(10);

/// A watch of one file.
#[derive(Debug)]
pub struct FileWatch {
    /// `None` if the system does not report changes.
    changes: Option<Changes>,
    /// Whether the last poll followed a reported change.
    reported: bool,
}

impl FileWatch {
    /// Watches the file from now on. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { changes: Changes::of(path).ok(), reported: false }
    }

    /// Waits until it is time to poll the file: soon after a change, and once a second.
    pub async fn next(&mut self) {
        let Some(changes) = &self.changes else { return tick(INTERVAL).await };
        if self.reported {
            tick(INTERVAL).await;
        }
        let change = tokio::select! {
            biased;
            change = changes.next() => Some(change),
            () = tick(LONGEST) => None,
        };
        self.reported = change.is_some();
        match change {
            Some(Ok(())) => precise::sleep(SETTLES).await,
            Some(Err(_)) => self.changes = None,
            None => {}
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use tokio::io::unix::AsyncFd;

    use crate::descriptor::awaited;

    /// The changes of a file that the system reports.
    #[derive(Debug)]
    pub(super) struct Changes(AsyncFd<OwnedFd>);

    impl Changes {
        pub fn of(path: &Path) -> io::Result<Self> {
            let watcher = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            // A file that is open loses its name (`ATTRIB`) long before it is deleted (`DELETE_SELF`).
            let flags = WatchFlags::MODIFY | WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
            inotify::add_watch(&watcher, path, flags)?;
            awaited(watcher).map(Self)
        }

        /// Waits for changes since the last call.
        pub async fn next(&self) -> io::Result<()> {
            let mut events = [0; 4096];
            loop {
                let mut ready = self.0.readable().await?;
                let read = ready.try_io(|watcher| rustix::io::read(watcher.get_ref(), &mut events).map_err(io::Error::from));
                if let Ok(read) = read {
                    return read.map(drop);
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::path::Path;

    /// Other systems report none.
    #[derive(Debug)]
    pub(super) enum Changes {}

    impl Changes {
        pub fn of(_: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub async fn next(&self) -> io::Result<()> {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn polls_follow_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "a").unwrap();
        let mut watch = FileWatch::new(&path);
        assert_eq!(watch.changes.is_some(), cfg!(target_os = "linux"));
        for change in ["written", "written again", "moved"] {
            let write = async {
                tokio::task::yield_now().await;
                match change {
                    "moved" => std::fs::rename(&path, folder.path().join("elsewhere")).unwrap(),
                    text => std::fs::write(&path, text).unwrap(),
                }
            };
            tokio::join!(watch.next(), write);
            assert_eq!(watch.reported, cfg!(target_os = "linux"), "{change}");
        }
        watch.next().await;
        assert!(!watch.reported, "nothing has changed");
    }

    #[tokio::test]
    async fn file_that_cannot_be_watched_is_polled() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = FileWatch::new(&folder.path().join("missing"));
        assert!(watch.changes.is_none());
        watch.next().await;
        assert!(!watch.reported);
    }
}
