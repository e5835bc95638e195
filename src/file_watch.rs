//! Watches of a file that other processes change: on Linux the system tells of changes; elsewhere the file is looked at regularly.

use std::path::Path;
use std::time::Duration;

use self::system::Changes;
use crate::clock::{precise, tick};

/// The shortest time between two looks, and how often there is one where the system does not tell of changes.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often there is a look although no change was told. Another machine's changes of a shared folder are not.
const LONGEST: Duration = Duration::from_secs(1);
/// What begins with a change that was told, such as the writes of one transaction, has mostly ended after this time.
const SETTLES: Duration = Duration::from_millis(10);

/// A watch of one file.
#[derive(Debug)]
pub struct FileWatch {
    /// `None` if the system does not tell of changes.
    changes: Option<Changes>,
    /// A change was told at the last look.
    told: bool,
}

impl FileWatch {
    /// Watches the file from now on. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { changes: Changes::of(path).ok(), told: false }
    }

    /// Waits until it is time to look at the file: soon after a change, and once a second.
    pub async fn next(&mut self) {
        let Some(changes) = &self.changes else { return tick(INTERVAL).await };
        if self.told {
            tick(INTERVAL).await;
        }
        let change = tokio::select! {
            biased;
            change = changes.next() => Some(change),
            () = tick(LONGEST) => None,
        };
        self.told = change.is_some();
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

    /// What the system tells of a file.
    #[derive(Debug)]
    pub(super) struct Changes(AsyncFd<OwnedFd>);

    impl Changes {
        pub fn of(path: &Path) -> io::Result<Self> {
            let told = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            // A file that is open loses its name (`ATTRIB`) long before it is deleted (`DELETE_SELF`).
            let flags = WatchFlags::MODIFY | WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
            inotify::add_watch(&told, path, flags)?;
            awaited(told).map(Self)
        }

        /// Waits for changes since the last call.
        pub async fn next(&self) -> io::Result<()> {
            let mut events = [0; 4096];
            loop {
                let mut ready = self.0.readable().await?;
                let read = ready.try_io(|told| rustix::io::read(told.get_ref(), &mut events).map_err(io::Error::from));
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

    /// Other systems do not tell.
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
    async fn looks_follow_changes() {
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
            assert_eq!(watch.told, cfg!(target_os = "linux"), "{change}");
        }
        watch.next().await;
        assert!(!watch.told, "nothing has changed");
    }

    #[tokio::test]
    async fn file_that_cannot_be_watched_is_looked_at_regularly() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = FileWatch::new(&folder.path().join("missing"));
        assert!(watch.changes.is_none());
        watch.next().await;
        assert!(!watch.told);
    }
}
