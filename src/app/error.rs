//! Errors of the server's start and run: one line each, with the cause, the place and the fix.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::config::reason;
use crate::i18n::{Message, message};

/// Why the server did not start or ended early.
#[derive(Debug)]
pub enum StartError {
    Listen {
        address: String,
        reason: String,
        advice: Message,
    },
    DataDir {
        path: PathBuf,
        reason: Message,
    },
    /// `what` names the database without its password.
    Database {
        what: String,
        reason: String,
    },
    DatabaseLost {
        path: PathBuf,
        evidence: PathBuf,
    },
    /// Names the setting and the file.
    Tls(Message),
    Admin(Message),
    OrphanRecovery(String),
    /// A background task ended or panicked.
    Component(Message),
    DatabaseFileReplaced {
        path: PathBuf,
    },
    Server(io::Error),
}

impl StartError {
    pub(super) fn listen(address: &str, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => message!("start.address_in_use"),
            io::ErrorKind::PermissionDenied => message!("start.low_port"),
            _ => message!("start.address"),
        };
        Self::Listen { address: address.to_owned(), reason: reason(error), advice }
    }

    pub(super) fn data_dir(path: &Path, reason: Message) -> Self {
        Self::DataDir { path: path.to_owned(), reason }
    }

    /// What to tell the user.
    #[must_use]
    pub fn message(&self) -> Message {
        let shown = |path: &Path| path.display().to_string();
        match self {
            Self::Listen { address, reason, advice } => {
                message!("start.listen", address, reason, advice = advice.clone())
            }
            Self::DataDir { path, reason } => message!("start.data_dir", path = shown(path), reason = reason.clone()),
            Self::Database { what, reason } => message!("start.database", what, reason),
            Self::DatabaseLost { path, evidence } => {
                message!("start.database_lost", path = shown(path), evidence = shown(evidence))
            }
            Self::Tls(fault) => fault.clone(),
            Self::Admin(fault) => message!("start.admin", fault = fault.clone()),
            Self::OrphanRecovery(reason) => message!("start.recovery", reason),
            Self::Component(fault) => message!("start.component", fault = fault.clone()),
            Self::DatabaseFileReplaced { path } => message!("start.database_replaced", path = shown(path)),
            Self::Server(error) => message!("start.server", error = error.to_string()),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for StartError {}
