//! The database file on disk: a watcher ends the server when the file is no longer the one that was opened. SQLite would go on
//! writing to a file that no longer has a name, and everything written would be lost.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::error::StartError;
use crate::file_watch::FileWatch;

/// What identifies an open file, whatever its name is by now.
type FileId = (u64, u64);

/// Waits until the shutdown.
///
/// # Errors
/// The file was removed or replaced.
pub(super) async fn watch(path: PathBuf, shutdown: CancellationToken) -> Result<(), StartError> {
    let Some(opened) = file_id(&path) else { return waited(shutdown).await };
    let mut changes = FileWatch::new(&path);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = changes.next() => {}
        }
        if file_id(&path) != Some(opened) {
            return Err(StartError::DatabaseFileReplaced { path });
        }
    }
}

async fn waited(shutdown: CancellationToken) -> Result<(), StartError> {
    shutdown.cancelled().await;
    Ok(())
}

/// `None` if there is no such file, or the system does not let a program remove an open file.
#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn watch_fails_when_the_file_is_removed_or_replaced() {
        for replaced in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("task.db");
            std::fs::write(&path, "opened").unwrap();
            let watching = watch(path.clone(), CancellationToken::new());
            let change = async {
                tokio::task::yield_now().await;
                std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
                if replaced {
                    std::fs::write(&path, "another").unwrap();
                }
            };
            let (ended, ()) = tokio::join!(watching, change);
            assert!(ended.unwrap_err().to_string().contains("task.db"), "{replaced}");
        }
    }

    #[tokio::test]
    async fn watch_ends_at_the_shutdown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("task.db");
        std::fs::write(&path, "opened").unwrap();
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        assert!(watch(path, shutdown).await.is_ok());
    }
}
