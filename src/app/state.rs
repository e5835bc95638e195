//! The application state: what services, scheduler and workers share, built from the settings and a database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::data_dir::{BACKUPS_FOLDER, EXECUTABLES_FOLDER, FILES_FOLDER, KEY_FILE};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{History, Settings};
use crate::domain::policy::DEFAULT_QUEUE;
use crate::domain::retention::DefaultRetention;
use crate::events::EventBus;
use crate::notify::courier::{Courier, CourierDeps};
use crate::oidc::Provider;
use crate::profiles::ProfileDirectory;
use crate::queue::QueueConfig;
use crate::service::{ServiceDeps, Services};
use crate::signals::{SchedulerHeartbeat, Signals};
use crate::storage::Database;
use crate::tasks::files::{FileFolder, FileFolders};
use crate::tasks::registry::Registry;
use crate::tasks::sql::Datasources;
use crate::tasks::{Limits, Toolbox};
use crate::vault::{KeySource, Vault};
use crate::worker::cancel::CancelRegistry;

/// The shared state; clones refer to the same one.
#[derive(Clone)]
pub(super) struct AppState {
    pub database: Database,
    pub registry: Arc<Registry>,
    pub datasources: Arc<Datasources>,
    pub profiles: Arc<ProfileDirectory>,
    pub limits: Arc<Limits>,
    pub courier: Arc<Courier>,
    pub vault: Arc<Vault>,
    pub clock: SharedClock,
    pub events: EventBus,
    pub signals: Signals,
    pub heartbeat: SchedulerHeartbeat,
    pub cancels: CancelRegistry,
}

impl AppState {
    pub fn new(settings: &Settings, database: Database) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let vault = Arc::new(vault(settings, &database));
        let toolbox = toolbox(settings, &database, &clock, vault.clone());
        let registry = Arc::new(registry(settings, &toolbox));
        let courier = Courier::new(CourierDeps {
            database: database.clone(),
            clock: clock.clone(),
            vault: vault.clone(),
            registry: registry.clone(),
            profiles: toolbox.profiles.from_settings().clone(),
            limits: toolbox.limits.clone(),
            public_url: public_url(settings),
        });
        Self {
            registry,
            datasources: toolbox.datasources,
            profiles: toolbox.profiles,
            limits: toolbox.limits,
            courier: Arc::new(courier),
            vault,
            events: EventBus::default(),
            signals: Signals::default(),
            heartbeat: SchedulerHeartbeat::default(),
            cancels: CancelRegistry::default(),
            database,
            clock,
        }
    }

    pub fn services(&self, settings: &Settings) -> Services {
        Services::new(&ServiceDeps {
            database: self.database.clone(),
            registry: self.registry.clone(),
            datasources: self.datasources.clone(),
            profiles: self.profiles.clone(),
            limits: self.limits.clone(),
            courier: self.courier.clone(),
            clock: self.clock.clone(),
            events: self.events.clone(),
            signals: self.signals.clone(),
            heartbeat: self.heartbeat.clone(),
            cancels: self.cancels.clone(),
            vault: self.vault.clone(),
            environment: Arc::new(template_environment(settings)),
            zone: settings.server.zone,
            reserved_tags: settings.files.named.values().flat_map(|folder| folder.tags.iter().cloned()).collect(),
            queues: queue_configs(settings).into(),
            session: chrono::Duration::days(i64::from(settings.auth.session_days)),
            session_idle: chrono::Duration::hours(i64::from(settings.auth.session_idle_hours)),
            retention: default_retention(settings),
            second_factor_required: settings.auth.second_factor_required,
            single_sign_on: settings.oidc.is_set_up().then(|| Arc::new(Provider::new(settings.oidc.clone(), self.clock.clone()))),
        })
    }
}

/// The environment variables that templates in parameters may read.
pub(super) fn template_environment(settings: &Settings) -> BTreeMap<String, String> {
    let allowed = settings.commands.environment.iter();
    allowed.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect()
}

