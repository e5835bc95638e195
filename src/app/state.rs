//! The application state: what services, scheduler and workers share, built from the settings and a database.

use std::sync::Arc;

use super::builder;
use super::data_dir::{FILES_FOLDER, KEY_FILE};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Settings;
use crate::domain::profile::Profiles;
use crate::events::EventBus;
use crate::oidc::Provider;
use crate::service::{Service, ServiceDeps};
use crate::signals::{SchedulerHeartbeat, Signals};
use crate::storage::Database;
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
    pub profiles: Arc<Profiles>,
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
        let toolbox = toolbox(settings, &database, &clock);
        Self {
            registry: Arc::new(registry(settings, &toolbox)),
            datasources: toolbox.datasources,
            profiles: toolbox.profiles,
            vault: Arc::new(vault(settings, &database)),
            events: EventBus::default(),
            signals: Signals::default(),
            heartbeat: SchedulerHeartbeat::default(),
            cancels: CancelRegistry::default(),
            database,
            clock,
        }
    }

    pub fn service(&self, settings: &Settings) -> Service {
        Service::new(ServiceDeps {
            database: self.database.clone(),
            registry: self.registry.clone(),
            datasources: self.datasources.clone(),
            profiles: self.profiles.clone(),
            clock: self.clock.clone(),
            events: self.events.clone(),
            signals: self.signals.clone(),
            heartbeat: self.heartbeat.clone(),
            cancels: self.cancels.clone(),
            vault: self.vault.clone(),
            zone: settings.server.zone,
            queues: builder::queues(settings),
            session: chrono::Duration::days(i64::from(settings.auth.session_days)),
            session_idle: chrono::Duration::hours(i64::from(settings.auth.session_idle_hours)),
            second_factor_required: settings.auth.second_factor_required,
            single_sign_on: settings.oidc.is_set_up().then(|| Arc::new(Provider::new(settings.oidc.clone(), self.clock.clone()))),
        })
    }
}

/// The dependencies of the task types.
fn toolbox(settings: &Settings, database: &Database, clock: &SharedClock) -> Toolbox {
    Toolbox {
        clock: clock.clone(),
        database: database.clone(),
        data_dir: settings.data_dir.clone(),
        zone: settings.server.zone,
        profiles: Arc::new(settings.profiles.clone()),
        datasources: Arc::new(Datasources::new(&settings.profiles, settings.server.zone)),
        limits: Arc::new(limits(settings)),
    }
}

/// The task types that the settings allow.
fn registry(settings: &Settings, toolbox: &Toolbox) -> Registry {
    let registry = Registry::builtin(toolbox);
    if settings.commands.enabled { registry } else { registry.without_dangerous() }
}

fn limits(settings: &Settings) -> Limits {
    let own_files = std::iter::once(settings.data_dir.join(FILES_FOLDER));
    Limits {
        programs: settings.commands.programs.clone(),
        command_folders: settings.commands.folders.clone(),
        file_folders: own_files.chain(settings.files.folders.iter().cloned()).collect(),
        private_addresses: settings.network.private_addresses,
    }
}

fn vault(settings: &Settings, database: &Database) -> Vault {
    let source = match &settings.secrets.key {
        Some(key) => KeySource::Given(key.clone()),
        None => KeySource::File(settings.data_dir.join(KEY_FILE)),
    };
    let client_secret = settings.oidc.client_secret.as_ref();
    let hidden = settings.profiles.secrets().into_iter().chain(client_secret).map(|secret| secret.reveal().to_owned());
    Vault::new(database.clone(), source, hidden.collect())
}
