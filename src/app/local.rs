//! The services without a server: for commands that work on the database themselves, also while a server runs on it.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::shared::Shared;
use super::{DataDir, wiring};
use crate::config::Settings;
use crate::scheduler::presence;
use crate::service::Service;
use crate::storage::{self, Database, copy};
use crate::tasks::executables::Watch;

/// The services on a database that was opened for one command.
pub struct Opened {
    pub service: Service,
    database: Database,
    executables: Option<Watch>,
}

/// Opens the database of the settings for one command. A running server sees what is changed within a moment.
///
/// # Errors
/// One line that says what is wrong; nothing stays of what was made.
pub async fn open(settings: &Settings) -> Result<Opened, StartError> {
    let mut data = DataDir::prepare(&settings.data_dir)?;
    let database = wiring::open_database(settings, &data).await?;
    data.keep();
    let shared = Shared::new(settings, database.clone());
    Ok(Opened { database, service: shared.service(settings), executables: wiring::executables(settings, &shared) })
}

/// Whether a server runs on the database of a data folder, by the lock that it holds there. One that uses PostgreSQL counts too.
pub fn is_served(data_dir: &Path) -> bool {
    presence::anybody(data_dir)
}

impl Opened {
    /// Copies a SQLite database, while others use it, into a file that is empty or does not exist yet, and checks the copy.
    ///
    /// # Errors
    /// Where the copy cannot be written or is not sound; what was written stays.
    pub async fn copy_into(&self, file: &Path) -> storage::Result<()> {
        copy::sqlite_into(&self.database, file, CancellationToken::new()).await?;
        copy::check_sqlite(file).await
    }

    /// Closes the database; SQLite folds its write-ahead log into the file.
    pub async fn close(self) {
        self.database.close().await;
    }

    /// Makes the executables of the user's own known as task types, once: each is asked what it is.
    pub async fn find_executables(&mut self) {
        if let Some(mut executables) = self.executables.take() {
            executables.run_once().await;
        }
    }
}
