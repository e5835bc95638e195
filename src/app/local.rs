//! Local access: the services without a server, for commands that work on the database directly, also while a server uses it.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::state::AppState;
use super::{DataDir, builder};
use crate::cluster::process_lock;
use crate::config::Settings;
use crate::service::Services;
use crate::storage::{self, Database, copy, server_state};
use crate::tasks::executables::ExecutableWatcher;

/// The services on a database opened for one command.
pub struct LocalApp {
    pub services: Services,
    database: Database,
    executables: Option<ExecutableWatcher>,
}

/// Opens the database of the settings for one command. A running server notices the command's changes at once. On an error,
/// everything created is removed.
pub async fn open(settings: &Settings) -> Result<LocalApp, StartError> {
    let mut data = DataDir::prepare(&settings.data_dir)?;
    let database = builder::open_database(settings, &data).await?;
    data.commit();
    let settings = &in_zone_of_server(settings, &database).await?;
    let state = AppState::new(settings, database.clone());
    Ok(LocalApp { database, services: state.services(settings), executables: builder::executables(settings, &state) })
}

/// The settings with the time zone by which the server plans: that of this process may be another one, and the server computes next
/// runs anew only if its own zone changes.
async fn in_zone_of_server(settings: &Settings, database: &Database) -> Result<Settings, StartError> {
    let mut settings = settings.clone();
    let failed = |error: storage::Error| StartError::Database { what: database.kind().to_owned(), reason: error.to_string() };
    let mut reader = database.read().await.map_err(failed)?;
    if let Some(zone) = server_state::zone(&mut reader).await.map_err(failed)? {
        settings.server.zone = zone;
    }
    Ok(settings)
}

/// Whether a server runs with this data folder, by its process lock; on SQLite and on PostgreSQL.
pub fn is_server_running(data_dir: &Path) -> bool {
    process_lock::any_process_alive(data_dir)
}

impl LocalApp {
    /// Copies a SQLite database in use into a file that is empty or does not exist, and checks the copy.
    ///
    /// # Errors
    /// The copy cannot be written or is corrupt; the file is not removed.
    pub async fn copy_into(&self, file: &Path) -> storage::Result<()> {
        copy::copy_sqlite(&self.database, file, CancellationToken::new()).await?;
        copy::check_sqlite(file).await
    }

    /// Registers the user's executables as task types, once; each is asked for its description.
    pub async fn find_executables(&mut self) {
        if let Some(mut executables) = self.executables.take() {
            executables.run_once().await;
        }
    }
}
