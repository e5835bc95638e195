//! Why the server cannot start: one line each, with what, where, and what would be right.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::reason;

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {reason}; {advice}")]
    Listen { address: String, reason: String, advice: &'static str },
    #[error("cannot use the data folder {}: {reason}; choose another with --data-dir or BELFRY_DATA_DIR, or let this account write there", path.display())]
    DataDir { path: PathBuf, reason: String },
    /// `what` names the database without its password.
    #[error("the database {what}: {reason}")]
    Database { what: String, reason: String },
    /// Names the setting and the file.
    #[error("{0}")]
    Tls(String),
    #[error("cannot set up the administrator: {0}")]
    Admin(String),
    #[error("cannot take up what was left undone: {0}")]
    Rescue(String),
    /// One of the loops is gone.
    #[error("a part of the server failed: {0}; the log says more")]
    Part(String),
    #[error("the server ended: {0}")]
    Server(#[source] io::Error),
}

impl StartError {
    pub(super) fn listen(address: &str, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "stop what uses it, or give another with --listen or BELFRY_SERVER_LISTEN",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need rights of their own; give another with --listen or BELFRY_SERVER_LISTEN"
            }
            _ => "give an address of this machine with --listen or BELFRY_SERVER_LISTEN",
        };
        Self::Listen { address: address.to_owned(), reason: reason(error), advice }
    }

    pub(super) fn data_dir(path: &Path, reason: impl Into<String>) -> Self {
        Self::DataDir { path: path.to_owned(), reason: reason.into() }
    }
}
