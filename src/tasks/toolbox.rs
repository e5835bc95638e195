//! What the task types share: built once at the start, given to each type when it is made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;

use super::Limits;
use super::sql::Datasources;
use crate::clock::SharedClock;
use crate::domain::profile::Profiles;
use crate::storage::Database;

/// Clones share it.
#[derive(Clone)]
pub struct Toolbox {
    pub clock: SharedClock,
    /// Belfry's own database: earlier results, the execution log, the backup.
    pub database: Database,
    /// Where Belfry keeps its files.
    pub data_dir: PathBuf,
    /// The zone of times that name none.
    pub zone: Tz,
    pub profiles: Arc<Profiles>,
    /// The databases of the profiles, each with its own bound on connections.
    pub datasources: Arc<Datasources>,
    pub limits: Arc<Limits>,
}

impl Toolbox {
    /// A toolbox without profiles and without limits but to the files of `folder`.
    pub fn plain(database: Database, clock: SharedClock, folder: &Path) -> Toolbox {
        Toolbox {
            clock,
            database,
            data_dir: folder.to_owned(),
            zone: Tz::UTC,
            profiles: Arc::default(),
            datasources: Arc::default(),
            limits: Arc::new(Limits::within(folder)),
        }
    }
}