/// The URL for links in notifications, with the base path.
fn public_url(settings: &Settings) -> Option<String> {
    settings.server.public_url.as_ref().map(|url| format!("{url}{}", settings.server.base_path))
}

/// The retention of the settings.
pub(super) fn default_retention(settings: &Settings) -> DefaultRetention {
    let History { keep_days, keep_per_task } = settings.history;
    DefaultRetention {
        age: (keep_days > 0).then(|| chrono::Duration::days(i64::from(keep_days))),
        per_task: i64::try_from(keep_per_task).ok().filter(|keep| *keep > 0),
    }
}

/// The queues with their limits, `default` first.
pub(super) fn queue_configs(settings: &Settings) -> Vec<QueueConfig> {
    let workers = &settings.workers;
    let named = workers.queues.keys().filter(|name| *name != DEFAULT_QUEUE);
    let limit = |name: &str| workers.queues.get(name).copied().unwrap_or(workers.limit);
    let names = std::iter::once(DEFAULT_QUEUE).chain(named.map(String::as_str));
    names.map(|name| QueueConfig { name: name.to_owned(), limit: limit(name) }).collect()
}

/// The names of the queues, `default` first.
pub(super) fn queue_names(settings: &Settings) -> Vec<String> {
    queue_configs(settings).into_iter().map(|queue| queue.name).collect()
}

/// The dependencies of the task types.
fn toolbox(settings: &Settings, database: &Database, clock: &SharedClock, vault: Arc<Vault>) -> Toolbox {
    let profiles = Arc::new(ProfileDirectory::new(Arc::new(settings.profiles.clone()), database.clone(), vault));
    Toolbox {
        clock: clock.clone(),
        database: database.clone(),
        data_dir: settings.data_dir.clone(),
        zone: settings.server.zone,
        datasources: Arc::new(Datasources::new(profiles.clone(), settings.server.zone)),
        profiles,
        limits: Arc::new(limits(settings)),
    }
}

/// The task types that the settings allow.
fn registry(settings: &Settings, toolbox: &Toolbox) -> Registry {
    let registry = Registry::builtin(toolbox);
    if settings.commands.enabled { registry } else { registry.without_dangerous() }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        programs: settings.commands.programs.clone(),
        command_folders: settings.commands.folders.clone(),
        files: file_folders(settings),
        backup_folders: backup_folders(settings),
        private_addresses: settings.network.private_addresses,
    }
}

/// The folders of tasks' files. What Belfry itself reads and writes stays closed, even if a folder of the settings contains it.
fn file_folders(settings: &Settings) -> FileFolders {
    let own = settings.data_dir.join(FILES_FOLDER);
    let for_all = std::iter::once(&own).chain(&settings.files.folders).map(FileFolder::for_all);
    let tagged = settings.files.named.values().map(|folder| FileFolder { path: folder.path.clone(), tags: folder.tags.clone() });
    let http = &settings.server.http;
    let own_files = [&settings.tasks.file, &http.tls_certificate, &http.tls_key].into_iter().flatten().cloned();
    let executables = settings.tasks.folder.clone().unwrap_or_else(|| settings.data_dir.join(EXECUTABLES_FOLDER));
    FileFolders {
        open: for_all.chain(tagged).collect(),
        closed: vec![settings.data_dir.clone()],
        private: backup_folders(settings).into_iter().chain([executables]).chain(own_files).collect(),
    }
}

/// The folders that backups may be written to, that of the data folder first.
fn backup_folders(settings: &Settings) -> Vec<PathBuf> {
    std::iter::once(settings.data_dir.join(BACKUPS_FOLDER)).chain(settings.backup.folders.iter().cloned()).collect()
}

fn vault(settings: &Settings, database: &Database) -> Vault {
    let source = match &settings.secrets.key {
        Some(key) => KeySource::Given(key.clone()),
        None => KeySource::File(settings.data_dir.join(KEY_FILE)),
    };
    let client_secret = settings.oidc.client_secret.clone();
    let hidden = settings.profiles.secrets().into_iter().chain(client_secret).map(|secret| secret.reveal().to_owned());
    Vault::new(database.clone(), source, hidden.collect())
}
