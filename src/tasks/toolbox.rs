//! Shared dependencies of the task types, built once at start and passed to each type's constructor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;

use super::Limits;
use super::sql::Datasources;
use crate::clock::SharedClock;
use crate::profiles::ProfileDirectory;
use crate::storage::Database;

/// Dependencies of the task types; cheap to clone.
#[derive(Clone)]
pub struct Toolbox {
    pub clock: SharedClock,
    /// Belfry's own database: previous results, the execution log, backups.
    pub database: Database,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The default time zone.
    pub zone: Tz,
    pub profiles: Arc<ProfileDirectory>,
    /// The databases of the profiles, each with its own connection limit.
    pub datasources: Arc<Datasources>,
    pub limits: Arc<Limits>,
}

impl Toolbox {
    /// A toolbox without profiles, with files limited to `folder`.
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
