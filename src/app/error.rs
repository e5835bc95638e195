//! Errors of the server's start and run: one line each, with the cause, the place and the fix.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::reason;

/// Why the server did not start or ended early.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {reason}; {advice}")]
    Listen { address: String, reason: String, advice: &'static str },
    #[error("cannot use the data folder {}: {reason}; set another with --data-dir or BELFRY_DATA_DIR, or make it writable for this account", path.display())]
    DataDir { path: PathBuf, reason: String },
    /// `what` names the database without its password.
    #[error("cannot open the database {what}: {reason}")]
    Database { what: String, reason: String },
    /// Names the setting and the file.
    #[error("{0}")]
    Tls(String),
    #[error("cannot set up the administrator: {0}")]
    Admin(String),
    #[error("cannot recover the executions of dead processes: {0}")]
    OrphanRecovery(String),
    /// A background task ended or panicked.
    #[error("a component of the server failed: {0}; see the log")]
    Component(String),
    #[error("the database file {} was removed or replaced while the server used it; stopping, because nothing written now would be kept", path.display())]
    DatabaseFileReplaced { path: PathBuf },
    #[error("the HTTP server failed: {0}")]
    Server(#[source] io::Error),
}

impl StartError {
    pub(super) fn listen(address: &str, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "stop the program that uses it, or set another address with --listen or BELFRY_SERVER_LISTEN"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 require privileges; set another port with --listen or BELFRY_SERVER_LISTEN"
            }
            _ => "set an address of this machine with --listen or BELFRY_SERVER_LISTEN",
        };
        Self::Listen { address: address.to_owned(), reason: reason(error), advice }
    }

    pub(super) fn data_dir(path: &Path, reason: impl Into<String>) -> Self {
        Self::DataDir { path: path.to_owned(), reason: reason.into() }
    }
}
